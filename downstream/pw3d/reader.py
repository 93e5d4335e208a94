"""Shape annotations as SPIN distributes them (Kolotouros et al. 2019): one npz for each data set, beside its images.

Human3.6M, four in-the-wild sets and MPI-INF-3DHP are for training, 3DPW for testing. Everything is checked when read.
``openpose`` is not read: the published training gives those detections the weight 0.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.pw3d.files import (
    H36M,
    IN_THE_WILD,
    MPI_INF_3DHP,
    REMEDY,
    TEST,
    TRAIN,
    annotation_path,
    picture_folder,
)
from downstream.reading.annotation_entries import check_pictures
from liftedcl.files.array_file import read_arrays
from liftedcl.identity.errors import InputError

TRUTH = ("pose", "shape", "gender")
"""The arrays that a file must hold for scoring; a training set may lack them."""
H36M_SHARE, MPI_INF_3DHP_SHARE = 0.3, 0.1
"""The other 60% go to the in-the-wild sets in proportion to their sizes."""
_GENDERS = {"": 0, "n": 0, "neutral": 0, "m": 1, "male": 1, "f": 2, "female": 2}


@dataclass(frozen=True)
class ShapeSamples:
    """N people. Arrays are float64 unless said otherwise; arrays that a file lacks are 0.

    Attributes:
        folder: of the images.
        names: file names below ``folder``.
        centres: (N, 2) px.
        scales: (N,), side of the person's square, padding included, / 200 px.
        pose: (N, 72) axis-angle in radians, the first three turn the body in the camera's frame (x right, y down).
        betas: (N, 10).
        has_smpl: (N,) bool, whether ``pose`` and ``betas`` are known.
        joints_3d: (N, 24, 4): the training joints in metres, camera frame, up to a shift, and their confidence.
        joints_2d: (N, 24, 3): px of the image, and confidence.
        gender: (N,) int8: 0 neutral or not known, 1 male, 2 female.
    """

    folder: Path
    names: list[str]
    centres: np.ndarray
    scales: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    has_smpl: np.ndarray
    joints_3d: np.ndarray
    joints_2d: np.ndarray
    gender: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


def read_shape_split(root: str | Path, name: str) -> ShapeSamples:
    """Read and check one set. Every image has to be there; images are decoded later.

    Raises:
        InputError: naming the file and, where one is to blame, the index of the sample.
    """
    path = annotation_path(root, name)
    samples = read_annotations(path, picture_folder(root, name), TRUTH if name == TEST else ())
    check_pictures(samples.folder, samples.names, path, REMEDY)
    return samples


def read_annotations(path: Path, folder: Path, needed: tuple[str, ...] = ()) -> ShapeSamples:
    """Read and check an annotation file of any name alone; its images, in ``folder``, are not looked for.

    Args:
        needed: arrays that are otherwise optional. With ``pose`` among them every person must have a body.

    Raises:
        InputError: as `read_shape_split`.
    """
    optional = ("pose", "shape", "has_smpl", "S", "part", "gender")
    arrays = read_arrays(path, ("imgname", "center", "scale", *needed), REMEDY, optional=optional)
    names = _names(arrays["imgname"], path)
    count = len(names)
    if count == 0:
        raise InputError(f"{path}: holds no sample; {REMEDY}")
    if ("pose" in arrays) != ("shape" in arrays):
        raise InputError(f"{path}: holds one of pose and shape without the other; {REMEDY}")

    def numbers(key: str, *shape: int) -> np.ndarray:
        return _numbers(arrays[key], key, (count, *shape), path) if key in arrays else np.zeros((count, *shape))

    known = "pose" in arrays
    samples = ShapeSamples(
        folder=folder,
        names=names,
        centres=numbers("center", 2),
        scales=numbers("scale"),
        pose=numbers("pose", 72),
        betas=numbers("shape", 10),
        # The test file holds no has_smpl: all its people have a body.
        has_smpl=numbers("has_smpl") > 0 if "has_smpl" in arrays or not known else np.ones(count, dtype=bool),
        joints_3d=numbers("S", 24, 4),
        joints_2d=numbers("part", 24, 3),
        gender=_genders(arrays["gender"], count, path) if "gender" in arrays else np.zeros(count, dtype=np.int8),
    )
    if "pose" in needed and not samples.has_smpl.all():
        raise InputError(
            f"{path}: sample {int(np.argmin(samples.has_smpl))}: has_smpl is 0, so its pose can't be scored against; "
            f"leave such people out; {REMEDY}"
        )
    if samples.has_smpl.any() and not known:
        raise InputError(f"{path}: has_smpl is set but pose and shape are missing; {REMEDY}")
    if not (samples.scales > 0).all():
        raise InputError(f"{path}: sample {int(np.argmin(samples.scales))}: scale is not above 0; {REMEDY}")
    return samples


def read_mix(root: str | Path) -> list[tuple[ShapeSamples, float]]:
    """The training sets and the share of samples drawn from each (30% / 60% / 10%).

    Raises:
        InputError: as `read_shape_split`; all missing sets are named together.
    """
    missing = [name for name in TRAIN if not annotation_path(root, name).is_file()]
    if missing:
        folder = annotation_path(root, TEST).parent
        raise InputError(f"{folder}: {', '.join(f'{name}.npz' for name in missing)}: not found; {REMEDY}")
    sets = {name: read_shape_split(root, name) for name in TRAIN}
    in_the_wild = sum(len(sets[name]) for name in IN_THE_WILD)
    shares = {H36M: H36M_SHARE, MPI_INF_3DHP: MPI_INF_3DHP_SHARE}
    rest = 1 - H36M_SHARE - MPI_INF_3DHP_SHARE
    shares |= {name: rest * len(sets[name]) / in_the_wild for name in IN_THE_WILD}
    return [(sets[name], shares[name]) for name in TRAIN]


def _names(stored: np.ndarray, path: Path) -> list[str]:
    """File names stored as text or as bytes (files written by Python 2)."""
    if stored.ndim != 1 or stored.dtype.kind not in "US":
        raise InputError(f"{path}: imgname is {stored.shape} {stored.dtype}, not a list of names; {REMEDY}")
    try:
        return stored.tolist() if stored.dtype.kind == "U" else [name.decode() for name in stored.tolist()]
    except UnicodeDecodeError:
        raise InputError(f"{path}: imgname isn't UTF-8; {REMEDY}") from None


def _numbers(stored: np.ndarray, key: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    if [side for side in stored.shape if side != 1] == [side for side in shape if side != 1]:
        stored = stored.reshape(shape)  # some files hold (N, 1, 72)
    if stored.shape != shape or stored.dtype.kind not in "fiub":
        raise InputError(f"{path}: {key} is {stored.shape} {stored.dtype}, not numbers of shape {shape}; {REMEDY}")
    values = stored.astype(np.float64)
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        raise InputError(f"{path}: sample {int(np.argmin(finite))}: {key} holds NaN or infinity; {REMEDY}")
    return values


def _genders(stored: np.ndarray, count: int, path: Path) -> np.ndarray:
    if stored.shape != (count,) or stored.dtype.kind not in "US":
        raise InputError(f"{path}: gender is {stored.shape} {stored.dtype}, not ({count},) of m and f; {REMEDY}")
    words, inverse = np.unique(stored.astype(str), return_inverse=True)
    unknown = [word for word in words.tolist() if word.lower() not in _GENDERS]
    if unknown:
        raise InputError(f"{path}: gender {unknown[0]!r} is neither m nor f; {REMEDY}")
    return np.array([_GENDERS[word.lower()] for word in words.tolist()], dtype=np.int8)[inverse]
