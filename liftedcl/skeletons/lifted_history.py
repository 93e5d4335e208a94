"""The skeletons of a few crops at several moments of a training: ``lifted.npz`` of a run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liftedcl.files.array_file import read_arrays
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import NUM_JOINTS


@dataclass(frozen=True)
class LiftedHistory:
    """P crops lifted at T moments.

    ``rows`` (P,) int64 are the crops' rows of the shard. ``epochs`` (T,) int64, rising, counts the epochs trained until
    each moment; 0 is before the first step. ``skeletons`` (T, P, 17, 3) float32 have root 0 and Frobenius norm 1.
    """

    rows: np.ndarray
    epochs: np.ndarray
    skeletons: np.ndarray


def write_lifted_history(path: Path, history: LiftedHistory) -> None:
    """Write ``lifted.npz``, atomically; equal histories give equal bytes."""
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez(file, rows=history.rows, epochs=history.epochs, skeletons=history.skeletons)


def read_lifted_history(path: Path) -> LiftedHistory:
    """Read what `write_lifted_history` wrote.

    Raises:
        InputError: the file is missing or damaged, or its arrays don't belong together.
    """
    remedy = "make it again with python -m liftedcl.pretrain and a recipe whose lifting.adv is above 0"
    history = LiftedHistory(**read_arrays(path, ("rows", "epochs", "skeletons"), remedy))
    rows, epochs, skeletons = history.rows, history.epochs, history.skeletons
    whole = (
        all(array.ndim == 1 and array.dtype == np.int64 and len(array) > 0 for array in (rows, epochs))
        and (rows >= 0).all()
        and epochs[0] >= 0
        and (np.diff(epochs) > 0).all()
        and skeletons.shape == (len(epochs), len(rows), NUM_JOINTS, 3)
        and skeletons.dtype == np.float32
        and np.isfinite(skeletons).all()
    )
    if not whole:
        raise InputError(
            f"{path}: rows {rows.shape} {rows.dtype}, epochs {epochs.shape} {epochs.dtype} and skeletons "
            f"{skeletons.shape} {skeletons.dtype} are not a history of lifted skeletons; {remedy}"
        )
    return history
