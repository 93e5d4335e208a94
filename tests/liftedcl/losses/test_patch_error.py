"""The loss of completed patches: perfect and constant predictions, targets, and what is hidden."""

import pytest
import torch

from liftedcl.losses.patch_error import hidden_errors, images_of, mean_errors, normalised, patches_of

GRID = (3, 2)


@pytest.fixture
def patches():
    torch.manual_seed(0)
    return patches_of(torch.randn(5, 3, 24, 16) * 0.7 + 1.3, GRID)


def test_patches_are_cut_row_by_row_and_joined_again():
    images = torch.arange(2 * 3 * 24 * 16.0).view(2, 3, 24, 16)
    patches = patches_of(images, GRID)
    assert patches.shape == (2, 6, 8 * 8 * 3)
    assert torch.equal(patches[1, 3].view(8, 8, 3).permute(2, 0, 1), images[1, :, 8:16, 8:16])  # second row, right
    assert torch.equal(images_of(patches, GRID, (8, 8)), images)


def test_targets_have_mean_0_and_unbiased_variance_1(patches):
    targets = normalised(patches)
    assert targets.mean(dim=2).abs().max() < 1e-5
    assert (targets.var(dim=2) - 1).abs().max() < 1e-4
    assert normalised(torch.full((1, 2, 12), 0.3)).abs().max() < 1e-3  # a patch of one colour


def test_the_loss_of_a_perfect_and_of_a_constant_prediction(patches):
    targets, hidden = normalised(patches), torch.tensor([[0, 3, 4]]).expand(5, -1)
    values = patches.shape[2]
    assert torch.equal(hidden_errors(targets, targets, hidden), torch.zeros(5))
    for constant in (0.0, 2.0):  # the mean of squares is the biased variance, (n - 1) / n, and the constant's square
        error = hidden_errors(torch.full_like(targets, constant), targets, hidden)
        assert torch.allclose(error, torch.tensor((values - 1) / values + constant**2), atol=1e-4)
    assert torch.allclose(mean_errors(targets, hidden), torch.tensor((values - 1) / values), atol=1e-4)
    variance = patches[:, [0, 3, 4]].var(dim=2, correction=0).mean(dim=1)
    assert torch.allclose(mean_errors(patches, hidden), variance, atol=1e-5)  # of plain pixels


def test_visible_patches_do_not_count(patches):
    hidden = torch.tensor([[1, 5]] * 5)
    predicted = patches.clone()
    predicted[:, [0, 2, 3, 4]] += 100.0
    assert not hidden_errors(predicted, patches, hidden).any()
    predicted[2, 5] += 3.0
    assert torch.allclose(hidden_errors(predicted, patches, hidden), torch.tensor([0.0, 0.0, 4.5, 0.0, 0.0]), atol=1e-5)
