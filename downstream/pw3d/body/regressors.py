"""The joint regressors below ``smpl/``, which give joints of a posed mesh. The order of joints is checked when read."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.pw3d.body.body_model import REMEDY, BodyArrays, body_folder, check, leftwards
from downstream.pw3d.files import REGRESSORS
from liftedcl.identity.errors import InputError

_RIGHT_LEG, _LEFT_LEG, _LEFT_ARM, _RIGHT_ARM = [1, 2, 3], [4, 5, 6], [11, 12, 13], [14, 15, 16]


@dataclass(frozen=True)
class Regressors:
    """Joints of a posed mesh: ``h36m`` (17, V), right leg in rows 1-3, and ``extra`` (9, V)."""

    h36m: np.ndarray
    extra: np.ndarray


def read_regressors(root: str | Path, body: BodyArrays) -> Regressors:
    """The regressors below ``root/smpl``; where their joints are on ``body`` shows which are left and which right.

    A widespread J_regressor_h36m has the left leg in rows 1-3, where Human3.6M's joints have the right one. Its legs
    are exchanged here, and a message says so; every other order that isn't Human3.6M's is refused.

    Raises:
        InputError: a file is missing, damaged or of another mesh, or left and right are exchanged.
    """
    folder, count = body_folder(root), len(body.v_template)
    path = folder / REGRESSORS["h36m"]
    h36m, left = _read_regressor(path, 17, count), leftwards(body)
    legs = _on_left(h36m, body, left, _LEFT_LEG, _RIGHT_LEG)
    check(_on_left(h36m, body, left, _LEFT_ARM, _RIGHT_ARM) is True, path, "rows 11-13 aren't the left arm")
    check(legs is not None, path, "rows 1-3 and 4-6 aren't one leg each")
    if legs is False:
        h36m[_RIGHT_LEG + _LEFT_LEG] = h36m[_LEFT_LEG + _RIGHT_LEG]
        print(f"{path}: the left leg is in rows 1-3; exchanged with rows 4-6 to Human3.6M's order", file=sys.stderr)
    path = folder / REGRESSORS["extra"]
    extra = _read_regressor(path, 9, count)
    check(_on_left(extra, body, left, [1], [0]) is True, path, "row 0 isn't the right hip and row 1 the left")
    return Regressors(h36m=h36m, extra=extra)


def _on_left(
    regressor: np.ndarray, body: BodyArrays, left: np.ndarray, first: list[int], second: list[int]
) -> bool | None:
    """Whether each row of ``first`` is left of its row of ``second``; None when only some are."""
    places = regressor @ body.v_template @ left
    sides = set((places[first] > places[second]).tolist())
    return sides.pop() if len(sides) == 1 else None


def _read_regressor(path: Path, rows: int, count: int) -> np.ndarray:
    try:
        regressor = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {REMEDY}") from None
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path}: not a plain array ({error}); {REMEDY}") from None
    good = isinstance(regressor, np.ndarray) and regressor.shape == (rows, count)
    check(good, path, f"is {getattr(regressor, 'shape', 'no array')}, not {(rows, count)} as the body's mesh needs")
    check(regressor.dtype.kind == "f" and np.isfinite(regressor).all(), path, "isn't finite floats")
    return regressor.astype(np.float64)
