"""predictions.npz of both Human3.6M benchmarks: the joints of every test image, and the images' names."""

from pathlib import Path

import numpy as np

from liftedcl.files.array_file import read_arrays
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import NUM_JOINTS

PREDICTIONS = "predictions.npz"
REMEDY = "make it with python -m downstream.finetune"


def write_predictions(path: Path, key: str, values: np.ndarray, names: list[str], **settings: float) -> None:
    """Write ``key`` (N, 17, D) float64, ``images`` (N,), the file names, and ``settings`` that scores depend on.

    ``joints`` are px of the original frames; their JDR depends on ``head_size`` and ``test_stride`` of the recipe.
    ``poses`` are mm in the camera's frame, root-relative. They are float64 so that scoring the file again gives exactly
    the numbers of metrics.json.
    """
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **{key: values, "images": np.array(names), **settings})


def read_predictions(path: Path, key: str, dimension: int, names: list[str], remedy: str = REMEDY) -> np.ndarray:
    """Read ``key`` (N, 17, ``dimension``), predicted for the images ``names``, in their order.

    Raises:
        InputError: the file is missing or damaged, holds pickled objects, a wrong shape, NaN or infinity, or was made
            for other images; ``remedy`` says what to do about the last.
    """
    arrays = read_arrays(path, (key, "images"), REMEDY)
    values, images = arrays[key], arrays["images"]
    expected = (len(names), NUM_JOINTS, dimension)
    if values.dtype.kind != "f" or values.shape[1:] != expected[1:] or values.shape[:1] != images.shape:
        raise InputError(
            f"{path}: {key} has shape {values.shape} and type {values.dtype}, not {expected} floats; {REMEDY}"
        )
    if not np.isfinite(values).all():
        raise InputError(f"{path}: {key} holds NaN or infinity; {REMEDY}")
    if images.tolist() != names:
        raise InputError(
            f"{path}: made for other images, or in another order, than the annotations have; "
            f"it holds {len(images)}, they {len(names)}; {remedy}"
        )
    return values
