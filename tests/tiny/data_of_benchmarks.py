"""The tiny data set and recipe of each benchmark."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny import coco, h36m, lip, mpii, pw3d
from tiny.parsing import h36m_parsing

DATA: dict[str, tuple[Callable[[Path], Path], Any]] = {
    "coco": (coco.write_tiny_coco, coco.RECIPE),
    "h36m_2d": (h36m.write_tiny_h36m, h36m.RECIPE_2D),
    "h36m_3d": (h36m.write_tiny_h36m, h36m.RECIPE),
    "h36m_parsing": (h36m_parsing.write_tiny_parsing, h36m_parsing.RECIPE),
    "lip": (lip.write_tiny_lip, lip.RECIPE),
    "mpii": (mpii.write_tiny_mpii, mpii.RECIPE),
    "pw3d": (pw3d.write_tiny_pw3d, pw3d.RECIPE),
}
"""Benchmark -> what writes its data set into a folder, and its recipe."""
