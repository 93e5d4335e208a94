"""What the parsing benchmark reads of generated Human3.6M: part labels as .mat and as PNGs, and depth maps."""

from pathlib import Path

import cv2
import numpy as np

from downstream.h36m.parsing.labels import VALUE_OF
from liftedcl.data_sets.h36m.parsing_files import PARSING_DEPTH, PARSING_LABELS, PART_LABELS, PART_VARIABLE
from liftedcl.files.hdf5_mat import write_cells
from synthetic.renderer.raster import FAR_M

_MOST_M = 65.0
"""16 bits hold no more millimetres."""


Seen = tuple[str, np.ndarray, np.ndarray]
"""Name of a frame, folder and file; its class numbers (H, W) uint8; its depth (H, W) in metres."""


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
        _write_png(root / files[-1], in_millimetres(depth))
    return files


def in_millimetres(depth: np.ndarray) -> np.ndarray:
    """Depth (H, W) in metres as uint16 mm; 0 where there is nothing but the background."""
    return np.where(depth < FAR_M, np.rint(1000 * np.minimum(depth, _MOST_M)), 0).astype(np.uint16)


def _write_png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
