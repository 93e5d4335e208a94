"""MPII's official annotation file in small: five pictures to train on, one of them empty, and one to test on."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat


def write_tiny_release(path: Path) -> Path:
    """Write the file ``path``; returns it."""
    unlabelled = {key: rect(8)[key] for key in ("scale", "objpos")}
    pictures = [
        ("a.jpg", structs([rect(1), rect(2, joints=[0, 9, 15])])),
        ("b.jpg", structs([rect(3)])),
        ("c.jpg", structs([rect(4), rect(5, joints=[])])),
        ("d.jpg", structs([rect(6, place=None)])),
        ("t.jpg", structs([unlabelled, unlabelled])),
        ("e.jpg", np.zeros((0, 0))),
    ]
    annolist = structs([{"image": {"name": name}, "annorect": people, "vidx": 1} for name, people in pictures])
    single = np.empty((6, 1), dtype=object)
    single[:, 0] = [np.array([[1], [2]]), 1, 1, 1, 2, np.zeros((0, 0))]
    content = {"annolist": annolist, "img_train": [[1, 1, 1, 1, 0, 1]], "version": "12", "single_person": single}
    savemat(path, {"RELEASE": content})
    return path


def structs(rows: list[dict[str, Any]]) -> np.ndarray:
    """A Matlab struct array (1, n) of rows with the same fields."""
    array = np.empty((1, len(rows)), dtype=[(key, object) for key in rows[0]])
    for i, row in enumerate(rows):
        array[0, i] = tuple(row.values())
    return array


def point(joint: int, x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y, "id": joint, "is_visible": "" if joint in (8, 9) else int(joint % 2)}


def rect(people: int, *, joints=range(16), place=(10.0, 20.0)) -> dict[str, Any]:
    """One person; ``people`` tells them apart."""
    points = [point(joint, 100.0 * people + joint, 50.0 + 2 * joint) for joint in joints]
    return {
        "x1": 1.0 * people, "y1": 2.0, "x2": 1.0 * people + 30, "y2": 42.0,
        "annopoints": {"point": structs(points)} if points else np.zeros((0, 0)),
        "scale": 1.5, "objpos": {"x": place[0] + people, "y": place[1]} if place else np.zeros((0, 0)),
    }  # fmt: skip
