"""The body model's files: SMPL's arrays (Loper et al. 2015), checked when read. regressors.py reads the regressors.

Any mesh with SMPL's arrays and SMPL's tree of 24 joints can be read: SMPL itself, which ``prepare`` makes from the
official pickles, or the generated people's body.

Three sets of joints are in use:

- the 24 joints of the tree, as forward kinematics place them;
- the 24 *training joints* of the annotation files' ``S`` and ``part`` (Kolotouros et al. 2019), `TRAINING_JOINTS`. They
  are picked by `TRAINING_LANDMARKS` from 38 landmarks: the 24 joints of the tree, then the 9 rows of J_regressor_extra
  and then the 5 ``face_vertices``, both of the posed mesh;
- the 14 LSP joints of the evaluation: `LSP_ROWS` of J_regressor_h36m, applied to the posed mesh; row 0 is the pelvis.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.pw3d.files import BODY_FOLDER, GENDERS, MEAN_PARAMETERS
from downstream.pw3d.plausible import BODY_HEIGHT, OFFSET
from downstream.reading.plausible import Plausible
from liftedcl.files.array_file import read_arrays
from liftedcl.identity.errors import InputError

REMEDY = "docs/data/pw3d.md says how to get and prepare the body model"
SHAPE_PARAMETERS = 10

PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
"""SMPL's tree. Left joints are 1, 4, 7, 10, 13, 16, 18, 20, 22; each is followed by its right joint."""
MIRRORED_JOINTS = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22])
"""``joints[MIRRORED_JOINTS]`` exchanges left and right; a mirrored rotation vector also has its y and z negated."""

TRAINING_JOINTS = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
    "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "neck", "head_top", "pelvis", "thorax", "spine",
    "jaw", "head", "nose", "left_eye", "right_eye", "left_ear", "right_ear",
)  # fmt: skip
TRAINING_LANDMARKS = np.array([8, 5, 24, 25, 4, 7, 21, 19, 17, 16, 18, 20, *range(26, 38)])
"""Hips come from J_regressor_extra (row 0 right, row 1 left), since annotators place them elsewhere than SMPL does."""
MIRRORED_TRAINING_JOINTS = np.array(
    [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14, 15, 16, 17, 18, 19, 21, 20, 23, 22]
)
LSP_ROWS = np.array([3, 2, 1, 4, 5, 6, 16, 15, 14, 11, 12, 13, 8, 10])
"""Right ankle, knee, hip, left hip, knee, ankle, right wrist, elbow, shoulder, left shoulder, elbow, wrist, neck, top
of the head, as rows of a regressor in Human3.6M's order."""

SMPL_VERTICES = 6890
_SMPL_FACE = np.array([332, 2800, 6260, 583, 4071])
_FLOATS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights")


@dataclass(frozen=True)
class BodyArrays:
    """SMPL's arrays in double precision; V vertices, lengths in metres.

    Attributes:
        v_template: (V, 3), facing +z with the left side at +x.
        shapedirs: (V, 3, 10).
        posedirs: (V, 3, 207), for the 23 rotation matrices less the identity, row by row.
        J_regressor: (24, V), joints of the shaped body at rest.
        weights: (V, 24) skinning weights.
        faces: (F, 3) int.
        face_vertices: (5,) int: nose, left eye, right eye, left ear, right ear.
    """

    v_template: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray
    J_regressor: np.ndarray
    weights: np.ndarray
    faces: np.ndarray
    face_vertices: np.ndarray


Bodies = tuple[BodyArrays, BodyArrays, BodyArrays]
"""The neutral, the male and the female body."""


@dataclass(frozen=True)
class MeanParameters:
    """The start of the regression: ``pose`` (144,) 6D rotations, ``shape`` (10,), ``camera`` (3,: scale, x, y)."""

    pose: np.ndarray
    shape: np.ndarray
    camera: np.ndarray


def body_folder(root: str | Path) -> Path:
    """``root/smpl``, or ``root`` if it is that folder itself."""
    root = Path(root)
    return root if root.resolve().name == BODY_FOLDER else root / BODY_FOLDER


def read_body(path: Path) -> BodyArrays:
    """Read and check a body file.

    Raises:
        InputError: an array is missing, has a wrong shape or makes no sense; the message names file and array.
    """
    arrays = read_arrays(path, (*_FLOATS, "f", "kintree_table"), REMEDY, optional=("face_vertices",))
    body = body_from_arrays(arrays, path)
    check_sides(body, path)
    return body


def body_from_arrays(arrays: dict[str, np.ndarray], path: Path) -> BodyArrays:
    """`BodyArrays` of arrays under SMPL's names, with all checks of `read_body` but that of left and right.

    Only the first 10 shape parameters are taken. ``face_vertices`` may be left out for SMPL's own mesh.
    """
    count = len(np.atleast_1d(arrays["v_template"]))
    shapes = {
        "v_template": (count, 3),
        "posedirs": (count, 3, 207),
        "J_regressor": (24, count),
        "weights": (count, 24),
        "kintree_table": (2, 24),
    }
    for name, shape in shapes.items():
        check(arrays[name].shape == shape, path, f"{name} is {arrays[name].shape}, not {shape}")
    shapedirs, faces = arrays["shapedirs"], arrays["f"]
    enough = shapedirs.ndim == 3 and shapedirs.shape[:2] == (count, 3) and shapedirs.shape[2] >= SHAPE_PARAMETERS
    check(enough, path, f"shapedirs is {shapedirs.shape}, not ({count}, 3, 10 or more)")
    check(faces.ndim == 2 and faces.shape[1] == 3 and faces.dtype.kind in "iu", path, "f is not (F, 3) integers")
    check(faces.size > 0 and faces.min() >= 0 and faces.max() < count, path, f"f names no vertex of {count}")
    for name in _FLOATS:
        check(arrays[name].dtype.kind == "f" and np.isfinite(arrays[name]).all(), path, f"{name} isn't finite floats")
    height = float(np.ptp(arrays["v_template"], axis=0).max())
    check_within("v_template is a body of", height, BODY_HEIGHT, path)
    for name in ("shapedirs", "posedirs"):
        check_within(f"{name} moves a vertex by", float(np.abs(arrays[name]).max(initial=0)), OFFSET, path)
    for name in ("weights", "J_regressor"):
        sums = arrays[name].sum(axis=1, dtype=np.float64)
        check(np.allclose(sums, 1, atol=1e-2), path, f"{name} doesn't sum to 1 along axis 1")
    tree = arrays["kintree_table"]  # the first joint's parent is -1, in unsigned numbers or not
    same_tree = tree[0, 1:].tolist() == list(PARENTS[1:]) and tree[1].tolist() == list(range(len(PARENTS)))
    check(same_tree and tree.dtype.kind in "iu", path, "kintree_table isn't SMPL's tree of 24 joints")
    if "face_vertices" not in arrays:
        check(count == SMPL_VERTICES, path, f"a mesh of {count} vertices needs face_vertices (5,)")
    face = arrays.get("face_vertices", _SMPL_FACE)
    good = face.shape == (5,) and face.dtype.kind in "iu" and face.min() >= 0 and face.max() < count
    check(good, path, "face_vertices isn't (5,) numbers of vertices")
    floats = arrays | {"shapedirs": shapedirs[..., :SHAPE_PARAMETERS]}
    return BodyArrays(
        **{name: floats[name].astype(np.float64) for name in _FLOATS},
        faces=faces.astype(np.int64),
        face_vertices=face.astype(np.int64),
    )


def read_bodies(root: str | Path) -> Bodies:
    """The bodies below ``root/smpl``, all of one mesh.

    Raises:
        InputError: as `read_body`, or the bodies differ in their number of vertices.
    """
    folder = body_folder(root)
    bodies = [read_body(folder / f"{gender}.npz") for gender in GENDERS]
    counts = {gender: len(body.v_template) for gender, body in zip(GENDERS, bodies, strict=True)}
    check(len(set(counts.values())) == 1, folder, f"bodies of different meshes ({counts} vertices)")
    return bodies[0], bodies[1], bodies[2]


def read_mean_parameters(root: str | Path) -> MeanParameters:
    """``root/smpl/smpl_mean_params.npz``.

    Raises:
        InputError: the file is missing, damaged or holds wrong shapes.
    """
    path = body_folder(root) / MEAN_PARAMETERS
    sizes = {"pose": 144, "shape": SHAPE_PARAMETERS, "cam": 3}
    arrays = read_arrays(path, tuple(sizes), REMEDY)
    for name, size in sizes.items():
        good = arrays[name].size == size and arrays[name].dtype.kind == "f" and np.isfinite(arrays[name]).all()
        check(good, path, f"{name} is {arrays[name].shape} {arrays[name].dtype}, not {size} finite floats")
    return MeanParameters(*(arrays[name].astype(np.float64).reshape(-1) for name in sizes))


def leftwards(body: BodyArrays) -> np.ndarray:
    """The body's left, a unit vector (3,), from up (pelvis to head) and ahead (toes), not from the joints' names."""
    joints = body.J_regressor @ body.v_template
    up = joints[15] - joints[0]
    ahead = joints[[10, 11]].mean(axis=0) - joints[[7, 8]].mean(axis=0)
    left = np.cross(up, ahead)
    return left / max(np.linalg.norm(left), 1e-12)


def check_sides(body: BodyArrays, path: Path) -> None:
    """Raise `InputError` unless left and right are as in SMPL, and the body faces +z."""
    rest, left = body.J_regressor @ body.v_template, leftwards(body)
    pairs = np.flatnonzero(np.arange(24) < MIRRORED_JOINTS)
    apart = (rest[pairs] - rest[MIRRORED_JOINTS[pairs]]) @ left
    check((apart > 0).all(), path, "left and right joints are exchanged, or the body doesn't stand upright")
    check(left[0] > 0.9, path, "the body doesn't face +z with its left at +x, as SMPL's template does")


def check(good: bool, path: Path, problem: str) -> None:
    """Raise `InputError` about a file of the body model unless it is ``good``."""
    if not good:
        raise InputError(f"{path}: {problem}; {REMEDY}")


def check_within(what: str, value: float, plausible: Plausible, path: Path) -> None:
    """Raise `InputError` about a file of the body model unless ``value`` is ``plausible``."""
    check(plausible.low <= value <= plausible.high, path, plausible.problem(what, value))
