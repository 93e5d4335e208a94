"""People whose joints are to be found: which image, and which region of it a network sees. No torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class People:
    """N people, each with a crop region of the input's aspect.

    Attributes:
        folder: what ``names`` are relative to.
        names: image of each person.
        sizes: annotated width and height of each image, (N, 2) int px; None where the annotations don't say.
        centres: middle of the region, (N, 2) px.
        widths: width of the region, padding included, (N,) px.
    """

    folder: Path
    names: list[str]
    sizes: np.ndarray | None
    centres: np.ndarray
    widths: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def at(self, rows: np.ndarray) -> "People":
        """The people in ``rows`` (M,), in that order."""
        names = [self.names[row] for row in rows.tolist()]
        sizes = None if self.sizes is None else self.sizes[rows]
        return People(self.folder, names, sizes, self.centres[rows], self.widths[rows])


@dataclass(frozen=True)
class LabelledPeople:
    """``people`` with their ``joints`` (N, J, 2) in px of the image, true where ``visible`` (N, J) bool.

    ``guests``: how many of them are of another data set; they come last.
    """

    people: People
    joints: np.ndarray
    visible: np.ndarray
    guests: int = 0

    def __len__(self) -> int:
        return len(self.people)

    @property
    def counts(self) -> tuple[int, ...]:
        """People of each data set."""
        own = len(self) - self.guests
        return (own, self.guests) if self.guests else (own,)
