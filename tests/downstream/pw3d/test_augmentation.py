"""Augmentation of the shape benchmark: colours of each level, and loss of resolution as in the published code."""

import itertools

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from tiny.pw3d import RECIPE

from downstream.pw3d.augmentation import draw_colours, jittered, lose_resolution, pyramid


def imresize(image, size):
    """SciPy 1.2's imresize of (H, W, 3) to a square, bicubic: floats are stretched to 0-255 first, bytes are not."""
    if image.dtype != np.uint8:
        image = (255 * (image - image.min()) / (image.max() - image.min()) + 0.5).astype(np.uint8)
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("size", [24, 40, 100, 150])
def test_lost_resolution_is_that_of_the_published_code(size):
    """Twice imresize, that is: Pillow's bicubic on bytes, after the image is stretched to the whole range."""
    rng = np.random.default_rng(size)
    coarse = rng.uniform(30, 190, (2, 14, 14, 3))
    images = np.stack([cv2.resize(image, (224, 224), interpolation=cv2.INTER_CUBIC) for image in coarse])
    images[:, 60:64] = 200.0  # an edge, where kernels differ
    expected = np.stack([imresize(imresize(image, size), 224) for image in images])
    found = lose_resolution(torch.from_numpy(images / 255).permute(0, 3, 1, 2).float(), size)
    difference = np.abs(255 * found.permute(0, 2, 3, 1).numpy() - expected)
    assert difference.max() <= 2 and difference.mean() < 0.3


def test_lost_resolution_drops_detail():
    fine = torch.zeros(1, 3, 64, 64)
    fine[..., ::2] = 1  # stripes of a pixel: nothing of them is left at half the size but their mean
    assert (lose_resolution(fine, 16) - 0.5).abs().max() < 0.05
    half = torch.zeros(1, 3, 64, 64)
    half[..., 32:] = 1
    low = lose_resolution(half, 16)
    assert low.shape == half.shape and low[..., :24].max() < 0.15 and low[..., 40:].min() > 0.85
    levels = pyramid(half, torch.ones(3, 1, 6), (64, 32, 16))
    assert levels.shape == (3, 3, 64, 64) and torch.equal(levels[:1], half) and torch.equal(levels[2:], low)


def test_jitters_change_colours_as_drawn():
    images = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    torch.testing.assert_close(jittered(images, torch.ones(1, 3)), images)
    brighter = jittered(images, torch.tensor([[1.4, 1.0, 1.0]]))[0, :, 0, 0]
    torch.testing.assert_close(brighter, torch.tensor([0.28, 0.56, 0.84]))
    grey = torch.full((3,), 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6)
    for name, factors in (("contrast", [1.0, 0.0, 1.0]), ("saturation", [1.0, 1.0, 0.0])):
        found = jittered(images, torch.tensor([factors]))[0, :, 0, 0]
        torch.testing.assert_close(found, grey, atol=1e-3, rtol=0, msg=name)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_jitters_may_come_in_any_order(order):
    """The published code shuffles them. One after the other, clipped at the end, they are the same in every order."""
    torch.manual_seed(0)
    images, factors = torch.rand(5, 3, 8, 8), torch.empty(5, 3).uniform_(0.6, 1.4)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    changed = images
    for jitter in order:
        factor, grey = factors[:, jitter, None, None, None], (changed * weights).sum(dim=1, keepdim=True)
        aim = (torch.zeros(()), grey.mean(dim=(2, 3), keepdim=True), grey)[jitter]
        changed = factor * changed + (1 - factor) * aim
    torch.testing.assert_close(jittered(images, factors), changed.clamp(0, 1), atol=1e-4, rtol=0)


def test_each_level_has_colours_of_its_own_and_gains_compound():
    images = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(2, 3, 48, 48).clone()
    images[:, :, 0], images[:, :, 1] = 0.0, 1.0  # the whole range, so that nothing is stretched
    colours = torch.ones(2, 2, 6)
    colours[0, 0, :3] = torch.tensor([2.0, 1.0, 0.5])
    colours[1, 0, :3] = torch.tensor([1.5, 0.5, 2.0])
    colours[1, 1, 3] = 0.5  # darker, at the second level alone
    levels = pyramid(images, colours, (48, 24)).view(2, 2, 3, 48, 48)[..., 24, 24]
    plain = torch.tensor([0.2, 0.4, 0.6])
    torch.testing.assert_close(levels[0], torch.stack([torch.tensor([0.4, 0.4, 0.3]), plain]))
    compounded = torch.stack([torch.tensor([0.6, 0.2, 0.6]), plain / 2])
    torch.testing.assert_close(levels[1], compounded, atol=2 / 255, rtol=0)


def test_colours_are_drawn_each_by_itself():
    """Of three jitters 0, 1, 2 or 3 are applied with 1, 3, 3 and 1 eighths, for each level anew, as gains are."""
    factors = np.stack([draw_colours(RECIPE.augmentation, np.random.default_rng(n), 4) for n in range(2000)])
    assert factors.shape == (2000, 4, 6)
    gains, jitters = factors[..., :3], factors[..., 3:]
    for drawn in (gains, jitters):
        assert 0.6 <= drawn.min() < 0.61 and 1.39 < drawn.max() <= 1.4
    applied = (jitters != 1).sum(axis=2)
    shares = np.bincount(applied.ravel(), minlength=4) / applied.size
    np.testing.assert_allclose(shares, [0.125, 0.375, 0.375, 0.125], atol=0.02)
    # The levels' draws have nothing to do with each other.
    for drawn in (gains[..., 0], applied):
        np.testing.assert_allclose(np.corrcoef(drawn.T), np.eye(4), atol=0.08)
