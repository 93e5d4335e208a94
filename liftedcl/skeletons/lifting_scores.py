"""What the skeletons of a lifting network are worth: ``lifting.json`` of a run, and its numbers in one line."""

from dataclasses import dataclass
from pathlib import Path

from liftedcl.files.atomic import read_json
from liftedcl.identity.strict import parse, require_at_least, require_share

ONE_BODY = 0.1
"""Below this diversity, lifted skeletons are called one body for all."""

FOLLOWING = 0.05
"""Skeletons follow the people if their own is nearer to the truth than other people's, by this share of the error."""


@dataclass(frozen=True)
class LiftingScores:
    """Lifted skeletons of people whose true poses are known; python -m downstream.lifting measures them.

    Errors are PA-MPJPE in mm, over joints and people: a skeleton is turned, moved and scaled to fit the true pose.

    Attributes:
        people: how many were lifted.
        pa_mpjpe_mm: the error of each person's own skeleton.
        mean_skeleton_mm: the error of one skeleton for all, the mean of the training split's true poses.
        exchanged_mm: the error of other people's skeletons.
        bones_in_range: share of the skeletons whose bones the prior could have sampled at some size.
        true_bones_in_range: the same share of the true poses.
        diversity: mean distance of two people's skeletons (PA-MPJPE at norm 1), as a share of two sampled skeletons'.
        true_diversity: the same share of the true poses.
    """

    people: int
    pa_mpjpe_mm: float
    mean_skeleton_mm: float
    exchanged_mm: float
    bones_in_range: float
    true_bones_in_range: float
    diversity: float
    true_diversity: float

    def __post_init__(self) -> None:
        require_at_least(self, 1, "people")
        require_at_least(self, 0, "pa_mpjpe_mm", "mean_skeleton_mm", "exchanged_mm", "diversity", "true_diversity")
        require_share(self, "bones_in_range", "true_bones_in_range")

    def reading(self) -> str:
        """What the numbers say: whether the skeletons differ, whether as the people do, and whether they are near."""
        if self.diversity < ONE_BODY:
            return "one body for all"
        if self.pa_mpjpe_mm > (1 - FOLLOWING) * self.exchanged_mm:
            return "bodies that differ, but not as the people do"
        near = "nearer to them than" if self.pa_mpjpe_mm < self.mean_skeleton_mm else "no nearer to them than"
        return f"bodies that follow the people, {near} the mean skeleton"

    def in_one_line(self) -> str:
        """All numbers, in words, and the reading."""
        return (
            f"{self.people} test people lifted: PA-MPJPE {self.pa_mpjpe_mm:.1f} mm (mean skeleton "
            f"{self.mean_skeleton_mm:.1f}, exchanged {self.exchanged_mm:.1f}), bones in the prior's range "
            f"{self.bones_in_range:.0%} (true poses {self.true_bones_in_range:.0%}), diversity {self.diversity:.2f} "
            f"of the sampled ones' (true poses {self.true_diversity:.2f}): {self.reading()}."
        )


def read_lifting_scores(path: Path) -> LiftingScores:
    """Read ``lifting.json``.

    Raises:
        InputError: the file is missing or damaged.
    """
    remedy = "make it again with python -m downstream.lifting"
    return parse(LiftingScores, read_json(path, remedy), f"{path}: ")
