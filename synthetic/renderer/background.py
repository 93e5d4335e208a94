"""Rooms and open ground: one ray a pixel meets the planes of a box, or the ground before a painted horizon."""

import math

import numpy as np
from numba import njit

from synthetic.renderer.panorama import HIGHEST, LOWEST
from synthetic.renderer.surface import UNLIT, UNTEXTURED

FAR_M = 70.0
"""Open ground ends here; the painted horizon lies beyond it."""
_FRAME_M = 0.05


@njit(cache=True)
def _hit(origin, direction, indoor, half_extent):
    """The plane that a ray meets first (0 floor, 1 ceiling, 2/3 wall at +x/-x, 4/5 at +z/-z, -1 none), its distance."""
    plane, best = -1, 1e9
    if direction[1] < -1e-6:
        plane, best = 0, -origin[1] / direction[1]
    elif direction[1] > 1e-6 and indoor:
        plane, best = 1, (half_extent[1] - origin[1]) / direction[1]
    if indoor:
        for axis in (0, 2):
            if abs(direction[axis]) > 1e-6:
                wall = half_extent[axis] if direction[axis] > 0 else -half_extent[axis]
                distance = (wall - origin[axis]) / direction[axis]
                if 0 < distance < best:
                    best = distance
                    plane = 2 + axis + (0 if direction[axis] > 0 else 1)
    return plane, best


@njit(cache=True)
def _patch(relief, u, v):
    """Bilinear brightness noise at (u, v) in cells."""
    mask = relief.shape[0] - 1
    i, j = math.floor(u), math.floor(v)
    s, t = u - i, v - j
    i0, i1, j0, j1 = i & mask, (i + 1) & mask, j & mask, (j + 1) & mask
    near = relief[j0, i0, 0] * (1 - s) + relief[j0, i1, 0] * s
    return near * (1 - t) + (relief[j1, i0, 0] * (1 - s) + relief[j1, i1, 0] * s) * t


@njit(cache=True)
def _horizon(panorama, direction, colour):
    """Bilinear colour (3,) of the painted horizon in a direction."""
    rows, columns = panorama.shape[0], panorama.shape[1]
    flat = math.sqrt(direction[0] ** 2 + direction[2] ** 2)
    elevation = math.atan2(direction[1], flat)
    a = (HIGHEST - elevation) / (HIGHEST - LOWEST) * (rows - 1)
    a = min(max(a, 0.0), rows - 1.001)
    b = (math.atan2(direction[0], direction[2]) / (2 * math.pi) + 0.5) * columns
    i, j = int(a), int(b)
    s, t = a - i, b - j
    j0, j1 = j % columns, (j + 1) % columns
    for channel in range(3):
        top = panorama[i, j0, channel] * (1 - t) + panorama[i, j1, channel] * t
        low = panorama[i + 1, j0, channel] * (1 - t) + panorama[i + 1, j1, channel] * t
        colour[channel] = top * (1 - s) + low * s


@njit(cache=True)
def _room_brightness(plane, x, y, z, half_extent):
    """Brightness (0-255) of a point of a room's plane: corners get less light, and skirting boards are dark."""
    to_side, to_end, to_level = half_extent[0] - abs(x), half_extent[2] - abs(z), min(y, half_extent[1] - y)
    if plane <= 1:
        gap = min(to_side, to_end)
    elif plane <= 3:
        gap = min(to_end, to_level)
    else:
        gap = min(to_side, to_level)
    bright = 255.0 * (1 - 0.38 * math.exp(-gap / 0.35))
    return bright * 0.72 if plane >= 2 and y < 0.09 else bright


@njit(cache=True)
def fill_background(surface, place, camera):
    """Fill a `Surface` with what the camera sees of a `Place` without people and props."""
    texture, tint, normal, uv, footprint, _, depth = surface
    indoor, half_extent, plane_texture, plane_scale, decals, panorama, relief = place
    view, origin, focal, cx, cy, width, height = camera
    direction = np.empty(3)
    for row in range(height):
        for column in range(width):
            dx, dy = (column - cx) / focal, (row - cy) / focal
            for axis in range(3):
                direction[axis] = view[axis, 0] * dx + view[axis, 1] * dy + view[axis, 2]
            plane, distance = _hit(origin, direction, indoor, half_extent)
            if plane < 0 or distance > FAR_M:
                _horizon(panorama, direction, tint[row, column])
                texture[row, column] = UNLIT
                depth[row, column] = 1000.0
                continue
            x = origin[0] + direction[0] * distance
            y = origin[1] + direction[1] * distance
            z = origin[2] + direction[2] * distance
            normal[row, column, 0] = normal[row, column, 1] = normal[row, column, 2] = 0.0
            if plane <= 1:
                u, v = x, z
                normal[row, column, 1] = 1.0 if plane == 0 else -1.0
                slope = abs(direction[1])
            elif plane <= 3:
                u, v = z, -y
                normal[row, column, 0] = -1.0 if plane == 2 else 1.0
                slope = abs(direction[0])
            else:
                u, v = x, -y
                normal[row, column, 2] = -1.0 if plane == 4 else 1.0
                slope = abs(direction[2])
            scale = plane_scale[plane]
            texture[row, column] = plane_texture[plane]
            uv[row, column, 0], uv[row, column, 1] = u * scale, v * scale
            # On a slanted plane, a mean of the long and the short side of the pixel's footprint.
            footprint[row, column] = distance / focal * scale / math.sqrt(max(slope, 0.02))
            depth[row, column] = distance
            if indoor:
                bright = _room_brightness(plane, x, y, z, half_extent)
            else:  # large patches of light and dark hide that the ground's texture repeats
                bright = 255.0 * (0.7 + 0.6 * _patch(relief, x * 4, z * 4))
            for channel in range(3):
                tint[row, column, channel] = bright
            for k in range(len(decals)):
                d = decals[k]
                if int(d[0]) != plane or u < d[1] or u > d[2] or -v < d[3] or -v > d[4]:
                    continue
                edge = min(min(u - d[1], d[2] - u), min(-v - d[3], d[4] + v))
                shade = d[6] if edge > _FRAME_M else d[7]
                texture[row, column] = int(d[5]) if edge > _FRAME_M else UNTEXTURED
                wide, high = d[2] - d[1], d[4] - d[3]
                if d[8] > 0:
                    uv[row, column, 0], uv[row, column, 1] = u * d[8], v * d[8]
                    footprint[row, column] *= d[8] / scale
                else:
                    uv[row, column, 0], uv[row, column, 1] = (u - d[1]) / wide, (d[4] + v) / high
                    footprint[row, column] /= scale * max(wide, high)
                for channel in range(3):
                    tint[row, column, channel] = shade * bright / 255.0
                on_cross = abs(u - 0.5 * (d[1] + d[2])) < 0.025 or abs(v + 0.5 * (d[3] + d[4])) < 0.025
                if int(d[5]) == UNLIT and on_cross:
                    texture[row, column] = UNTEXTURED
                    for channel in range(3):
                        tint[row, column, channel] = d[7]
