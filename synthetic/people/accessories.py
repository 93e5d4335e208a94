"""Meshes in the T-pose that come on top of the body's own surface: skirts, long hair, buns and the brims of hats."""

from dataclasses import dataclass

import numpy as np

from synthetic.people import garments
from synthetic.people.body import HEAD, SPINE2, SPINE3, Body

_SKIRT_ROWS, _SKIRT_COLUMNS = 12, 24


@dataclass(frozen=True)
class Piece:
    """Vertices and T-pose coordinates (n, 3), skinning weights (n, 24), faces (F, 3); ``label`` -1: `garment_at`'s."""

    vertices: np.ndarray
    canonical: np.ndarray
    weights: np.ndarray
    faces: np.ndarray
    label: int


def grid_faces(rows: int, columns: int, *, closed: bool) -> np.ndarray:
    """Triangles of a grid of vertices, row by row; ``closed`` joins the last column to the first."""
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    a = (row * columns + column).ravel()
    b = (row * columns + (column + 1) % columns).ravel()
    return np.concatenate([np.stack([a, b, b + columns], 1), np.stack([a, b + columns, a + columns], 1)])


def skirt(body: Body, skin: np.ndarray, joints: np.ndarray, outfit: np.ndarray, rng: np.random.Generator) -> Piece:
    """A tube from the waist to the hem that widens downwards; it follows the thighs and, below the knee, the shins."""
    is_dress = outfit["kind"] == garments.WITH_DRESS
    scale = np.ptp(skin[:, 1]) / np.ptp(body.v_template[:, 1])
    waist_y = joints[SPINE2, 1] * 0.6 if is_dress else max(outfit["waist"], -0.02) * scale
    hem_y, hip_y, knee_y = outfit["hem"] * scale, joints[1, 1] - 0.04, joints[4, 1]
    trunk = np.abs(skin[:, 0]) < 0.28
    waist = skin[trunk & (np.abs(skin[:, 1] - waist_y) < 0.04)]
    hips = skin[trunk & (skin[:, 1] < waist_y + 0.05) & (skin[:, 1] > joints[1, 1] - 0.08)]
    flare = rng.uniform(1.05, 1.6)

    y = np.linspace(waist_y, hem_y, _SKIRT_ROWS)[:, None]
    above = np.clip((waist_y - y) / (waist_y - hip_y + 1e-6), 0, 1)
    above = above * above * (3 - 2 * above)
    below = 1 + (flare - 1) * np.clip((hip_y - y) / (hip_y - hem_y + 1e-6), 0, 1)
    half_width = _mix(np.abs(waist[:, 0]).max() + 0.012, np.abs(hips[:, 0]).max() * 1.04 + 0.004, above) * below
    half_depth = _mix(np.ptp(waist[:, 2]) / 2 + 0.016, np.ptp(hips[:, 2]) / 2 * 1.1 + 0.004, above) * below
    middle = _mix(waist[:, 2].mean(), hips[:, 2].mean(), above)
    angle = np.linspace(0, 2 * np.pi, _SKIRT_COLUMNS, endpoint=False)[None]
    folds = 1 + 0.05 * (below - 1) / (flare - 1 + 1e-6) * np.cos(rng.integers(5, 9) * angle + rng.uniform(0, 6))
    x, z = half_width * np.cos(angle) * folds, middle + half_depth * np.sin(angle) * folds
    vertices = np.stack([x, np.broadcast_to(y, x.shape), z], -1).reshape(-1, 3)

    legs = np.clip((hip_y + 0.05 - vertices[:, 1]) / 0.18, 0, 0.92)
    shins = legs * np.clip((knee_y + 0.03 - vertices[:, 1]) / 0.12, 0, 0.9)
    left = 1 / (1 + np.exp(-vertices[:, 0] / 0.05))
    weights = np.zeros((len(vertices), 24))
    weights[:, 0] = 1 - legs
    weights[:, 1], weights[:, 2] = (legs - shins) * left, (legs - shins) * (1 - left)
    weights[:, 4], weights[:, 5] = shins * left, shins * (1 - left)
    label = garments.DRESS if is_dress else garments.SKIRT
    faces = grid_faces(_SKIRT_ROWS, _SKIRT_COLUMNS, closed=True)
    return Piece(vertices, vertices / scale, weights, faces, label)


def long_hair(head: np.ndarray, rng: np.random.Generator) -> Piece:
    """A curtain round the back of the head (n, 3); its top moves with the head, its bottom with the back."""
    centre, half_width, half_depth = head.mean(0), np.ptp(head[:, 0]) / 2, np.ptp(head[:, 2]) / 2
    row = np.linspace(0, 1, 8)[:, None]
    angle = np.linspace(-0.15 * np.pi, 1.15 * np.pi, 14)[None]
    length = rng.uniform(0.11, 0.32)
    wave = 1 + 0.04 * np.cos(9 * angle + rng.uniform(0, 6)) * row
    x = centre[0] + np.cos(angle) * (half_width + 0.014 + 0.02 * row) * wave
    z = centre[2] - 0.01 - np.sin(angle) * (half_depth * 0.85 + 0.01 + 0.024 * row) * wave
    y = head[:, 1].max() - 0.066 - (0.094 + length) * row + 0.012 * np.cos(5 * angle) * row
    vertices = np.stack([x, y, z], -1).reshape(-1, 3)
    weights = np.zeros((len(vertices), 24))
    weights[:, HEAD] = 1 - 0.45 * np.repeat(row.ravel(), 14)
    weights[:, SPINE3] = 1 - weights[:, HEAD]
    return Piece(vertices, vertices, weights, grid_faces(8, 14, closed=False), garments.HAIR)


def bun(head: np.ndarray) -> Piece:
    """A knot of hair behind the crown of the head (n, 3)."""
    centre = np.array([head[:, 0].mean(), head[:, 1].max() - 0.06, head[:, 2].min() - 0.012])
    return _on_head(ellipsoid(8, 6) * 0.042 + centre, grid_faces(7, 8, closed=True), garments.HAIR)


def brim(head: np.ndarray, height: float, rng: np.random.Generator) -> Piece:
    """The peak of a cap or the brim of a hat, a fan at ``height`` round the head (n, 3)."""
    centre, half_width, half_depth = head.mean(0), np.ptp(head[:, 0]) / 2, np.ptp(head[:, 2]) / 2
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    all_round = rng.random() < 0.4
    wide = np.full(20, 1.55) if all_round else np.where(np.sin(angle) > 0.3, 1.8, 1.1)
    x = centre[0] + np.cos(angle) * half_width * (1.55 if all_round else 1.12)
    z = centre[2] + np.sin(angle) * half_depth * wide
    rim = np.stack([x, np.where(wide > 1.2, height - 0.008, height), z], 1)
    vertices = np.concatenate([[[centre[0], height, centre[2]]], rim])
    corner = np.arange(20)
    faces = np.stack([np.zeros(20, int), 1 + corner, 1 + (corner + 1) % 20], 1)
    return _on_head(vertices, faces, garments.HAT)


def ellipsoid(columns: int, rows: int) -> np.ndarray:
    """Unit sphere as a grid of (rows + 1) x columns points, poles up and down. Shape (n, 3)."""
    polar, around = np.linspace(0, np.pi, rows + 1)[:, None], np.arange(columns)[None] * 2 * np.pi / columns
    x, z = np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around)
    return np.stack([x, np.broadcast_to(np.cos(polar), x.shape), z], -1).reshape(-1, 3)


def _on_head(vertices: np.ndarray, faces: np.ndarray, label: int) -> Piece:
    weights = np.zeros((len(vertices), 24))
    weights[:, HEAD] = 1
    return Piece(vertices, vertices, weights, faces, label)


def _mix(start: float, end: float, share: np.ndarray) -> np.ndarray:
    return start + (end - start) * share
