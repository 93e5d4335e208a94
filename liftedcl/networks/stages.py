"""The stages of a backbone, each of which ends with a map."""

from typing import NamedTuple


class Stage(NamedTuple):
    """Channels of a stage's map, and pixels of the input a cell."""

    channels: int
    stride: int
