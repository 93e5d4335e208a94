"""predictions.npz: SMPL parameters predicted for the people of 3DPW. No torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.pw3d.plausible import SHAPE
from downstream.pw3d.reader import ShapeSamples
from downstream.reading.entries import Entries
from liftedcl.files.array_file import read_arrays
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError

_REMEDY = "docs/data/pw3d.md, `Scores`, says what it holds and how others write it"
_SCORED = {"pose": (24, 3, 3), "betas": (10,)}
_BESIDE = {"camera": (3,), "joints": (14, 3)}
"""Not scored, so that files of others may lack them."""

FULL_SIZE, LOW_SIZE = "predictions.npz", "predictions_low.npz"
"""The predictions that a run writes: for the test set as it is, and for the test set shrunk to ``low_test_size`` px."""


@dataclass(frozen=True)
class Predictions:
    """The contents of predictions.npz for N people, in the order of the annotations.

    Attributes:
        rotations: (N, 24, 3, 3) local rotations, the first one in the camera's frame.
        betas: (N, 10).
        camera: (N, 3), the weak-perspective scale and shift in the crop; None where the file has none.
        joints: (N, 14, 3) LSP joints less the pelvis, metres; None where the file has none.
    """

    rotations: np.ndarray
    betas: np.ndarray
    camera: np.ndarray | None
    joints: np.ndarray | None


def write_predictions(path: Path, predictions: Predictions, names: list[str]) -> None:
    """Write predictions.npz: ``pose`` (N, 24, 3, 3), ``betas``, ``camera``, ``joints`` as `Predictions`, ``images``.

    Vertices, 700 kB for each person, are left out: they follow from the parameters and the body model.
    """
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            pose=predictions.rotations,
            betas=predictions.betas,
            camera=predictions.camera,
            joints=predictions.joints,
            images=np.array(names),
        )


def read_predictions(path: Path, truth: ShapeSamples) -> Predictions:
    """Read predictions for ``truth``, in its order.

    Raises:
        InputError: the file is missing or damaged, holds wrong shapes, matrices that are not rotations or shapes that
            nobody has, or was made for other people.
    """
    arrays = read_arrays(path, (*_SCORED, "images"), _REMEDY, optional=tuple(_BESIDE))
    images = arrays.pop("images")
    stored = [image.decode("utf-8", "replace") if isinstance(image, bytes) else image for image in images.tolist()]
    if stored != truth.names:
        raise InputError(
            f"{path}: was made for other people than those in the annotations, or in another order: images has to be "
            f"their imgname, entry by entry; {_REMEDY}"
        )
    for name, found in arrays.items():
        shape = (_SCORED | _BESIDE)[name]
        if found.shape != (len(truth), *shape) or found.dtype.kind not in "iuf" or not np.isfinite(found).all():
            expected = ("N", *shape)
            raise InputError(f"{path}: {name} is {found.shape} {found.dtype}, not finite numbers {expected}; {_REMEDY}")
    values = {name: found.astype(np.float64) for name, found in arrays.items()}
    rotations = values["pose"]
    # The tolerance is that of single precision: networks round to about 1e-6.
    off = np.abs(rotations @ np.swapaxes(rotations, 2, 3) - np.eye(3)).max(axis=(1, 2, 3))
    entries = Entries(path, _REMEDY, range(len(truth)), truth.names)
    good = (off < 1e-3) & (np.linalg.det(rotations) > 0).all(axis=1)
    entries.check(good, "pose holds a matrix that is not a rotation")
    entries.within("betas are", values["betas"], SHAPE)
    entries.finish()
    return Predictions(rotations, values["betas"], values.get("camera"), values.get("joints"))
