"""Self-correction (Li et al. 2020, section 3.2): a teacher, the mean of past students, softens the labels it doubts.

A round adds the student to the mean and estimates the mean's batch statistics anew on the training set. After round n
the targets are (1 - 1/(n+1)) of the teacher's prediction and 1/(n+1) of the label. The published code leaves the
teacher in training mode, so that its targets depend on the batch and on dropout; here it is in evaluation mode.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, update_bn


class SelfCorrection(nn.Module):
    """``student`` is trained; ``teacher`` and its number of rounds are in every checkpoint."""

    def __init__(self, student: nn.Module) -> None:
        super().__init__()
        self.student = student
        self.teacher = AveragedModel(student).requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> "SelfCorrection":
        """As usual for the student; the teacher stays in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    @property
    def rounds(self) -> int:
        """Number of students in the mean. Waits for the device."""
        return int(self.teacher.n_averaged)

    def end_round(self, images: Iterable[Tensor]) -> None:
        """Add the student to the mean and estimate its batch statistics on ``images``, batches on the device."""
        self.teacher.update_parameters(self.student)
        update_bn(images, self.teacher.module)


def mixed_targets(teacher: Tensor, labels: Tensor, *, rounds: int) -> Tensor:
    """Targets after ``rounds`` rounds, at least 1.

    The published code overwrites the ignored labels when it makes them one-hot; here ``labels`` stays as it is.

    Args:
        teacher: the teacher's logits (B, C, H, W).
        labels: (B, H, W); where a label is not a class, the target is meaningless.

    Returns:
        (B, C, H, W), probabilities where the label is a class.
    """
    share = 1.0 / (rounds + 1.0)
    classes = torch.arange(teacher.shape[1], device=labels.device)[:, None, None]
    return (1.0 - share) * teacher.softmax(dim=1) + share * (labels.unsqueeze(1) == classes)


def divergence(logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    """KL(targets || softmax(logits)): summed over the classes, averaged over the valid pixels.

    The published code's default reduction also divides by the number of classes, which makes this loss almost 0.

    Args:
        logits, targets: (B, C, H, W).
        valid: (B, H, W), bool.
    """
    pixels = F.kl_div(logits.log_softmax(dim=1), targets, reduction="none").sum(dim=1)
    return torch.where(valid, pixels, 0.0).sum() / valid.sum().clamp(min=1)
