"""What the parsing benchmark reads of generated Human3.6M: part labels as .mat and as PNGs, and depth maps."""

from pathlib import Path

import cv2
import numpy as np

from downstream.h36m.parsing.labels import VALUE_OF
from liftedcl.data_sets.h36m.parsing_files import PARSING_DEPTH, PARSING_LABELS, PART_LABELS, PART_VARIABLE
from liftedcl.files.hdf5_mat import write_cells

Seen = tuple[str, np.ndarray, np.ndarray]
"""Name of a frame, folder and file; its class numbers (H, W) uint8; the person's depth (H, W) in metres, else 0."""


def write_view(root: Path, video: Path, frames: list[Seen]) -> list[str]:
    """Write what one camera sees of a take; returns the files that a run reads, below ``root``.

    ``video`` is subject and name of the take's video, such as ``S1/Directions 1.54138969``; it names the .mat file.
    """
    mat = root / video.parent / PART_LABELS / f"{video.name}.mat"
    mat.parent.mkdir(parents=True, exist_ok=True)
    write_cells(mat, PART_VARIABLE, [VALUE_OF[labels] for _, labels, _ in frames])
    files = []
    for name, labels, depth in frames:
        files += [f"{PARSING_LABELS}/{name}.png", f"{PARSING_DEPTH}/{name}.png"]
        _write_png(root / files[-2], labels)
        _write_png(root / files[-1], np.rint(1000 * depth).astype(np.uint16))
    return files


def _write_png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
