"""Deferred shading: light on a `Surface`, shadows, and the camera's response."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from synthetic.renderer.camera import Camera
from synthetic.renderer.environment import Light
from synthetic.renderer.surface import EMPTY, UNLIT, Surface

_SHADOW_BIAS_M = 0.03


class Lit(NamedTuple):
    """Light from everywhere and light that a shadow can take away, each (H, W, 3) float32 in 0-255; depth (H, W)."""

    ambient: np.ndarray
    direct: np.ndarray
    depth: np.ndarray


class ShadowMap(NamedTuple):
    """``nearest`` (n, n) distances along the light's ``axes`` (3, 3), ``scale`` cells a metre from ``origin`` (2,)."""

    nearest: np.ndarray
    axes: np.ndarray
    origin: np.ndarray
    scale: float


def lit_surface(surface: Surface, atlas: np.ndarray, light: Light, camera: Camera) -> Lit:
    """Light a surface; ``atlas`` (n, S, 3 S / 2, 3) holds the mip-mapped textures."""
    lit = Lit(np.zeros_like(surface.tint), np.zeros_like(surface.tint), surface.depth)
    _light(surface, atlas, light, camera, lit)
    return lit


@njit(cache=True)
def _sample(packed, u, v, footprint, colour):
    """Bilinear ``colour`` (3,) at (u, v) in texture lengths, of the reduction that fits the footprint."""
    size = packed.shape[0]
    level, side = 0, size
    texels = footprint * size * 0.75
    while texels > 1 and side > 1:
        texels *= 0.5
        side //= 2
        level += 1
    row0 = 0 if level <= 1 else size - 2 * side
    column0 = 0 if level == 0 else size
    a, b = (u % 1.0) * side, (v % 1.0) * side
    i, j = int(a), int(b)
    s, t = a - i, b - j
    i0, i1, j0, j1 = i % side, (i + 1) % side, j % side, (j + 1) % side
    for channel in range(3):
        top = packed[row0 + j0, column0 + i0, channel] * (1 - s) + packed[row0 + j0, column0 + i1, channel] * s
        low = packed[row0 + j1, column0 + i0, channel] * (1 - s) + packed[row0 + j1, column0 + i1, channel] * s
        colour[channel] = (top * (1 - t) + low * t) / 255.0


@njit(cache=True)
def _light(surface, atlas, light, camera, lit):
    texture, tint, normal, uv, footprint, gloss, _ = surface
    direction, ambient, sun = light.axes[2], light.ambient, light.sun
    from_all, direct, _ = lit
    view, _, focal, cx, cy, width, height = camera
    colour = np.ones(3)
    for row in range(height):
        for column in range(width):
            kind = texture[row, column]
            if kind == EMPTY:
                continue
            if kind == UNLIT:
                for channel in range(3):
                    from_all[row, column, channel] = tint[row, column, channel]
                continue
            colour[:] = 1.0
            if kind >= 0:
                _sample(atlas[kind], uv[row, column, 0], uv[row, column, 1], footprint[row, column], colour)
            nx, ny, nz = normal[row, column]
            # More light comes from the sky or the ceiling than from the floor.
            everywhere = 0.7 + 0.3 * (0.5 + 0.5 * ny)
            facing = max(0.0, -(nx * direction[0] + ny * direction[1] + nz * direction[2]))
            highlight = 0.0
            if gloss[row, column] > 0 and facing > 0:
                dx, dy = (column - cx) / focal, (row - cy) / focal
                wx = view[0, 0] * dx + view[0, 1] * dy + view[0, 2]
                wy = view[1, 0] * dx + view[1, 1] * dy + view[1, 2]
                wz = view[2, 0] * dx + view[2, 1] * dy + view[2, 2]
                w = math.sqrt(wx * wx + wy * wy + wz * wz)
                hx, hy, hz = -direction[0] - wx / w, -direction[1] - wy / w, -direction[2] - wz / w
                h = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
                highlight = 255 * facing * gloss[row, column] * max(0.0, (nx * hx + ny * hy + nz * hz) / h) ** 16
            for channel in range(3):
                albedo = tint[row, column, channel] * colour[channel]
                from_all[row, column, channel] = albedo * ambient[channel] * everywhere
                direct[row, column, channel] = (albedo * facing + highlight) * sun[channel]


@njit(cache=True)
def _lit_share(x, y, z, shadow):
    """Share of the distant light that reaches a point in the world, from 3 x 3 cells of the shadow map."""
    nearest, axes, origin, scale = shadow
    size = nearest.shape[0]
    a = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z - origin[0]) * scale
    b = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z - origin[1]) * scale
    if a < -1 or b < -1 or a > size or b > size:
        return 1.0
    distance = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
    column, row = math.floor(a + 0.5), math.floor(b + 0.5)
    lit = 0
    for j in range(row - 1, row + 2):
        for i in range(column - 1, column + 2):
            if i < 0 or j < 0 or i >= size or j >= size or distance < nearest[j, i] + _SHADOW_BIAS_M:
                lit += 1
    return lit / 9


@njit(cache=True)
def compose(background, figures, normal, seen, shadow, camera, out):
    """Put figures before the background and take away the shadowed light; fills ``out`` (H, W, 3).

    Args:
        background, figures: each a `Lit`.
        normal: (H, W, 3) of the figures.
        seen: a `Visible` of the figures; its depth becomes the background's where there are none.
    """
    ambient, direct, _ = figures
    triangle, _, depth = seen
    view, centre, focal, cx, cy, width, height = camera
    for row in range(height):
        for column in range(width):
            dx, dy = (column - cx) / focal, (row - cy) / focal
            figure = triangle[row, column] >= 0
            if not figure:
                depth[row, column] = background.depth[row, column]
            z = depth[row, column]
            point_x = centre[0] + (view[0, 0] * dx + view[0, 1] * dy + view[0, 2]) * z
            point_y = centre[1] + (view[1, 0] * dx + view[1, 1] * dy + view[1, 2]) * z
            point_z = centre[2] + (view[2, 0] * dx + view[2, 1] * dy + view[2, 2]) * z
            if figure:
                if direct[row, column, 0] == 0 and direct[row, column, 1] == 0 and direct[row, column, 2] == 0:
                    share = 0.0
                else:
                    nx, ny, nz = normal[row, column]
                    share = _lit_share(point_x + 0.02 * nx, point_y + 0.02 * ny, point_z + 0.02 * nz, shadow)
                for channel in range(3):
                    out[row, column, channel] = ambient[row, column, channel] + share * direct[row, column, channel]
            else:
                share = 1.0 if z > 500 else _lit_share(point_x, point_y, point_z, shadow)
                for channel in range(3):
                    # What casts a shadow also hides part of the sky, and so takes some of the light from everywhere.
                    from_all = background.ambient[row, column, channel] * (0.82 + 0.18 * share)
                    out[row, column, channel] = from_all + share * background.direct[row, column, channel]


@njit(cache=True)
def develop(linear, out, seed, noise, gain):
    """Camera response: ``gain`` (3,), noise of ``noise`` grey values, soft clipping; (H, W, 3) float -> uint8.

    ``seed`` is a non-zero uint64; the noise is a xorshift sequence (Marsaglia 2003), two draws summed.
    """
    height, width, _ = linear.shape
    state = seed
    for row in range(height):
        for column in range(width):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            bits = state
            for channel in range(3):
                first = np.float64(bits & np.uint64(0xFFF))
                second = np.float64((bits >> np.uint64(12)) & np.uint64(0xFFF))
                bits = bits >> np.uint64(7)
                value = linear[row, column, channel] * gain[channel] + ((first + second) / 4096 - 1) * noise
                if value > 225:
                    value = 225 + 30 * (1 - math.exp(-(value - 225) / 30))
                out[row, column, channel] = np.uint8(min(255.0, max(0.0, value)))
