"""The visibility buffer: a z-buffer over triangles with perspective-correct barycentrics, and a shadow map."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

NEAR_M, FAR_M = 0.05, 1e9
"""Triangles with a corner nearer than the first are not drawn; the second is the depth where there is nothing."""


class Visible(NamedTuple):
    """The index of the ``triangle`` at each of H x W pixels (-1: none), its first two ``barycentric`` weights (2,),
    and its ``depth`` along the view axis in metres."""

    triangle: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray


def nothing_visible(height: int, width: int) -> Visible:
    """An empty buffer, to draw into."""
    return Visible(
        np.full((height, width), -1, np.int32),
        np.zeros((height, width, 2), np.float32),
        np.full((height, width), FAR_M, np.float32),
    )


@njit(cache=True)
def rasterise(points, faces, camera, seen):
    """Draw faces (F, 3) over points (V, 3) in the camera's frame into ``seen``, a `Visible`."""
    focal, cx, cy = camera.focal, camera.cx, camera.cy
    triangle, barycentric, depth = seen
    height, width = depth.shape
    u, v = np.empty(len(points)), np.empty(len(points))
    for i in range(len(points)):
        if points[i, 2] > NEAR_M:
            u[i] = focal * points[i, 0] / points[i, 2] + cx
            v[i] = focal * points[i, 1] / points[i, 2] + cy
    for t in range(len(faces)):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        if points[a, 2] <= NEAR_M or points[b, 2] <= NEAR_M or points[c, 2] <= NEAR_M:
            continue
        first_column = max(0, math.ceil(min(u[a], u[b], u[c])))
        last_column = min(width - 1, math.floor(max(u[a], u[b], u[c])))
        first_row = max(0, math.ceil(min(v[a], v[b], v[c])))
        last_row = min(height - 1, math.floor(max(v[a], v[b], v[c])))
        if first_column > last_column or first_row > last_row:
            continue
        area = (v[b] - v[c]) * (u[a] - u[c]) + (u[c] - u[b]) * (v[a] - v[c])
        if abs(area) < 1e-9:
            continue
        ia, ib, ic = 1 / points[a, 2], 1 / points[b, 2], 1 / points[c, 2]
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                w0 = ((v[b] - v[c]) * (column - u[c]) + (u[c] - u[b]) * (row - v[c])) / area
                if w0 < 0:
                    continue
                w1 = ((v[c] - v[a]) * (column - u[c]) + (u[a] - u[c]) * (row - v[c])) / area
                if w1 < 0 or w0 + w1 > 1:
                    continue
                z = 1 / (w0 * ia + w1 * ib + (1 - w0 - w1) * ic)
                if z < depth[row, column]:
                    depth[row, column] = z
                    triangle[row, column] = t
                    barycentric[row, column, 0] = w0 * ia * z
                    barycentric[row, column, 1] = w1 * ib * z


@njit(cache=True)
def fill_shadow_map(points, faces, nearest):
    """Fill a depth map as the light sees it; points (V, 3) are column, row, and distance along the light."""
    size = nearest.shape[0]
    for t in range(len(faces)):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        ax, ay, bx, by = points[a, 0], points[a, 1], points[b, 0], points[b, 1]
        cx, cy = points[c, 0], points[c, 1]
        area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
        if abs(area) < 1e-12:
            continue
        for row in range(max(0, math.ceil(min(ay, by, cy))), min(size - 1, math.floor(max(ay, by, cy))) + 1):
            first_column = max(0, math.ceil(min(ax, bx, cx)))
            last_column = min(size - 1, math.floor(max(ax, bx, cx)))
            for column in range(first_column, last_column + 1):
                w0 = ((by - cy) * (column - cx) + (cx - bx) * (row - cy)) / area
                w1 = ((cy - ay) * (column - cx) + (ax - cx) * (row - cy)) / area
                if w0 < 0 or w1 < 0 or w0 + w1 > 1:
                    continue
                distance = w0 * points[a, 2] + w1 * points[b, 2] + (1 - w0 - w1) * points[c, 2]
                if distance < nearest[row, column]:
                    nearest[row, column] = distance
