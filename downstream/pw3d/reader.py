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
from downstream.pw3d.plausible import JOINTS_EXTENT, PLACE, ROTATION, SHAPE, SQUARE
from downstream.reading.entries import Entries
from liftedcl.files.array_file import read_arrays
from liftedcl.identity.errors import InputError

TRUTH = ("pose", "shape", "gender")
"""The arrays that a file must hold for scoring; a training set may lack them."""
H36M_SHARE, MPI_INF_3DHP_SHARE = 0.3, 0.1
"""The other 60% go to the in-the-wild sets in proportion to their sizes."""
_PX_PER_SCALE = 200.0
_SEVERAL = 8
"""So many joints of a person say how large the person is."""
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
    samples, entries = examine(annotation_path(root, name), picture_folder(root, name), needed_by(name))
    check_images(samples, entries)
    entries.finish()
    return samples


def needed_by(name: str) -> tuple[str, ...]:
    """The optional arrays that the set ``name`` needs."""
    return TRUTH if name == TEST else ()


def read_annotations(path: Path, folder: Path, needed: tuple[str, ...] = ()) -> ShapeSamples:
    """Read and check an annotation file of any name alone; its images, in ``folder``, are not looked for.

    Raises:
        InputError: as `read_shape_split`.
    """
    samples, entries = examine(path, folder, needed)
    entries.finish()
    return samples


def check_images(samples: ShapeSamples, entries: Entries) -> None:
    """Note the ``entries`` whose image is missing, and images that can't be of the size that was annotated."""
    entries.pictures(samples.folder)
    entries.on_pictures(samples.folder, samples.centres)


def examine(path: Path, folder: Path, needed: tuple[str, ...] = ()) -> tuple[ShapeSamples, Entries]:
    """The people of an annotation file, and what is wrong with them.

    Args:
        needed: arrays that are otherwise optional. With ``pose`` among them every person must have a body.

    Raises:
        InputError: the file is missing or damaged, or an array is missing or of a wrong shape or type.
    """
    optional = ("pose", "shape", "has_smpl", "S", "part", "gender")
    arrays = read_arrays(path, ("imgname", "center", "scale", *needed), REMEDY, optional=optional)
    names = _names(arrays["imgname"], path)
    count = len(names)
    if count == 0:
        raise InputError(f"{path}: holds no sample; {REMEDY}")
    if ("pose" in arrays) != ("shape" in arrays):
        raise InputError(f"{path}: holds one of pose and shape without the other; {REMEDY}")
    entries = Entries(path, REMEDY, range(count), names)

    def numbers(key: str, *shape: int) -> np.ndarray:
        if key not in arrays:
            return np.zeros((count, *shape))
        values = _numbers(arrays[key], key, (count, *shape), path)
        entries.check(np.isfinite(values).reshape(count, -1).all(axis=1), f"{key} holds NaN or infinity")
        return values

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
    if samples.has_smpl.any() and not known:
        raise InputError(f"{path}: has_smpl is set but pose and shape are missing; {REMEDY}")
    if "pose" in needed:
        entries.check(samples.has_smpl, "has_smpl is 0, so its pose can't be scored against; leave such people out")
    _check(samples, entries)
    return samples, entries


def _check(samples: ShapeSamples, entries: Entries) -> None:
    """Note the numbers that no person and no image have; a body only where the file says that it is known."""
    body = samples.has_smpl[:, None]
    turns = np.linalg.norm(samples.pose.reshape(-1, 24, 3), axis=2)
    entries.check(samples.scales > 0, "scale is not above 0")
    entries.within("center is at", samples.centres, PLACE)
    entries.within("scale is of a square of", samples.scales * _PX_PER_SCALE, SQUARE)
    entries.within("pose turns a joint by", np.where(body, turns, 0), ROTATION)
    entries.within("shape is", np.where(body, samples.betas, 0), SHAPE)
    entries.within(
        "a joint of part is at", np.where(samples.joints_2d[..., 2:] > 0, samples.joints_2d[..., :2], 0), PLACE
    )
    known = samples.joints_3d[..., 3:] > 0
    places = samples.joints_3d[..., :3]
    low, high = np.where(known, places, np.inf).min(axis=1), np.where(known, places, -np.inf).max(axis=1)
    several = known.sum(axis=(1, 2)) >= _SEVERAL
    entries.within("the joints of S extend over", np.where(several, (high - low).max(axis=1), np.nan), JOINTS_EXTENT)


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
    if stored.shape != shape or stored.dtype.kind not in ("fiub" if key == "has_smpl" else "fiu"):
        raise InputError(f"{path}: {key} is {stored.shape} {stored.dtype}, not numbers of shape {shape}; {REMEDY}")
    return stored.astype(np.float64)


def _genders(stored: np.ndarray, count: int, path: Path) -> np.ndarray:
    if stored.shape != (count,) or stored.dtype.kind not in "US":
        raise InputError(f"{path}: gender is {stored.shape} {stored.dtype}, not ({count},) of m and f; {REMEDY}")
    words, inverse = np.unique(stored.astype(str), return_inverse=True)
    unknown = [word for word in words.tolist() if word.lower() not in _GENDERS]
    if unknown:
        raise InputError(f"{path}: gender {unknown[0]!r} is neither m nor f; {REMEDY}")
    return np.array([_GENDERS[word.lower()] for word in words.tolist()], dtype=np.int8)[inverse]
