"""Edges of label maps and their balanced loss."""

import numpy as np
import pytest
import torch
from tiny.lip import label_map
from torch.nn import functional as F

from downstream.lip.parsing_loss import balanced_cross_entropy, edge_labels

IGNORED = 255


def test_straight_borders_are_three_pixels_wide_or_four_where_diagonals_add_one():
    """The marks of a border between columns 4 and 5 are on 4, and diagonally on 5 as well, but not in the last row."""
    labels = torch.zeros(1, 8, 10, dtype=torch.uint8)
    labels[:, :, 5:] = 3
    expected = torch.zeros_like(labels)
    expected[:, :, 3:7] = 1
    assert torch.equal(edge_labels(labels), expected)
    turned = edge_labels(labels.transpose(1, 2))  # marks below the border, and diagonally above it
    assert torch.equal(turned, expected.transpose(1, 2))


def test_against_a_loop_over_the_pixels():
    """Neighbours above, to the right, and across both lower corners."""
    labels = torch.from_numpy(np.stack([label_map(17, 13, seed) for seed in range(3)]))
    labels[0, :3] = labels[2, :, 5] = IGNORED
    border = np.zeros(labels.shape, dtype=bool)
    for n, y, x in np.ndindex(*labels.shape):
        for down, right in ((-1, 0), (0, 1), (1, 1), (1, -1)):
            inside = 0 <= y + down < 13 and 0 <= x + right < 17
            if inside and labels[n, y, x] != labels[n, y + down, x + right]:
                border[n, y, x] |= IGNORED not in (labels[n, y, x], labels[n, y + down, x + right])
    expected = torch.zeros_like(labels)
    for n, y, x in np.ndindex(*labels.shape):
        expected[n, y, x] = bool(border[n, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any())
    assert torch.equal(edge_labels(labels), expected)
    assert expected.unique().tolist() == [0, 1]


def test_the_border_to_ignored_pixels_is_no_edge():
    labels = torch.full((1, 6, 6), IGNORED)
    labels[:, 2:4, 2:4] = 7
    assert not edge_labels(labels).any()


def test_balanced_cross_entropy_is_that_with_weights_by_the_other_share():
    logits = torch.randn(2, 2, 9, 9, generator=torch.Generator().manual_seed(0))
    edges = torch.zeros(2, 9, 9, dtype=torch.long)
    edges[:, 2:4] = 1
    counts = torch.stack([(edges == 0).sum(), (edges == 1).sum()]).float()
    weights = counts.flip(0) / counts.sum()
    expected = F.cross_entropy(logits, edges, weights)
    torch.testing.assert_close(balanced_cross_entropy(logits, edges), expected)


@pytest.mark.parametrize("everywhere", [0, 1])
def test_pictures_without_edges_leave_the_loss_finite(everywhere):
    logits = torch.randn(1, 2, 5, 5, requires_grad=True)
    loss = balanced_cross_entropy(logits, torch.full((1, 5, 5), everywhere))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()
