"""Edges of label maps and their balanced loss."""

import numpy as np
import pytest
import torch
from tiny.lip import label_map
from torch.nn import functional as F

from downstream.lip.parsing_loss import balanced_cross_entropy, edge_labels

IGNORED = 255


def test_a_border_is_three_pixels_wide():
    labels = torch.zeros(1, 8, 10, dtype=torch.uint8)
    labels[:, :, 5:] = 3
    expected = torch.zeros_like(labels)
    expected[:, :, 3:6] = 1
    assert torch.equal(edge_labels(labels), expected)
    turned = edge_labels(labels.transpose(1, 2))
    assert torch.equal(turned, expected.transpose(1, 2))


def test_against_a_loop_over_the_pixels():
    labels = torch.from_numpy(np.stack([label_map(17, 13, seed) for seed in range(3)]))
    labels[0, :3] = labels[2, :, 5] = IGNORED
    border = np.zeros(labels.shape, dtype=bool)
    for n, y, x in np.ndindex(*labels.shape):
        for other in ((n, y, x + 1), (n, y + 1, x)):
            inside = other[1] < 13 and other[2] < 17
            if inside and IGNORED not in (labels[n, y, x], labels[other]) and labels[n, y, x] != labels[other]:
                border[n, y, x] = True
    expected = labels.clone()
    for n, y, x in np.ndindex(*labels.shape):
        if labels[n, y, x] != IGNORED:
            expected[n, y, x] = bool(border[n, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any())
    assert torch.equal(edge_labels(labels), expected)
    assert expected.unique().tolist() == [0, 1, IGNORED]


def test_the_border_to_ignored_pixels_is_no_edge():
    labels = torch.full((1, 6, 6), IGNORED)
    labels[:, 2:4, 2:4] = 7
    assert torch.equal(edge_labels(labels), torch.where(labels == 7, 0, IGNORED))


def test_balanced_cross_entropy_is_that_with_weights_by_the_other_share():
    logits = torch.randn(2, 2, 9, 9, generator=torch.Generator().manual_seed(0))
    edges = torch.zeros(2, 9, 9, dtype=torch.long)
    edges[:, 2:4] = 1
    edges[1, 7:] = IGNORED
    counts = torch.stack([(edges == 0).sum(), (edges == 1).sum()]).float()
    weights = counts.flip(0) / counts.sum()
    expected = F.cross_entropy(logits, edges, weights, ignore_index=IGNORED)
    torch.testing.assert_close(balanced_cross_entropy(logits, edges), expected)


@pytest.mark.parametrize("everywhere", [0, 1, IGNORED])
def test_pictures_without_edges_leave_the_loss_finite(everywhere):
    logits = torch.randn(1, 2, 5, 5, requires_grad=True)
    loss = balanced_cross_entropy(logits, torch.full((1, 5, 5), everywhere))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()
