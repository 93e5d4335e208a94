"""Decoding label maps: PNGs with one class number for each pixel."""

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from downstream.label_maps.classes import IGNORED, LabelClasses
from liftedcl.files.atomic import require_file
from liftedcl.identity.errors import InputError

_DEPTH, _COLOUR_TYPE = 24, 25
"""Where a PNG file says its bit depth and colour type (PNG specification, IHDR)."""
_GREY, _PALETTE, _GREY_ALPHA, _RGB_ALPHA = 0, 3, 4, 6
"""Colour types."""


def read_label(path: Path, classes: LabelClasses, remedy: str) -> np.ndarray:
    """Decode a label map into (H, W) uint8: ``classes``, or 255 where pixels are ignored.

    It is a PNG that has one class number for each pixel: 8-bit grey, like the official files, 16-bit grey, the indices
    of a palette, as published parsers save their results, or equal colour channels without transparency.

    Raises:
        InputError: missing, damaged, with colours instead of classes, or with a class that there isn't.
    """
    require_file(path, remedy)
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            picture.verify()  # every checksum; decoding skips those of the pixels
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            labels = _one_number(np.asarray(picture), data[_DEPTH], data[_COLOUR_TYPE])
    except (OSError, SyntaxError, ValueError, IndexError, zlib.error, Image.DecompressionBombError):
        raise InputError(f"{path}: truncated, damaged or not a PNG file; {remedy}") from None
    if labels is None:
        raise InputError(
            f"{path}: holds colours, or grey of less than 8 bits, and not one class number for each pixel; save the "
            f"numbers, with PIL: Image.fromarray(classes.astype('uint8')).save({path.name!r}); {remedy}"
        )
    illegal = (labels >= classes.count) & (labels != IGNORED)
    if illegal.any():
        value, limit = labels[illegal][0], classes.count - 1
        raise InputError(f"{path}: class {value} is not from 0 to {limit} (or {IGNORED}, ignored); {remedy}")
    return labels.astype(np.uint8)


def _one_number(values: np.ndarray, depth: int, colour_type: int) -> np.ndarray | None:
    """The number (H, W) that each pixel of a decoded PNG holds; None where it holds no single one.

    Grey of 1, 2 or 4 bits is none, because PIL stretches it to 255, and because a tool that saves bits writes grey
    levels in it, where another writes classes.
    """
    if colour_type == _PALETTE or (colour_type == _GREY and depth >= 8):
        return values
    if values.ndim == 2 or depth != 8:
        return None
    alpha = colour_type in (_GREY_ALPHA, _RGB_ALPHA)
    colours = values[..., :-1] if alpha else values
    same = (colours == colours[..., :1]).all() and (not alpha or (values[..., -1] == 255).all())
    return colours[..., 0] if same else None
