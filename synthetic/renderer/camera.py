"""Pinhole cameras without distortion in a y-up world in metres."""

from typing import NamedTuple

import numpy as np

_NEAR_M = 0.05


class Camera(NamedTuple):
    """``rotation`` (3, 3) has the camera's right, down and forward axes as columns (camera to world).

    ``centre`` (3,) in metres; ``focal`` and principal point (``cx``, ``cy``) in pixels, pixel centres at integers.
    """

    rotation: np.ndarray
    centre: np.ndarray
    focal: float
    cx: float
    cy: float
    width: int
    height: int

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (n, 3) in the camera's frame: right, down, forward."""
        return (points - self.centre) @ self.rotation

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixel coordinates and depth (n, 3) of world points (n, 3)."""
        x, y, z = self.to_camera(points).T
        return np.stack([self.focal * x / z + self.cx, self.focal * y / z + self.cy, z], axis=1)

    def shows(self, projected: np.ndarray) -> np.ndarray:
        """Which of the projected points (n, 3: px and depth) are in the image, (n,) bool."""
        x, y, depth = projected.T
        return (depth > _NEAR_M) & (x >= 0) & (y >= 0) & (x <= self.width - 1) & (y <= self.height - 1)


def look_at(centre: np.ndarray, target: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """Rotation of a camera at ``centre`` that looks at ``target``, turned by ``roll`` radians about its axis."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward], axis=1)
    cosine, sine = np.cos(roll), np.sin(roll)
    return axes @ np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def four_around(rng: np.random.Generator, lowest: float, highest: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rotations and centres of a capture hall's four cameras, ``lowest`` to ``highest`` metres high."""
    places = []
    for azimuth in (45, 135, 225, 315):
        turn, distance = np.radians(azimuth + rng.uniform(-12, 12)), rng.uniform(4.2, 5.4)
        centre = np.array([distance * np.cos(turn), rng.uniform(lowest, highest), distance * np.sin(turn)])
        places.append((look_at(centre, np.array([0, 0.9, 0])), centre))
    return places
