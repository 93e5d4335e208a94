"""predictions.npz: SMPL parameters predicted for the people of 3DPW. No torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.pw3d.reader import ShapeSamples
from liftedcl.files.array_file import read_arrays
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError

_REMEDY = "make it with python -m downstream.finetune"
_SHAPES = {"pose": (24, 3, 3), "betas": (10,), "camera": (3,), "joints": (14, 3)}

FULL_SIZE, LOW_SIZE = "predictions.npz", "predictions_low.npz"
"""The predictions that a run writes: for the test set as it is, and for the test set shrunk to ``low_test_size`` px."""


@dataclass(frozen=True)
class Predictions:
    """The contents of predictions.npz for N people, in the order of the annotations.

    Attributes:
        rotations: (N, 24, 3, 3) local rotations, the first one in the camera's frame.
        betas: (N, 10).
        camera: (N, 3), the weak-perspective scale and shift in the crop; not scored.
        joints: (N, 14, 3) LSP joints less the pelvis, metres.
    """

    rotations: np.ndarray
    betas: np.ndarray
    camera: np.ndarray
    joints: np.ndarray


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
        InputError: the file is missing or damaged, holds wrong shapes or matrices that are not rotations, or was made
            for other people.
    """
    arrays = read_arrays(path, (*_SHAPES, "images"), _REMEDY)
    if arrays["images"].tolist() != truth.names:
        raise InputError(f"{path}: was made for other people than those in the annotations; {_REMEDY}")
    for name, shape in _SHAPES.items():
        found = arrays[name]
        if found.shape != (len(truth), *shape) or found.dtype.kind != "f" or not np.isfinite(found).all():
            expected = ("N", *shape)
            raise InputError(f"{path}: {name} is {found.shape} {found.dtype}, not finite floats {expected}; {_REMEDY}")
    rotations, betas, camera, joints = (arrays[name].astype(np.float64) for name in _SHAPES)
    # The tolerance is that of single precision: networks round to about 1e-6.
    off = np.abs(rotations @ np.swapaxes(rotations, 2, 3) - np.eye(3)).max(axis=(1, 2, 3))
    good = (off < 1e-3) & (np.linalg.det(rotations) > 0).all(axis=1)
    if not good.all():
        raise InputError(
            f"{path}: sample {int(np.argmin(good))}: pose holds a matrix that is not a rotation; {_REMEDY}"
        )
    return Predictions(rotations, betas, camera, joints)
