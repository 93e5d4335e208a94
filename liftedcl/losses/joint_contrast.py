"""Sparse structure-aware contrast: joints against skeleton nodes, and against other people's joints (HCMoCo, 3.4)."""

import torch
from torch import Tensor
from torch.nn import functional as F


def node_contrast(features: Tensor, nodes: Tensor, temperature: float) -> Tensor:
    """Of each joint, (B, J) float32: the cross-entropy of finding its own node among the J of its sample's skeleton.

    Args:
        features: (B, J, D), of a map at the joints; a joint that isn't visible has none, and its loss doesn't count.
        nodes: (B, J, D), of the graph network.
        temperature: tau, of cosines.
    """
    with torch.autocast(features.device.type, enabled=False):
        features, nodes = (F.normalize(x.float(), dim=2) for x in (features, nodes))
        scores = (features @ nodes.mT / temperature).log_softmax(dim=2)
        return -scores.diagonal(dim1=1, dim2=2)


def subject_contrast(
    anchors: Tensor,
    others: Tensor,
    first: int,
    joints: Tensor,
    there: Tensor,
    temperature: float,
) -> tuple[Tensor, Tensor]:
    """Supervised contrast of joints: the same joint of anybody, in any modality, against all other joints.

    Departures from the published code, in which joints that aren't visible take part, as if at pixel (0, 0), and each
    anchor is one of its own negatives: only joints that are ``there`` do, and an anchor is compared with all others.

    Args:
        anchors: (A, D), some of the joints.
        others: (M, D), all joints, of any length; ``anchors`` are those from place ``first`` on.
        joints: (M,) int64, which joint each of the others is.
        there: (M,) bool: visible, in a modality that the sample has.
        temperature: tau, of cosines.

    Returns:
        The loss of each anchor, (A,) float32, and which count: those that are there and have a positive.
    """
    with torch.autocast(anchors.device.type, enabled=False):
        anchors, others = (F.normalize(x.float(), dim=1) for x in (anchors, others))
        places = torch.arange(len(anchors), device=anchors.device) + first
        compared = there & (places[:, None] != torch.arange(len(others), device=anchors.device))
        logits = anchors @ others.T / temperature
        normaliser = logits.masked_fill(~compared, -torch.inf).logsumexp(dim=1, keepdim=True)
        positive = compared & (joints[places][:, None] == joints)
        count = positive.sum(dim=1)
        counts = there[places] & (count > 0)
        margins = torch.where(positive, normaliser - logits, 0.0)  # where none is compared, it is infinite and unused
        return margins.sum(dim=1) / count.clamp_min(1), counts
