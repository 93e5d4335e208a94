"""The shapes that objects are built from: boxes, solids of revolution, ellipsoids, rings."""

from dataclasses import dataclass, replace

import numpy as np

from synthetic.people.accessories import ellipsoid, grid_faces
from synthetic.people.rotation import euler_to_matrix


@dataclass(frozen=True)
class Material:
    """``texture`` is mip-mapped or None; ``tint`` RGB in 0-255 multiplies it or is the colour; ``repeat`` is per m."""

    texture: np.ndarray | None
    tint: np.ndarray
    gloss: float = 0.0
    repeat: float = 1.0


@dataclass(frozen=True)
class Solid:
    """A mesh of one material: vertices (n, 3) in metres, ``uv`` (n, 2) in texture lengths, faces (F, 3)."""

    vertices: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    material: Material

    def placed(self, place: np.ndarray, yaw: float = 0.0, scale: float = 1.0) -> "Solid":
        """The solid scaled, turned by ``yaw`` degrees about the vertical and moved by ``place`` (3,)."""
        turn = euler_to_matrix(np.array([0.0, yaw, 0.0]))
        return replace(self, vertices=self.vertices * scale @ turn.T + place, uv=self.uv * scale)


def box(size: tuple[float, float, float], centre: tuple[float, float, float], material: Material) -> Solid:
    """A box of full ``size`` (x, y, z) about ``centre``; each side has its own normals."""
    half, vertices, uv, faces = np.array(size) / 2, [], [], []
    for axis in range(3):
        i, j = [(2, 1), (0, 2), (0, 1)][axis]
        for side in (-1, 1):
            for a, b in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
                corner = np.zeros(3)
                corner[axis], corner[i], corner[j] = side * half[axis], a * half[i], b * half[j]
                vertices.append(corner)
                uv.append((corner[i], -corner[j]))
            first = len(vertices) - 4
            faces += [(first, first + 1, first + 3), (first, first + 3, first + 2)]
    return Solid(np.array(vertices) + centre, np.array(uv) * material.repeat, np.array(faces), material)


def lathe(profile: np.ndarray, material: Material, columns: int = 20) -> Solid:
    """The solid of revolution of a profile (n, 2) of radius and height about the y axis."""
    angle = np.linspace(0, 2 * np.pi, columns + 1)
    radius, height = profile[:, 0, None], np.broadcast_to(profile[:, 1, None], (len(profile), columns + 1))
    vertices = np.stack([radius * np.cos(angle), height, radius * np.sin(angle)], -1).reshape(-1, 3)
    girth = max(1, round(2 * np.pi * profile[:, 0].max() * 1.2))
    uv = np.stack(np.broadcast_arrays(girth * angle[None] / (2 * np.pi), -height), -1).reshape(-1, 2)
    return Solid(vertices, uv * material.repeat, grid_faces(len(profile), columns + 1, closed=False), material)


def ball(radii: np.ndarray, centre: np.ndarray, material: Material) -> Solid:
    """An ellipsoid."""
    polar = np.linspace(0, np.pi, 13)
    unit = lathe(np.stack([np.sin(polar), np.cos(polar)], 1), material, 24)
    return replace(unit, vertices=unit.vertices * radii + centre)


def blob(rng: np.random.Generator, radii: np.ndarray, centre: np.ndarray, material: Material, rough: float) -> Solid:
    """A lumpy ellipsoid, for crowns of trees, bushes and stones."""
    unit = ellipsoid(14, 9)
    lumps = rng.normal(0, 1, (5, 3)) * 2.5
    bumps = 1 + rough * np.sin(unit @ lumps.T + rng.uniform(0, 6, 5)).mean(1, keepdims=True) * 2
    bumps = bumps + rough * 0.4 * rng.uniform(-1, 1, (len(unit), 1)) * (np.abs(unit[:, 1:2]) < 0.99)
    uv = np.stack([unit[:, 0] + unit[:, 2], -unit[:, 1]], 1) * radii.mean()
    return Solid(unit * bumps * radii + centre, uv * material.repeat, grid_faces(10, 14, closed=True), material)


def ring(radius: float, thickness: float, material: Material) -> Solid:
    """A torus lying on the ground."""
    around, across = np.linspace(0, 2 * np.pi, 25)[:, None], np.linspace(0, 2 * np.pi, 13)[None]
    reach = radius + thickness * np.cos(across)
    x, z, y = reach * np.cos(around), reach * np.sin(around), thickness * (1 + np.sin(across) + 0 * around)
    uv = np.stack(np.broadcast_arrays(around * radius, across * thickness), -1).reshape(-1, 2)
    vertices, faces = np.stack([x, y, z], -1).reshape(-1, 3), grid_faces(25, 13, closed=False)
    return Solid(vertices, uv * material.repeat, faces, material)


def legs(width: float, depth: float, height: float, thickness: float, material: Material) -> list[Solid]:
    """Four legs under a plate of ``width`` x ``depth`` at ``height``."""
    x, z = width / 2 - thickness, depth / 2 - thickness
    size = (thickness, height, thickness)
    return [box(size, (sx * x, height / 2, sz * z), material) for sx in (-1, 1) for sz in (-1, 1)]
