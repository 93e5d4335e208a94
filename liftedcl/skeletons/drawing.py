"""Drawings of 3D skeletons: sampled ones (the paper's figure 7), lifted ones beside their crop (figures 5 and 8), and
how the lifted ones change while the network trains."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liftedcl.files.figure_file import save_figure
from liftedcl.skeletons.skeleton import BONES, JOINTS

if TYPE_CHECKING:  # matplotlib takes a second to import, and not every run draws
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"l": "#1f77b4", "r": "#d62728", "trunk": "#444444"}
"""Bones of the person's left, right, and of the trunk."""

_LIMBS = {"hip", "knee", "ankle", "shoulder", "elbow", "wrist"}
_CELL = 1.3
_GAP = 0.08
_MARGIN = 0.3
_LEGEND_WIDTH = 4.3
"""In inches: the height of one picture or skeleton, what lies between two, the border that holds the texts."""


def draw_skeleton(axis: "Axes", joints: np.ndarray, *, extent: float) -> None:
    """Draw a skeleton (17, 3) as a camera in front of it sees it: x to the right, y down, farther bones first.

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
    """Write skeletons (N, 17, 3) side by side, all at one scale, as a PNG."""
    columns = min(columns, len(skeletons))
    figure = _figure([_CELL] * columns, rows=-(-len(skeletons) // columns))
    extent = _extent(skeletons)
    for place, joints in enumerate(skeletons):
        row, column = divmod(place, columns)
        draw_skeleton(_cell(figure, [_CELL] * columns, row, column), joints, extent=extent)
    save_figure(figure, path)


def figure_of_lifted(images: np.ndarray, skeletons: np.ndarray, path: str | Path, *, columns: int = 4) -> None:
    """Write images (N, H, W, 3) uint8, each with its lifted skeleton (N, 17, 3) from the camera and from the side.

    ``columns`` people stand in a row; all skeletons have one scale.
    """
    columns = min(columns, len(images))
    widths = [_picture_width(images), _CELL, _CELL] * columns
    figure = _figure(widths, rows=-(-len(images) // columns))
    side_view = skeletons[..., [2, 1, 0]] * [1, 1, -1]  # a quarter turn about the vertical axis
    extent = _extent(np.concatenate([skeletons, side_view]))
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        shown = [_cell(figure, widths, row, 3 * column + part) for part in range(3)]
        shown[0].imshow(image)
        draw_skeleton(shown[1], skeletons[place], extent=extent)
        draw_skeleton(shown[2], side_view[place], extent=extent)
        if row == 0:
            for axis, title in zip(shown, ("crop", "from the camera", "from the side"), strict=True):
                axis.set_title(title, fontsize=8)
    save_figure(figure, path)


def figure_of_training(images: np.ndarray, skeletons: np.ndarray, titles: list[str], path: str | Path) -> None:
    """Write one row an image (P, H, W, 3) uint8: the image, then its skeleton (T, P, 17, 3) at each titled moment."""
    widths = [_picture_width(images), *[_CELL] * len(skeletons)]
    figure = _figure(widths, rows=len(images))
    extent = _extent(skeletons)
    for row, image in enumerate(images):
        shown = [_cell(figure, widths, row, column) for column in range(len(widths))]
        shown[0].imshow(image)
        for axis, joints in zip(shown[1:], skeletons[:, row], strict=True):
            draw_skeleton(axis, joints, extent=extent)
        if row == 0:
            for axis, title in zip(shown, ["crop", *titles], strict=True):
                axis.set_title(title, fontsize=8)
    save_figure(figure, path)


def _extent(skeletons: np.ndarray) -> float:
    """Half the side of the square that any of the skeletons (..., 17, 3) fits into, seen from the camera."""
    return 0.55 * float(np.ptp(skeletons[..., :2], axis=-2).max())


def _picture_width(images: np.ndarray) -> float:
    return _CELL * images.shape[2] / images.shape[1]


def _figure(widths: list[float], *, rows: int) -> "Figure":
    """A canvas for cells of these widths in inches, with a legend of the colours below them."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    width = max(sum(widths) + _GAP * (len(widths) - 1) + 2 * _MARGIN, _LEGEND_WIDTH)
    figure = Figure(figsize=(width, rows * (_CELL + _GAP) - _GAP + 2 * _MARGIN))
    names = {"person's left": "l", "person's right": "r", "trunk and head": "trunk"}
    keys = [Line2D([], [], color=COLOURS[side], linewidth=2, label=name) for name, side in names.items()]
    figure.legend(handles=keys, loc="lower center", ncols=len(keys), fontsize=8, frameon=False, borderaxespad=0.2)
    return figure


def _cell(figure: "Figure", widths: list[float], row: int, column: int) -> "Axes":
    """The axis at a place of the grid, without its frame."""
    width, height = figure.get_size_inches()
    left = _MARGIN + sum(widths[:column]) + _GAP * column
    bottom = height - _MARGIN - row * (_CELL + _GAP) - _CELL
    axis = figure.add_axes((left / width, bottom / height, widths[column] / width, _CELL / height))
    axis.axis("off")
    return axis
