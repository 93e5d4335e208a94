"""Self-correction (Li et al. 2020, section 3.2): a teacher, the mean of past students, softens the labels it doubts.

A round adds the student to the mean and estimates the mean's batch statistics anew on the training set. Targets and
their loss are those of the published code, which gave the published scores, and not of the paper's equations.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, update_bn


class SelfCorrection(nn.Module):
    """``student`` is trained; ``teacher`` and its number of rounds are in every checkpoint.

    As in the published code, the teacher teaches in training mode: its targets depend on batch and dropout.
    """

    def __init__(self, student: nn.Module) -> None:
        super().__init__()
        self.student = student
        self.teacher = AveragedModel(student).requires_grad_(False)

    @property
    def rounds(self) -> int:
        """Number of students in the mean. Waits for the device."""
        return int(self.teacher.n_averaged)

    def end_round(self, images: Iterable[Tensor]) -> None:
        """Add the student to the mean and estimate its batch statistics on ``images``, batches on the device."""
        self.teacher.update_parameters(self.student)
        update_bn(images, self.teacher.module)


def mixed_targets(teacher: Tensor, labels: Tensor, *, rounds: int) -> Tensor:
    """Targets after ``rounds`` rounds, n of them, at least 1: softmax((1 - 1/(n+1)) teacher + 1/(n+1) one-hot labels).

    The paper mixes probabilities; the published code mixes the labels' ones with the teacher's raw logits, so that a
    label moves the odds of its class by e^(1/(n+1)) only.

    Args:
        teacher: the teacher's logits (B, C, H, W).
        labels: (B, H, W), integers below C.

    Returns:
        (B, C, H, W), probabilities.
    """
    share = 1.0 / (rounds + 1.0)
    classes = torch.arange(teacher.shape[1], device=labels.device)[:, None, None]
    return ((1.0 - share) * teacher + share * (labels.unsqueeze(1) == classes)).softmax(dim=1)


def divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """KL(targets || softmax(logits)), both (B, C, H, W), averaged over the pixels and divided by C.

    The published code's reduction divides by the number of classes as well, where KL is a sum over them.
    """
    return F.kl_div(logits.log_softmax(dim=1), targets, reduction="none").mean()
