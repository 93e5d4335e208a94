"""HCMoCo's losses transcribed slowly, a sample, point or joint at a time: ours, and those of the published code."""

import math

import numpy as np
from torch import Tensor

TAU = 0.07


def cosine(a: Tensor, b: Tensor) -> float:
    a, b = (x.detach().double().numpy() for x in (a, b))
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def sample_loss(query: Tensor, row: int, bank: Tensor, drawn: list[int], *, published: bool = False) -> float:
    """Of one sample, in one modality, with the memory bank of another; as published it can be its own negative."""
    score = {k: math.exp(cosine(query, bank[k]) / TAU) for k in {row, *drawn}}
    return -math.log(score[row] / (score[row] + sum(score[k] for k in drawn if published or k != row)))


def dense_loss(first: Tensor, second: Tensor, places: Tensor) -> float:
    """Of one view: points (P, D) of both maps at ``places`` (P, 2), in both directions."""
    total, points = 0.0, range(len(places))
    for one, other in ((first, second), (second, first)):
        for j in points:
            s = [cosine(one[i], other[j]) / TAU for i in points]
            near = [math.exp(-math.dist(places[i].tolist(), places[j].tolist())) for i in points]
            normaliser = math.log(sum(map(math.exp, s)))
            total -= sum(q / sum(near) * (value - normaliser) for q, value in zip(near, s, strict=True)) / len(places)
    return total


def joint_loss(features: Tensor, nodes: Tensor, visible: Tensor) -> float:
    """Features and nodes (B, J, D): the mean over the ``visible`` (B, J), 0 where none is."""
    values = []
    for b, j in visible.nonzero().tolist():
        scores = [cosine(features[b, j], node) / TAU for node in nodes[b]]
        values.append(math.log(sum(map(math.exp, scores))) - scores[j])
    return float(np.mean(values)) if values else 0.0


def subject_loss(
    features: Tensor, joints: Tensor, there: Tensor, *, unseen: bool = False, itself: bool = False, zeros: bool = False
) -> float:
    """The mean over joints (A, D); ``joints`` (A,) says which each is, ``there`` (A,) which are seen.

    Three faults of the published code: ``unseen`` joints take part, a joint is ``itself`` among those it's told from,
    and one without a positive counts with ``zeros`` in the mean.
    """
    seen, values = range(len(joints)) if unseen else there.nonzero().squeeze(1).tolist(), []
    for a in seen:
        others = {k: cosine(features[a], features[k]) / TAU for k in seen if k != a}
        positives = [value for k, value in others.items() if joints[k] == joints[a]]
        if positives:
            total = sum(map(math.exp, others.values())) + (math.exp(1 / TAU) if itself else 0.0)
            values.append(math.log(total) - float(np.mean(positives)))
        elif zeros:
            values.append(0.0)
    return float(np.mean(values)) if values else 0.0
