"""The sizes of frames as they are stored: one of each folder, which holds the frames of one video."""

from pathlib import Path

import numpy as np

from downstream.reading.entries import Entries


def frame_sizes(folder: Path, names: list[str], entries: Entries) -> np.ndarray:
    """Width and height (N, 2) int of frames below ``folder``: those of the first one of each frame's own folder.

    They are 0 for ``entries`` with a fault, such as a missing frame; damaged ones are noted.
    """
    folders, of = np.unique([str(Path(name).parent) for name in names], return_inverse=True)
    good = np.flatnonzero(entries.good)
    known, first = np.unique(of[good], return_index=True)
    sizes = np.zeros((len(folders), 2), int)
    sizes[known] = entries.picture_sizes(folder, good[first])
    return np.where(entries.good[:, None], sizes[of], 0)
