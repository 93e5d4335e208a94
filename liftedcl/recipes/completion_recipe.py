"""Completion of masked images: how much is hidden, what completes it, and from which pairs. No torch."""

from dataclasses import dataclass

from liftedcl.identity.strict import require, require_at_least, require_choice

PAIR_KINDS = ("view", "pose")
"""The kinds of pairs in the lists beside shards (liftedcl/images/pairs.py)."""


@dataclass(frozen=True)
class Masking:
    """Masked patches and the decoder that completes them (MAE, He et al. 2022, sections 3 and 4.1).

    Attributes:
        ratio: r, the share of patches that are masked: floor(r N) of N.
        person: beta, by how much a patch that overlaps the person's box is more likely masked. Each patch scores
            U(0, 1), and beta more on the person; the highest scores are masked. 0 masks evenly, 1 or more masks the
            person first.
        width, depth, heads: channels, blocks and attention heads of the decoder.
        normalise: targets are each patch's pixels minus their mean, over their deviation; otherwise plain pixels.
    """

    ratio: float
    person: float
    width: int
    depth: int
    heads: int
    normalise: bool

    def __post_init__(self) -> None:
        require(0 < self.ratio < 1, "ratio", f"{self.ratio:g} is not between 0 and 1")
        require_at_least(self, 0, "person")
        require_at_least(self, 1, "depth", "heads", "width")
        require(self.width % 4 == 0, "width", f"{self.width} is no multiple of 4, which sines and cosines need")
        require(self.width % self.heads == 0, "heads", f"{self.heads} heads do not divide a width of {self.width}")


@dataclass(frozen=True)
class Pairs:
    """Which pairs of images of one person are trained on: at the same instant (view), at another one (pose)."""

    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        require(len(set(self.kinds)) == len(self.kinds) > 0, "kinds", f"{[*self.kinds]} is empty or has repeats")
        for kind in self.kinds:
            require_choice(kind, PAIR_KINDS, "kinds")
