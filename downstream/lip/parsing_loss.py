"""SCHP's loss (Li et al. 2020, sections 3.1 and 3.2) from the logits of student and teacher.

Left out: the published code's consistency between parsing and edges, which a mask that is always empty makes 0 there.
"""

from torch import Tensor
from torch.nn import functional as F

from downstream.lip.edges import balanced_cross_entropy, edge_labels
from downstream.lip.lovasz import lovasz_softmax
from downstream.lip.parsing_network import ParsingLogits
from downstream.lip.self_correction import divergence, mixed_targets


def parsing_loss(
    student: ParsingLogits, teacher: ParsingLogits | None, labels: Tensor, *, rounds: int, ignored: int
) -> dict[str, Tensor]:
    """Weighted terms: ``lovasz`` and ``labels`` of both parsing outputs, and ``edges``.

    Once there is a teacher, the last two are KL divergences from the mixed targets, the edges' unbalanced, as
    published; Lovász-softmax always takes the labels.

    Args:
        student, teacher: logits at the size of the labels; the teacher's after the first round only.
        labels: (B, H, W) int64, classes or ``ignored``.
        rounds: self-correction rounds that are over.
    """
    valid, edges = labels != ignored, edge_labels(labels, ignored=ignored)
    outputs = (student.parsing, student.fused)
    lovasz = sum(lovasz_softmax(logits.softmax(dim=1), labels, ignored=ignored) for logits in outputs)
    if teacher is None:
        right = sum(_cross_entropy(logits, labels, valid, ignored) for logits in outputs)
        edge = balanced_cross_entropy(student.edges, edges, ignored=ignored)
    else:
        soft = mixed_targets(teacher.fused, labels, rounds=rounds)
        right = sum(divergence(logits, soft, valid) for logits in outputs)
        edge = divergence(student.edges, mixed_targets(teacher.edges, edges, rounds=rounds), valid)
    return {"lovasz": 0.5 * lovasz, "labels": 0.5 * right, "edges": edge}


def _cross_entropy(logits: Tensor, labels: Tensor, valid: Tensor, ignored: int) -> Tensor:
    """0 and not NaN where every pixel is ignored."""
    return F.cross_entropy(logits, labels, ignore_index=ignored, reduction="sum") / valid.sum().clamp(min=1)
