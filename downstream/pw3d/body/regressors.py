"""The joint regressors below ``smpl/``, which give joints of a posed mesh. The order of joints is checked when read."""

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from downstream.pw3d.body.body_model import REMEDY, BodyArrays, body_folder, check, check_within, leftwards
from downstream.pw3d.files import REGRESSORS
from downstream.pw3d.plausible import WEIGHTS
from liftedcl.files.array_file import read_array
from liftedcl.skeletons.skeleton import JOINTS

_RIGHT_LEG, _LEFT_LEG = [1, 2, 3], [4, 5, 6]
_TRUNK = [0, 7, 8, 9, 10]
_LIMBS = {1: 2, 2: 5, 3: 8, 4: 1, 5: 4, 6: 7, 11: 16, 12: 18, 13: 20, 14: 17, 15: 19, 16: 21}
"""Rows of J_regressor_h36m that are joints of arms and legs, and the same joints in SMPL's tree."""

_EXTRA_UPWARDS = ((4, 6, 2, 3), (4, 6, 5, 8), (6, 7, 3))
"""Rows of J_regressor_extra, upwards: pelvis, spine, neck, top; pelvis, spine, thorax, head; and spine, jaw, top."""


@dataclass(frozen=True)
class Regressors:
    """Joints of a posed mesh: ``h36m`` (17, V), right leg in rows 1-3, and ``extra`` (9, V)."""

    h36m: np.ndarray
    extra: np.ndarray


def read_regressors(root: str | Path, body: BodyArrays) -> Regressors:
    """The regressors below ``root/smpl``; where their joints are on ``body`` shows which joints they are.

    A widespread J_regressor_h36m has the left leg in rows 1-3, where Human3.6M's joints have the right one. Its legs
    are exchanged here, and a message says so; every other order that isn't Human3.6M's is refused.

    Raises:
        InputError: a file is missing, damaged or of another mesh, or its rows are in another order.
    """
    folder, count = body_folder(root), len(body.v_template)
    path = folder / REGRESSORS["h36m"]
    h36m = _read_regressor(path, 17, count)
    exchanged = h36m.copy()
    exchanged[_RIGHT_LEG + _LEFT_LEG] = h36m[_LEFT_LEG + _RIGHT_LEG]
    if _misplaced(h36m, body) and not _misplaced(exchanged, body):
        h36m = exchanged
        print(f"{path}: the left leg is in rows 1-3; exchanged with rows 4-6 to Human3.6M's order", file=sys.stderr)
    wrong = ", ".join(f"{row} ({JOINTS[row]})" for row in _misplaced(h36m, body))
    check(not wrong, path, f"not in Human3.6M's order, these rows' joints are elsewhere on the body: {wrong}")
    path = folder / REGRESSORS["extra"]
    extra = _read_regressor(path, 9, count)
    sideways, heights = _on_body(extra, body)
    check(sideways[0] < 0 < sideways[1], path, "row 0 isn't the right hip and row 1 the left")
    upwards = all(heights[low] < heights[high] for rows in _EXTRA_UPWARDS for low, high in pairwise(rows))
    check(upwards, path, "rows 2-8 aren't neck, top of the head, pelvis, thorax, spine, jaw and head")
    return Regressors(h36m=h36m, extra=extra)


def _misplaced(h36m: np.ndarray, body: BodyArrays) -> list[int]:
    """Rows of J_regressor_h36m whose joints aren't where Human3.6M's are; none for one order of its rows alone.

    Each joint of a limb is nearer to its counterpart in the body's tree than to the limbs' other joints there. The
    trunk's joints are nearer to the middle than any of a limb, and follow each other upwards.
    """
    joints, tree = h36m @ body.v_template, body.J_regressor @ body.v_template
    rows, counterparts = list(_LIMBS), list(_LIMBS.values())
    nearest = np.linalg.norm(joints[rows][:, None] - tree[counterparts], axis=2).argmin(axis=1)
    wrong = {row for n, row in enumerate(rows) if nearest[n] != n}
    sideways, heights = _on_body(h36m, body)
    wrong |= {row for row in _TRUNK if abs(sideways[row]) >= np.abs(sideways[rows]).min()}
    wrong |= {row for low, high in pairwise(_TRUNK) if heights[low] >= heights[high] for row in (low, high)}
    return sorted(wrong)


def _on_body(regressor: np.ndarray, body: BodyArrays) -> tuple[np.ndarray, np.ndarray]:
    """How far its joints (J,) are to the left of the pelvis and how far above it, in metres."""
    tree = body.J_regressor @ body.v_template
    places, up = regressor @ body.v_template - tree[0], tree[15] - tree[0]
    return places @ leftwards(body), places @ up / np.linalg.norm(up)


def _read_regressor(path: Path, rows: int, count: int) -> np.ndarray:
    regressor = read_array(path, REMEDY)
    check(regressor.shape == (rows, count), path, f"is {regressor.shape}, not {(rows, count)} as the body's mesh needs")
    check(regressor.dtype.kind == "f" and np.isfinite(regressor).all(), path, "isn't finite floats")
    sums = regressor.sum(axis=1, dtype=np.float64)
    off = int(np.abs(sums - 1).argmax())
    check_within(f"the weights of row {off} sum to", float(sums[off]), WEIGHTS, path)
    return regressor.astype(np.float64)
