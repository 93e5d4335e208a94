"""predictions.npz of both Human3.6M benchmarks: the joints of every test image, and the images' names."""

import re
from pathlib import Path

import numpy as np

from liftedcl.files.array_file import read_arrays
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import NUM_JOINTS

PREDICTIONS = "predictions.npz"
REMEDY = "docs/data/h36m.md, `Scoring a result`, says what it holds and how others write it"


def write_predictions(path: Path, key: str, values: np.ndarray, names: list[str], **settings: float) -> None:
    """Write ``key`` (N, 17, D) float64, ``images`` (N,), the file names, and ``settings`` that scores depend on.

    ``joints`` are px of the original frames; their JDR depends on ``head_size`` and ``test_stride`` of the recipe.
    ``poses`` are mm in the camera's frame, root-relative. They are float64 so that scoring the file again gives exactly
    the numbers of metrics.json.
    """
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **{key: values, "images": np.array(names), **settings})


def read_predictions(
    path: Path, key: str, dimension: int, names: list[str], remedy: str = REMEDY, extra: re.Pattern[str] | None = None
) -> np.ndarray:
    """Read ``key`` (N, 17, ``dimension``), predicted for the images ``names``, in their order.

    The file may have them in another order, and may name them without their folders.

    Args:
        remedy: what to do where the file is of other images.
        extra: predictions for images whose names match it are left out.

    Raises:
        InputError: the file is missing or damaged, holds pickled objects, a wrong shape, NaN or infinity, or was made
            for other images.
    """
    arrays = read_arrays(path, (key, "images"), REMEDY)
    values, images = arrays[key], arrays["images"]
    expected = (len(names), NUM_JOINTS, dimension)
    if values.dtype.kind not in "iuf" or values.shape[1:] != expected[1:] or values.shape[:1] != images.shape:
        raise InputError(
            f"{path}: {key} has shape {values.shape} and type {values.dtype}, not {expected} floats; {REMEDY}"
        )
    if not np.isfinite(values).all():
        raise InputError(f"{path}: {key} holds NaN or infinity; {REMEDY}")
    rows = _rows(images, names, extra)
    if rows is None:
        raise InputError(
            f"{path}: made for other images than the annotations have; it holds {len(images)}, they {len(names)}; "
            f"{remedy}"
        )
    return values[rows].astype(np.float64)


def _rows(images: np.ndarray, names: list[str], extra: re.Pattern[str] | None) -> list[int] | None:
    """The places of ``names`` among ``images`` (M,) as text or bytes; None where these aren't the same images."""
    stored = [image.decode("utf-8", "replace") if isinstance(image, bytes) else str(image) for image in images.tolist()]
    kept = [n for n, image in enumerate(stored) if extra is None or not extra.search(image)]
    if [stored[n] for n in kept] == names:
        return kept
    for called in (str, _base):
        places = {called(stored[n]): n for n in kept}
        wanted = [called(name) for name in names]
        if len(places) == len(kept) and len(set(wanted)) == len(wanted) and places.keys() == set(wanted):
            return [places[name] for name in wanted]
    return None


def _base(name: str) -> str:
    return re.split(r"[/\\]", name)[-1]
