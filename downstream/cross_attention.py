"""Draw where CroCo's decoder looks in the second view for a hidden patch at a joint of Human3.6M's test people."""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from downstream.h36m.pose_3d.person_crops import crops_of, joints_in_crops
from downstream.h36m.pose_3d.reader import annotation_path, read_h36m_3d
from liftedcl.attend import Attention
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.files.figure_file import save_figure
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from liftedcl.images.h36m_pairs import view_pairs
from liftedcl.recipes.data_recipes import Crops
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.skeletons.skeleton import JOINTS

_SHOWN = 12
_LOOKED_FOR = ("rwrist", "lankle", "head", "lelbow", "rknee", "lshoulder", "rankle", "lwrist")
"""The joints of the pairs, in turn."""


class Seen(NamedTuple):
    """P pairs of views, whose hidden joint ``joints`` (P,) is looked for.

    ``first`` and ``second`` (P, H, W, 3) uint8 are the crops, ``places`` (P, 2, 17, 2) the joints in both, x and y as
    shares of the sides, ``hidden`` (P, rows, columns) bool the masks of the first, ``attention`` (P, rows, columns)
    that of the joint's patch to the second.
    """

    first: np.ndarray
    second: np.ndarray
    joints: np.ndarray
    places: np.ndarray
    hidden: np.ndarray
    attention: np.ndarray


def patch_at(places: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The patch, counted row by row, at each of ``places`` (..., 2), x and y as shares of a view from 0 to below 1."""
    columns, rows = (np.floor(places[..., axis] * grid[1 - axis]).astype(np.int64) for axis in (0, 1))
    return rows * grid[1] + columns


def ranks(attention: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """The share of patches that get more ``attention`` (P, N) than ``patches`` (P,), equal ones by half: 0 to 1."""
    own = np.take_along_axis(attention, patches[:, None], axis=1)
    higher, equal = (attention > own).sum(axis=1), (attention == own).sum(axis=1) - 1
    return (higher + equal / 2) / (attention.shape[1] - 1)


def in_one_line(seen: Seen) -> str:
    """How highly the joint's place in the second view ranks, beside the places of the person's other joints."""
    grid, everyone = seen.attention.shape[1:], np.arange(len(seen.joints))
    attention, patches = seen.attention.reshape(len(everyone), -1), patch_at(seen.places[:, 1].clip(0, 1 - 1e-6), grid)
    own = ranks(attention, patches[everyone, seen.joints])
    others = [ranks(attention, patches[everyone, (seen.joints + step) % len(JOINTS)]) for step in range(1, len(JOINTS))]
    return (
        f"In {len(own):,} pairs of test people, on average {own.mean():.0%} of the second view's patches get more "
        f"attention than the patch at the same joint, and {np.mean(others):.0%} more than those at the person's other "
        "joints; 50% is chance."
    )


def look(attend: Attention, data: Path, crops: Crops, angles: tuple[float, float], count: int) -> Seen:
    """Up to ``count`` pairs of views of test people, spread evenly, and the attention of a hidden joint's patch.

    The cameras of a pair are ``angles`` (lowest and highest, in degrees) apart.

    Raises:
        InputError: data is missing or damaged, or no pair shows its joint in both views.
    """
    people = read_h36m_3d(data, "test")
    together = view_pairs(annotation_path(data, "test"), people.names, angles)
    together = together[np.lexsort(together.T[::-1])]
    joints = np.array([JOINTS.index(_LOOKED_FOR[place % len(_LOOKED_FOR)]) for place in range(len(together))])
    places = np.stack([joints_in_crops(people, rows) for rows in together.T], axis=1)
    sought = places[np.arange(len(joints)), :, joints]
    inside = np.flatnonzero(((sought >= 0) & (sought < 1)).all(axis=(1, 2)))
    if not len(inside):
        raise InputError(f"{data}: no pair of views of a test person has the joint in both crops; check its boxes")
    chosen = inside[evenly_spread(len(inside), count)]
    first, second = (crops_of(people, rows, crops) for rows in together[chosen].T)
    patches = patch_at(sought[chosen, 0], attend.grid)
    hidden = attend.hidden(patches, seed=0)
    attention = attend(first, second, hidden, patches)
    masks, maps = (values.reshape(len(chosen), *attend.grid) for values in (hidden, attention))
    return Seen(first, second, joints[chosen], places[chosen], masks, maps)


def draw(seen: Seen, out: Path) -> None:
    """Draw up to 12 of the pairs: the first view, that view masked, and the second with the attention on it."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    shown, across = evenly_spread(len(seen.joints), _SHOWN), 3
    lines = -(-len(shown) // across)
    height, width = seen.first.shape[1:3]
    figure = Figure(figsize=(across * 3 * 1.5 * width / height + 0.4, lines * 1.8 + 0.5), layout="constrained")
    axes = figure.subplots(lines, 3 * across, squeeze=False).reshape(-1, 3)
    for axis in axes.flat:
        axis.axis("off")
    rows, columns = seen.attention.shape[1:]
    box, grey = (width / columns, height / rows), np.full(3, 128, np.uint8)
    for (whole, masked, second), number in zip(axes, shown, strict=False):
        joint = seen.joints[number]
        mask = seen.hidden[number][np.arange(height) * rows // height][:, np.arange(width) * columns // width]
        x, y = (seen.places[number, 0, joint] * (columns, rows)).astype(int) * box - 0.5
        image = seen.first[number]
        for axis, pixels in ((whole, image), (masked, np.where(mask[:, :, None], grey, image))):
            axis.imshow(pixels)
            axis.add_patch(Rectangle((x, y), *box, fill=False, color="#ffd400", linewidth=1.2))
        whole.set_title(JOINTS[joint], fontsize=8, pad=2)
        second.imshow(seen.second[number].mean(axis=2), cmap="gray", vmin=0, vmax=255)
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        second.imshow(seen.attention[number], cmap="inferno", alpha=0.6, extent=extent, interpolation="nearest")
        second.plot(*(seen.places[number, 1, joint] * (width, height) - 0.5), "o", color="#00e5ff", fillstyle="none")
    figure.supxlabel(in_one_line(seen), fontsize=8, wrap=True)
    save_figure(figure, out, dpi=120)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.cross_attention",
        description="Draw where the decoder of a trained CroCo looks in the second view of test people of Human3.6M "
        "for a hidden patch at a joint.",
        epilog='example: python -m downstream.cross_attention --recipe "$(python -m workflow.params '
        'encoders.vit_croco)" --encoder RUN/encoder.pt --heads RUN/heads.pt --crops "$(python -m workflow.params '
        'crops)" --angles 30 120 --data data/demo/h36m --out attention.png',
    )
    add = parser.add_argument
    add("--recipe", required=True, help="the encoder's row: JSON text or file; see python -m workflow.params")
    add("--encoder", type=Path, required=True, help="encoder.pt of the run")
    add("--heads", type=Path, required=True, help="heads.pt of the run")
    add("--crops", required=True, help="section crops of params.yaml: JSON text or file")
    add("--angles", type=float, nargs=2, default=(0.0, 180.0), metavar="DEGREES", help="between the cameras of a pair")
    add("--data", type=Path, required=True, help="folder of Human3.6M (docs/data/h36m.md)")
    add("--count", type=int, default=500, help="at most so many pairs are measured (default: %(default)s)")
    add("--out", type=Path, required=True, help="the figure (PNG)")
    arguments = parser.parse_args(words)
    if arguments.count < 1:
        raise InputError(f"--count {arguments.count}: needs at least 1")
    attend = Attention(read_recipe(EncoderRecipe, arguments.recipe), arguments.encoder, arguments.heads)
    crops = read_recipe(Crops, arguments.crops)
    seen = look(attend, arguments.data, crops, tuple(arguments.angles), arguments.count)
    draw(seen, arguments.out)
    print(in_one_line(seen), flush=True)


if __name__ == "__main__":
    run_cli(main)
