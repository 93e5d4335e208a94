"""Draw how masked images are completed during trainings: ``python -m liftedcl.completion_progress``."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from liftedcl.files.figure_file import save_figure
from liftedcl.identity.errors import run_cli
from liftedcl.images.pairs import KINDS
from liftedcl.monitor.completion_record import Completions, read_completions

_GREY = 128
_CELL, _LABEL, _TITLE, _GAP = 1.3, 1.1, 0.22, 0.05
"""In inches: the height of an image, the width of the labels to its left, a line of titles, and the gaps."""


def draw_completions(named: dict[str, Completions], out: Path) -> None:
    """Draw the images of several trainings, by their names, one below the other: (PNG).

    A line has an image whole and masked, every hidden patch at its own mean colour, the image as it was completed at
    each moment, and the second image of its pair. Numbers are squared errors over those of the mean colours.
    """
    from matplotlib.figure import Figure

    lines = [line for name, completions in named.items() for line in _lines(name, completions)]
    heights = [_CELL + _GAP + (_TITLE if titles else 0) for titles, *_ in lines]
    sizes = [_CELL * images[0].shape[1] / images[0].shape[0] + _GAP for *_, images in lines]
    width = _LABEL + max(size * len(images) for size, (*_, images) in zip(sizes, lines, strict=True))
    figure = Figure(figsize=(width, sum(heights)))
    bottom = sum(heights)
    for height, size, (titles, label, images) in zip(heights, sizes, lines, strict=True):
        bottom -= height
        figure.text(0.05 / width, (bottom + _CELL / 2) / sum(heights), label, fontsize=8, va="center")
        for place, image in enumerate(images):
            left = (_LABEL + place * size) / width
            axis = figure.add_axes((left, bottom / sum(heights), (size - _GAP) / width, _CELL / sum(heights)))
            axis.imshow(image)
            axis.axis("off")
            if titles:
                axis.set_title(titles[place], fontsize=7, pad=2)
    save_figure(figure, out, dpi=120)


def _lines(name: str, completions: Completions) -> Iterator[tuple[list[str], str, list[np.ndarray]]]:
    """Titles (of the first line of its kind alone), label and images of each line."""
    masked, means = _painted(completions)
    kinds = completions.kinds if len(completions.kinds) else np.full(len(completions.images), -1)
    for kind in dict.fromkeys(kinds.tolist()):
        lines = np.flatnonzero(kinds == kind)
        least = max(_error(completions, means, lines), 1.0)  # an image of one colour has none
        titles = ["image", "masked", "means (1.00)"]
        for epoch, completed in zip(completions.epochs, completions.completed, strict=True):
            moment = f"epoch {epoch}" if epoch else "untrained"
            titles.append(f"{moment} ({_error(completions, completed, lines) / least:.2f})")
        columns = [completions.images, masked, means, *completions.completed]
        if kind >= 0:
            titles.append(f"second {KINDS[kind]}")
            columns.append(completions.seconds)
        label = f"{name}\n{KINDS[kind]}" if kind >= 0 else name
        for line in lines:
            yield titles if line == lines[0] else [], label, [images[line] for images in columns]


def _error(completions: Completions, drawn: np.ndarray, lines: np.ndarray) -> float:
    """The sum of the squared errors of some lines of ``drawn`` (P, H, W, 3); only hidden patches have any."""
    return float(np.square(drawn[lines].astype(float) - completions.images[lines]).sum())


def _painted(completions: Completions) -> tuple[np.ndarray, np.ndarray]:
    """The images (P, H, W, 3) uint8 with hidden patches grey, and with each at its own mean colour."""
    count, height, width, _ = completions.images.shape
    rows, columns = completions.hidden.shape[1:]
    cut = completions.images.reshape(count, rows, height // rows, columns, width // columns, 3)
    hidden = completions.hidden[:, :, None, :, None, None]
    means = np.where(hidden, cut.mean(axis=(2, 4), keepdims=True).round(), cut).astype(np.uint8)
    masked = np.where(hidden, np.uint8(_GREY), cut)
    return masked.reshape(completions.images.shape), means.reshape(completions.images.shape)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.completion_progress",
        description="Draw masked images and how they are completed at several moments of trainings of MAE or CroCo.",
        epilog="example: python -m liftedcl.completion_progress runs/demo/encoders/vit_croco/seed0/completed.npz "
        "--names vit_croco --out progress.png",
    )
    add = parser.add_argument
    add("completed", type=Path, nargs="+", metavar="completed.npz", help="of each run")
    add("--names", nargs="+", required=True, help="of the runs, in that order")
    add("--out", type=Path, required=True, help="the figure (PNG)")
    arguments = parser.parse_args(words)
    if len(arguments.names) != len(arguments.completed):
        parser.error(f"{len(arguments.completed)} files and {len(arguments.names)} names; give a name to each")
    found = map(read_completions, arguments.completed)
    draw_completions(dict(zip(arguments.names, found, strict=True)), arguments.out)


if __name__ == "__main__":
    run_cli(main)
