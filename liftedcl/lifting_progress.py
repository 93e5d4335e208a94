"""Draw how lifted skeletons change during a training: ``python -m liftedcl.lifting_progress``."""

import argparse
from pathlib import Path

from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.images.shard_union import open_shards
from liftedcl.skeletons.drawing import figure_beside_crops
from liftedcl.skeletons.lifted_history import read_lifted_history


def draw_progress(lifted: Path, images: list[Path], out: Path, *, count: int, moments: int) -> None:
    """Draw the first ``count`` crops of ``lifted.npz`` and their skeletons at ``moments`` of its epochs, spread evenly.

    ``images`` are the shards that the run was trained on, in that order.

    Raises:
        InputError: a file is missing or damaged, or the history belongs to other shards.
    """
    history, shard = read_lifted_history(lifted), open_shards(images)
    if history.rows.max() >= len(shard):
        raise InputError(
            f"{lifted}: lifts row {history.rows.max()}, but there are {len(shard)} images in {shard.path}; "
            "name what the run was trained on"
        )
    titled = {}
    for moment in evenly_spread(len(history.epochs), moments):
        epoch = history.epochs[moment]
        titled[f"epoch {epoch}" if epoch else "before training"] = history.skeletons[moment, :count]
    figure_beside_crops(shard.gather(history.rows[:count]), titled, out)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.lifting_progress",
        description="Draw crops and their lifted skeletons at several moments of a training of LiftedCL.",
        epilog="example: python -m liftedcl.lifting_progress --images runs/demo/crops.npy --out progress.png "
        "--lifted runs/demo/encoders/liftedcl_in_cc/seed0/lifted.npz",
    )
    add = parser.add_argument
    add("--lifted", type=Path, required=True, help="lifted.npz of the run")
    add("--images", type=Path, nargs="+", required=True, metavar="NAME.npy", help="the shards it was trained on")
    add("--count", type=int, default=6, help="crops to draw, one a row (default: %(default)s)")
    add("--moments", type=int, default=8, help="moments to draw, spread over the training (default: %(default)s)")
    add("--out", type=Path, required=True, help="the figure (PNG)")
    arguments = parser.parse_args(words)
    for name in ("count", "moments"):
        if getattr(arguments, name) < 1:
            raise InputError(f"--{name} {getattr(arguments, name)}: needs at least 1")
    draw_progress(arguments.lifted, arguments.images, arguments.out, count=arguments.count, moments=arguments.moments)


if __name__ == "__main__":
    run_cli(main)
