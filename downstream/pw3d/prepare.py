"""Converts the official pickles of SMPL and 3DPW to npz files.

The pickles were written by Python 2. `load_plain` reads them and runs nothing that is in them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.spatial.transform import Rotation

from downstream.pw3d.body.body_model import SHAPE_PARAMETERS, body_from_arrays, check_sides
from downstream.pw3d.files import BODY_FOLDER, TEST, annotation_path
from downstream.pw3d.plausible import PLACE, ROTATION, SHAPE
from downstream.reading.restricted_pickle import load_plain
from liftedcl.files.atomic import atomic_path
from liftedcl.identity.errors import InputError

SMPL_FILES = {
    "neutral": ("basicModel_neutral_lbs_10_207_0_v1.0.0.pkl", "SMPL_NEUTRAL.pkl",
                "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl"),
    "male": ("basicmodel_m_lbs_10_207_0_v1.0.0.pkl", "basicModel_m_lbs_10_207_0_v1.0.0.pkl", "SMPL_MALE.pkl",
             "basicmodel_m_lbs_10_207_0_v1.1.0.pkl"),
    "female": ("basicModel_f_lbs_10_207_0_v1.0.0.pkl", "basicmodel_f_lbs_10_207_0_v1.0.0.pkl", "SMPL_FEMALE.pkl",
               "basicmodel_f_lbs_10_207_0_v1.1.0.pkl"),
}  # fmt: skip
"""File names in the official archives; the published numbers were made with version 1.0.0."""
BOX_MARGIN = 1.2
_REMEDY = "docs/data/pw3d.md says where to download it"
_ARRAYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f", "kintree_table")


def prepare_smpl(pickles: Path, root: Path) -> list[Path]:
    """Write ``root/smpl/{neutral,male,female}.npz`` from the official pickles anywhere below ``pickles``.

    Raises:
        InputError: a pickle is missing or damaged, holds anything but data, or isn't a body model.
    """
    if not pickles.is_dir():
        raise InputError(f"{pickles}: not a folder; {_REMEDY}")
    found = {
        gender: next((path for name in names for path in sorted(pickles.rglob(name))), None)
        for gender, names in SMPL_FILES.items()
    }
    missing = [f"{gender} ({SMPL_FILES[gender][0]})" for gender, path in found.items() if path is None]
    if missing:
        raise InputError(f"{pickles}: holds no SMPL pickle of {', '.join(missing)}; {_REMEDY}")
    written = []
    for gender, path in found.items():
        arrays = smpl_arrays(path)
        out = root / BODY_FOLDER / f"{gender}.npz"
        with atomic_path(out) as part, part.open("wb") as file:
            np.savez(file, **arrays)
        written.append(out)
    return written


def smpl_arrays(path: Path) -> dict[str, np.ndarray]:
    """The checked arrays of an official SMPL pickle, as body files hold them.

    Raises:
        InputError: as `prepare_smpl`.
    """
    model = load_plain(path, _REMEDY)
    if not isinstance(model, dict) or not set(_ARRAYS) <= set(model):
        raise InputError(f"{path}: is not a SMPL model, which holds {', '.join(_ARRAYS)}; {_REMEDY}")
    arrays = {}
    for name in _ARRAYS:
        value = model[name].toarray() if sparse.issparse(model[name]) else model[name]
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
            raise InputError(f"{path}: {name} isn't stored as plain numbers; {_REMEDY}")
        arrays[name] = value
    check_sides(body_from_arrays(arrays, path), path)
    arrays["shapedirs"] = arrays["shapedirs"][..., :SHAPE_PARAMETERS]
    return arrays


def prepare_sequences(sequences: Path, root: Path) -> tuple[Path, int, int]:
    """Write ``root/dataset_extras/3dpw_test.npz`` from the official ``sequenceFiles`` (its ``test`` folder).

    Returns:
        The file, its number of people, and the number of valid frames left out because their 2D joints make no box.

    Raises:
        InputError: there is no sequence or no person in them, or a sequence is damaged, holds anything but data, or
            lacks a field.
    """
    folder = sequences / "test" if (sequences / "test").is_dir() else sequences
    paths = sorted(folder.glob("*.pkl"))
    if not paths:
        raise InputError(f"{folder}: holds no sequence (*.pkl); {_REMEDY}")
    people = [person for path in paths for person in sequence_people(path)]
    fields, left_out = [person[0] for person in people], sum(person[1] for person in people)
    if not any(len(person["imgname"]) for person in fields):
        raise InputError(
            f"{folder}: no person in its {len(paths)} sequences has a valid frame with 2D joints; {_REMEDY}"
        )
    arrays = {key: np.concatenate([person[key] for person in fields]) for key in fields[0]}
    out = annotation_path(root, TEST)
    with atomic_path(out) as part, part.open("wb") as file:
        np.savez(file, **arrays)
    return out, len(arrays["imgname"]), left_out


def sequence_people(path: Path) -> list[tuple[dict[str, np.ndarray], int]]:
    """For each person of a 3DPW sequence SPIN's fields, with an entry for each valid frame, and the number left out.

    SPIN's rules (Kolotouros et al. 2019): a frame is valid when its camera pose is (``campose_valid``); the box is that
    of the detected 2D joints, its longer side times 1.2; the camera's rotation is applied to the global orientation.

    Raises:
        InputError: as `prepare_sequences`.
    """
    data = load_plain(path, _REMEDY)
    try:
        name, cameras = str(data["sequence"]), _floats(data["cam_poses"])
        return [_person(data, number, name, cameras, path) for number in range(len(data["poses"]))]
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise InputError(f"{path}: not a 3DPW sequence ({error!r}); {_REMEDY}") from None


def _person(
    data: dict[str, Any], number: int, sequence: str, cameras: np.ndarray, path: Path
) -> tuple[dict[str, np.ndarray], int]:
    pose = _floats(data["poses"][number])
    joints = np.swapaxes(_floats(data["poses2d"][number]), 1, 2)  # (F, 18, 3)
    valid = _floats(data["campose_valid"][number], flags="b") > 0
    betas = _floats(data["betas"][number])[:SHAPE_PARAMETERS]
    frames = len(pose)
    shapes = {
        "poses": (pose.shape, (frames, 72)),
        "poses2d": (joints.shape, (frames, joints.shape[1], 3)),
        "campose_valid": (valid.shape, (frames,)),
        "cam_poses": (cameras.shape, (frames, 4, 4)),
        "betas": (betas.shape, (SHAPE_PARAMETERS,)),
    }
    for key, (found, expected) in shapes.items():
        if found != expected:
            raise InputError(f"{path}: person {number}: {key} is {found}, not {expected}; {_REMEDY}")
    gender = str(data["genders"][number])
    if gender not in ("m", "f", "male", "female"):
        raise InputError(f"{path}: person {number}: genders is {gender[:20]!r}, neither m nor f; {_REMEDY}")
    seen = (joints[..., 2] > 0) & valid[:, None]
    _check_finite({"poses2d": joints[seen], "betas": betas}, number, path)
    low = np.where(seen[..., None], joints[..., :2], np.inf).min(axis=1)
    high = np.where(seen[..., None], joints[..., :2], -np.inf).max(axis=1)
    kept = np.flatnonzero((high - low).max(axis=1) > 0)  # a single joint makes no box
    pose, low, high = pose[kept], low[kept], high[kept]
    _check_finite({"poses": pose, "cam_poses": cameras[kept]}, number, path)
    for key, values, plausible in (
        ("poses turn a joint by", np.linalg.norm(pose.reshape(-1, 24, 3), axis=2), ROTATION),
        ("betas are", betas, SHAPE),
        ("poses2d are at", joints[seen][:, :2], PLACE),
    ):
        outside = values[(values < plausible.low) | (values > plausible.high)]
        if outside.size:
            raise InputError(f"{path}: person {number}: {plausible.problem(key, outside.flat[0])}; {_REMEDY}")
    turned = Rotation.from_matrix(cameras[kept, :3, :3]) * Rotation.from_rotvec(pose[:, :3])
    pose[:, :3] = turned.as_rotvec()
    fields = {
        "imgname": np.array([f"imageFiles/{sequence}/image_{frame:05d}.jpg" for frame in kept], dtype=str),
        "center": (low + high) / 2,
        "scale": BOX_MARGIN * (high - low).max(axis=1) / 200,
        "pose": pose,
        "shape": np.repeat(betas[None], len(kept), axis=0),
        "gender": np.full(len(kept), gender[:1]),
    }
    return fields, int(valid.sum()) - len(kept)


def _floats(value: Any, flags: str = "") -> np.ndarray:
    """As float64. Raises `TypeError` for text and truth values, which numpy would take for numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" + flags:
        raise TypeError(f"no numbers: {array.dtype}")
    return array.astype(np.float64)


def _check_finite(fields: dict[str, np.ndarray], number: int, path: Path) -> None:
    for key, values in fields.items():
        if not np.isfinite(values).all():
            raise InputError(f"{path}: person {number}: {key} holds NaN or infinity in a valid frame; {_REMEDY}")
