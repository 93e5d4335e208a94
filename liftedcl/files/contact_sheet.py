"""A contact sheet: images side by side, chosen evenly from a set (the paper's figure 6)."""

from pathlib import Path

import cv2
import numpy as np

from liftedcl.files.atomic import atomic_path
from liftedcl.files.evenly_spread import evenly_spread


def write_contact_sheet(images: np.ndarray, path: str | Path, *, columns: int = 8, rows: int = 4, gap: int = 4) -> None:
    """Write up to ``columns`` x ``rows`` of the images (N, H, W, 3) uint8 RGB as one PNG on white."""
    count = min(columns * rows, len(images))
    chosen = evenly_spread(len(images), count)
    rows = -(-count // columns)
    height, width = images.shape[1] + gap, images.shape[2] + gap
    sheet = np.full((rows * height + gap, min(columns, count) * width + gap, 3), 255, dtype=np.uint8)
    for place, image in enumerate(images[chosen]):
        top, left = gap + place // columns * height, gap + place % columns * width
        sheet[top : top + images.shape[1], left : left + images.shape[2]] = image
    with atomic_path(path) as part:
        part.write_bytes(cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1].tobytes())
