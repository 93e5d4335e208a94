"""Drawings of 3D skeletons: sampled (the paper's figure 7), lifted (figures 5 and 8), and lifted during a training."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liftedcl.files.figure_file import save_figure
from liftedcl.skeletons.skeleton import BONES, JOINTS

if TYPE_CHECKING:  # matplotlib takes a second to import, and not every run draws
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"l": "#1f77b4", "r": "#d62728", "trunk": "#444444"}
"""The colours of bones: the person's left, right, and the trunk."""

_LIMBS = {"hip", "knee", "ankle", "shoulder", "elbow", "wrist"}
_CELL = 1.3
_GAP = 0.08
_MARGIN = 0.3
_LEGEND_WIDTH = 4.3
_LINE = 0.17
"""In inches: the side of a cell, the gap between two cells, the border with the texts, the width of the legend, and the
height of a line of text."""

_LETTERS_AN_INCH = 13


def draw_skeleton(axis: "Axes", joints: np.ndarray, *, extent: float) -> None:
    """Draw a skeleton (17, 3) as a camera in front of it sees it: x to the right, y down, and farther bones first.

    ``extent`` is half the height of what is shown, in the skeleton's unit.
    """
    from matplotlib.collections import LineCollection

    depth = np.array([joints[parent, 2] + joints[child, 2] for parent, child in BONES])
    bones = [BONES[bone] for bone in np.argsort(depth)[::-1]]
    sides = [JOINTS[child][0] if JOINTS[child][1:] in _LIMBS else "trunk" for _, child in bones]
    lines = [joints[[parent, child], :2] for parent, child in bones]
    axis.add_collection(LineCollection(lines, colors=[COLOURS[side] for side in sides], linewidths=2, capstyle="round"))
    middle = (joints[:, :2].max(0) + joints[:, :2].min(0)) / 2
    axis.set_xlim(middle[0] - extent, middle[0] + extent)
    axis.set_ylim(middle[1] + extent, middle[1] - extent)
    axis.set_aspect("equal")


def figure_of_skeletons(skeletons: np.ndarray, path: str | Path, *, columns: int = 8) -> None:
    """Write a PNG of skeletons (N, 17, 3) side by side, all at one scale."""
    columns = min(columns, len(skeletons))
    figure = _figure([_CELL] * columns, rows=-(-len(skeletons) // columns))
    extent = _extent(skeletons)
    for place, joints in enumerate(skeletons):
        row, column = divmod(place, columns)
        draw_skeleton(_cell(figure, [_CELL] * columns, row, column), joints, extent=extent)
    save_figure(figure, path)


def figure_of_lifted(
    images: np.ndarray, skeletons: np.ndarray, path: str | Path, *, columns: int = 4, line: str = ""
) -> None:
    """Write a PNG of crops (N, H, W, 3) uint8, each with its lifted skeleton (N, 17, 3) from the camera and the side.

    A row shows ``columns`` people; ``line`` stands below all rows.
    """
    side_view = skeletons[..., [2, 1, 0]] * [1, 1, -1]  # a quarter turn about the vertical axis
    titled = {"from the camera": skeletons, "from the side": side_view}
    figure_beside_crops(images, titled, path, columns=min(columns, len(images)), line=line)


def figure_beside_crops(
    images: np.ndarray, titled: Mapping[str, np.ndarray], path: str | Path, *, columns: int = 1, line: str = ""
) -> None:
    """Write a PNG of crops (N, H, W, 3) uint8, each followed by its skeleton from every array (N, 17, 3) of ``titled``.

    A row shows ``columns`` crops; all skeletons have one scale; ``line`` stands below all rows.
    """
    cells = 1 + len(titled)
    widths = [_CELL * images.shape[2] / images.shape[1], *[_CELL] * len(titled)] * columns
    figure = _figure(widths, rows=-(-len(images) // columns), line=line)
    extent = _extent(np.concatenate([*titled.values()]))
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        shown = [_cell(figure, widths, row, cells * column + part) for part in range(cells)]
        shown[0].imshow(image)
        for axis, skeletons in zip(shown[1:], titled.values(), strict=True):
            draw_skeleton(axis, skeletons[place], extent=extent)
        if row == 0:
            for axis, title in zip(shown, ["crop", *titled], strict=True):
                axis.set_title(title, fontsize=8)
    save_figure(figure, path)


def _extent(skeletons: np.ndarray) -> float:
    """Half the side of a square into which each of the skeletons (..., 17, 3) fits, seen from the camera."""
    return 0.55 * float(np.ptp(skeletons[..., :2], axis=-2).max())


def _figure(widths: list[float], *, rows: int, line: str = "") -> "Figure":
    """A figure for cells of these widths in inches, with ``line`` and a legend of the colours at the bottom."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    width = max(sum(widths) + _GAP * (len(widths) - 1) + 2 * _MARGIN, _LEGEND_WIDTH)
    words = textwrap.wrap(line, width=int(width * _LETTERS_AN_INCH))
    height = rows * (_CELL + _GAP) - _GAP + 2 * _MARGIN + len(words) * _LINE
    figure = Figure(figsize=(width, height))
    figure.text(0.5, (_MARGIN - _GAP / 2) / height, "\n".join(words), fontsize=9, ha="center", va="bottom")
    names = {"person's left": "l", "person's right": "r", "trunk and head": "trunk"}
    keys = [Line2D([], [], color=COLOURS[side], linewidth=2, label=name) for name, side in names.items()]
    figure.legend(handles=keys, loc="lower center", ncols=len(keys), fontsize=8, frameon=False, borderaxespad=0.2)
    return figure


def _cell(figure: "Figure", widths: list[float], row: int, column: int) -> "Axes":
    """The axis of one cell, without its frame."""
    width, height = figure.get_size_inches()
    left = _MARGIN + sum(widths[:column]) + _GAP * column
    bottom = height - _MARGIN - row * (_CELL + _GAP) - _CELL
    axis = figure.add_axes((left / width, bottom / height, widths[column] / width, _CELL / height))
    axis.axis("off")
    return axis
