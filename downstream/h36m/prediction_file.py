"""predictions.npz of both Human3.6M benchmarks: the joints of every test picture, and the pictures' names."""

import zipfile
from pathlib import Path

import numpy as np

from liftedcl.errors import InputError
from liftedcl.files import atomic_path
from liftedcl.skeleton import NUM_JOINTS

_REMEDY = "make it with python -m downstream.finetune"


def write_predictions(path: Path, key: str, values: np.ndarray, names: list[str]) -> None:
    """Write ``key`` (N, 17, D) float64 and ``images`` (N,), the file names.

    float64 because the file must give the very numbers of metrics.json again.
    """
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **{key: values, "images": np.array(names)})


def read_predictions(path: Path, key: str, dimension: int, names: list[str]) -> np.ndarray:
    """Read ``key`` (N, 17, ``dimension``), predicted for the pictures ``names``, in their order.

    Raises:
        InputError: missing, damaged, with pickled objects, of the wrong shape, not finite, or made for other images.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            values, images = file[key], file["images"]
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {_REMEDY}") from None
    except (KeyError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a predictions file ({error}); {_REMEDY}") from None
    expected = (len(names), NUM_JOINTS, dimension)
    if values.dtype.kind != "f" or values.shape[1:] != expected[1:] or len(values) != len(images):
        raise InputError(f"{path}: {key} are {values.shape} {values.dtype}, not {expected} floats; {_REMEDY}")
    if not np.isfinite(values).all():
        raise InputError(f"{path}: {key} hold NaN or infinity; {_REMEDY}")
    if images.tolist() != names:
        raise InputError(f"{path}: made for other images, or in another order, than the annotations have; {_REMEDY}")
    return values
