"""Drawings of 3D skeletons: the sampled ones (the paper's figure 7) and lifted ones beside their image (figure 5)."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liftedcl.files import atomic_path
from liftedcl.skeleton import BONES, JOINTS

if TYPE_CHECKING:  # matplotlib takes a second to import, and not every run draws
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"l": "#1f77b4", "r": "#d62728", "trunk": "#444444"}
"""Bones of the person's left, right, and of the trunk."""


def draw_skeleton(axis: "Axes", joints: np.ndarray, *, extent: float | None = None) -> None:
    """Draw a skeleton (17, 3) as a camera in front of it sees it: x to the right, y down, farther bones first.

    ``extent`` is half the side of the square that is shown; by default the skeleton fills it.
    """
    depth = [joints[parent, 2] + joints[child, 2] for parent, child in BONES]
    for bone in np.argsort(depth)[::-1]:
        parent, child = BONES[bone]
        side = JOINTS[child][0] if JOINTS[child][1:] in _LIMBS else "trunk"
        axis.plot(*joints[[parent, child], :2].T, color=COLOURS[side], linewidth=2, solid_capstyle="round")
    middle = (joints[:, :2].max(0) + joints[:, :2].min(0)) / 2
    half = extent or 0.55 * np.ptp(joints[:, :2], axis=0).max()
    axis.set_xlim(middle[0] - half, middle[0] + half)
    axis.set_ylim(middle[1] + half, middle[1] - half)
    axis.set_aspect("equal")
    axis.axis("off")


def figure_of_skeletons(skeletons: np.ndarray, path: str | Path, *, columns: int = 8) -> None:
    """Write skeletons (N, 17, 3) side by side, all at one scale, as a PNG."""
    figure, axes = _grid(-(-len(skeletons) // columns), min(columns, len(skeletons)), 1.5)
    half = 0.55 * np.ptp(skeletons, axis=1).max()
    for axis, joints in zip(axes.flat, skeletons, strict=False):
        draw_skeleton(axis, joints, extent=half)
    _save(figure, path)


def figure_of_lifted(images: np.ndarray, skeletons: np.ndarray, path: str | Path, *, columns: int = 4) -> None:
    """Write images (N, H, W, 3) uint8, each with its lifted skeleton (N, 17, 3) from the camera and from the side."""
    figure, axes = _grid(-(-len(images) // columns), 3 * min(columns, len(images)), 1.3)
    side_view = skeletons[..., [2, 1, 0]] * [1, 1, -1]  # a quarter turn about the vertical axis
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        shown = axes[row, 3 * column : 3 * column + 3]
        shown[0].imshow(image)
        for axis, joints in zip(shown[1:], (skeletons[place], side_view[place]), strict=True):
            draw_skeleton(axis, joints)
    _save(figure, path)


_LIMBS = {"hip", "knee", "ankle", "shoulder", "elbow", "wrist"}


def _grid(rows: int, columns: int, inches: float) -> tuple["Figure", np.ndarray]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(columns * inches, rows * inches), layout="tight")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    return figure, axes


def _save(figure: "Figure", path: str | Path) -> None:
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=100, metadata={"Software": None})  # no version: equal input, equal bytes
