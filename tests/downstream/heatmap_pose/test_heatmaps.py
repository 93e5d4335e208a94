"""Heatmaps: targets where the joints are, losses as the published code has them, decoding and the flip test."""

import numpy as np
import pytest
import torch

from downstream.heatmap_pose.heatmaps import decode, gaussian_targets, heatmap_loss, to_heatmaps, unmirror_heatmaps

SIZE, STRIDE = (12, 16), 4


def targets(joints, visible=None, sigma=2.0):
    joints = torch.tensor(joints, dtype=torch.float32).view(1, -1, 2)
    visible = torch.ones(joints.shape[:2]) if visible is None else torch.tensor([visible])
    return gaussian_targets(joints, visible, size=SIZE, stride=STRIDE, sigma=sigma)


def test_a_target_is_a_truncated_gaussian_about_the_nearest_cell():
    maps, weights = targets([[21.9, 30.0]])  # 5.475 and 7.5: cells 5 and, half up, 8
    expected = np.zeros((16, 12))
    for row in range(16):
        for column in range(12):
            if abs(row - 8) <= 6 and abs(column - 5) <= 6:
                expected[row, column] = np.exp(-((row - 8) ** 2 + (column - 5) ** 2) / 8)
    np.testing.assert_allclose(maps[0, 0].numpy(), expected, atol=1e-6)
    assert weights.tolist() == [[1]]


def test_what_is_hidden_or_outside_does_not_count():
    # sigma 2 reaches 6 cells: a peak in column -6 still touches column 0, one in column -7 does not.
    joints = [[-24, 8], [-28, 8], [(11 + 6) * 4, 8], [(11 + 7) * 4, 8], [8, -28], [8, 8]]
    maps, weights = targets(joints, [1, 1, 1, 1, 1, 0])
    assert weights.tolist() == [[1, 0, 1, 0, 0, 0]]
    assert (maps.flatten(2).amax(2)[0] > 0).tolist() == [True, False, True, False, False, True]


def test_encoding_and_decoding_agree_to_half_a_cell():
    rng = np.random.default_rng(0)
    joints = rng.uniform(0, (44, 60), (200, 2))
    found, heights = decode(targets(joints)[0], stride=STRIDE, offset=False)
    assert (np.abs(found[0].numpy() - joints) <= STRIDE / 2 + 1e-4).all() and (heights == 1).all()


def test_the_quarter_offset_goes_towards_the_higher_neighbour():
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(12.0), indexing="ij")
    for x, y in ((5.3, 7.8), (4.9, 2.1), (10.4, 1.2)):
        bump = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)[None, None]
        found = decode(bump, stride=STRIDE, offset=True)[0][0, 0] / STRIDE
        expected = [round(c) + 0.25 * np.sign(c - round(c)) for c in (x, y)]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    corner = torch.zeros(1, 1, 16, 12)
    corner[0, 0, 0, 0], corner[0, 0, 0, 1] = 1.0, 0.9
    assert decode(corner, stride=1, offset=True)[0].tolist() == [[[0, 0]]]  # there is no second neighbour


@pytest.mark.parametrize("offset", [False, True])
def test_the_flip_test_agrees_with_the_plain_crop(offset):
    """The mirrored crop's heatmaps, of pixels W - 1 - u, come back to within what the mirror is off: one pixel."""
    mirrored = torch.tensor([1, 0])
    joints = torch.tensor([[[20.0, 24.0], [28.0, 40.0]]])
    there = torch.ones(1, 2)
    plain = gaussian_targets(joints, there, size=SIZE, stride=STRIDE, sigma=2.0)[0]
    swapped = joints[:, mirrored].clone()
    swapped[..., 0] = 4 * SIZE[0] - 1 - swapped[..., 0]
    seen = gaussian_targets(swapped, there, size=SIZE, stride=STRIDE, sigma=2.0)[0]
    torch.testing.assert_close(unmirror_heatmaps(seen, mirrored)[..., 1:], plain[..., 1:])
    averaged = (plain + unmirror_heatmaps(seen, mirrored)) / 2
    torch.testing.assert_close(decode(averaged, stride=STRIDE, offset=offset)[0], joints)


def slow_mse(outputs, wanted, weights):
    """Per joint: mean over batch and cells of the weighted squared error."""
    errors = []
    for joint in range(outputs.shape[1]):
        squares = [
            float(((weights[b, joint] * (outputs[b, joint] - wanted[b, joint])) ** 2).mean())
            for b in range(len(outputs))
        ]
        errors.append(np.mean(squares))
    return errors


def test_losses():
    generator = torch.Generator().manual_seed(0)
    outputs, wanted = torch.randn(2, 3, 4, 5, 4, generator=generator)
    weights = torch.tensor([[1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1.0]])
    errors = slow_mse(outputs, wanted, weights)
    assert float(heatmap_loss(outputs, wanted, weights, "mse_mean")) == pytest.approx(np.mean(errors) / 2, rel=1e-5)
    assert float(heatmap_loss(outputs, wanted, weights, "mse_sum")) == pytest.approx(np.sum(errors), rel=1e-5)
    wanted = wanted.abs()
    slow = [
        torch.nn.functional.cross_entropy(
            outputs[b, j].reshape(1, -1), (wanted[b, j] / wanted[b, j].sum()).reshape(1, -1)
        )
        for b in range(3)
        for j in range(4)
        if weights[b, j]
    ]
    found = heatmap_loss(outputs, wanted, weights, "cross_entropy")
    assert float(found) == pytest.approx(float(torch.stack(slow).mean()), rel=1e-5)


@pytest.mark.parametrize("loss", ["mse_mean", "mse_sum", "cross_entropy"])
def test_what_does_not_count_has_no_gradient(loss):
    outputs = torch.randn(2, 3, 16, 12, requires_grad=True)
    maps, _ = targets([[20, 20], [30, 40], [10, 50]])
    weights = torch.tensor([[1, 0, 1], [0, 0, 1.0]])
    heatmap_loss(outputs, maps.expand(2, -1, -1, -1), weights, loss).backward()
    moved = outputs.grad.abs().amax(dim=(2, 3)) > 0
    assert moved.tolist() == (weights > 0).tolist()


def test_a_certain_network_has_peaks_of_one_under_every_loss():
    maps, _ = targets([[20, 32]], sigma=1.5)
    assert to_heatmaps(maps, loss="mse_mean", sigma=1.5) is maps
    logits = (maps + 1e-12).log()
    torch.testing.assert_close(to_heatmaps(logits, loss="cross_entropy", sigma=1.5), maps, atol=1e-4, rtol=1e-4)
