"""Matplotlib figures: small panels side by side, and writing a PNG."""

from pathlib import Path
from typing import TYPE_CHECKING

from liftedcl.files.atomic import atomic_path

if TYPE_CHECKING:  # matplotlib takes a second to import, and not every run draws
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS_ACROSS = 4
_PANEL_WIDTH = 3.2  # inches


def figure_of_panels(count: int, *, height: float, below: float) -> "tuple[Figure, list[Axes]]":
    """A figure of ``count`` panels of ``height`` inches, with ``below`` inches for a legend under them."""
    from matplotlib.figure import Figure

    across = min(PANELS_ACROSS, count)
    down = -(-count // across)
    figure = Figure(figsize=(across * _PANEL_WIDTH, down * height + below), layout="constrained")
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    for axis in axes:
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    for axis in axes[count:]:
        axis.axis("off")
    return figure, axes[:count]


def save_figure(figure: "Figure", path: str | Path, *, dpi: int = 100) -> None:
    """Write ``figure`` as PNG, atomically, without matplotlib's version: equal input gives equal bytes."""
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=dpi, metadata={"Software": None})
