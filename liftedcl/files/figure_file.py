"""Writing a matplotlib figure."""

from pathlib import Path
from typing import TYPE_CHECKING

from liftedcl.files.atomic import atomic_path

if TYPE_CHECKING:  # matplotlib takes a second to import, and not every run draws
    from matplotlib.figure import Figure


def save_figure(figure: "Figure", path: str | Path, *, dpi: int = 100) -> None:
    """Write ``figure`` as PNG, whole or not at all, and without matplotlib's version: equal input gives equal bytes."""
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=dpi, metadata={"Software": None})
