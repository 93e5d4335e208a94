"""What each pixel shows, before light: filled here for people and props, in background.py for rooms and landscapes,
and lit in shading.py."""

from typing import NamedTuple

import numpy as np
from numba import njit

from synthetic.people import garments

UNLIT, UNTEXTURED, EMPTY = -3, -1, -2
"""Values of ``texture`` besides an index into the textures: shown as it is, colour only, nothing there."""
SKIN_COLOUR, HAIR_COLOUR, SHOE_COLOUR, HAT_COLOUR, SOCK_COLOUR, SCARF_COLOUR = range(6)
"""Rows of a person's palette."""


class Surface(NamedTuple):
    """H x W pixels: index of the ``texture``, ``tint`` RGB in 0-255 (multiplies it), unit ``normal``, ``uv`` in texture
    lengths, ``footprint`` in texture lengths a pixel, ``gloss`` of the highlight, ``depth`` along the view axis."""

    texture: np.ndarray
    tint: np.ndarray
    normal: np.ndarray
    uv: np.ndarray
    footprint: np.ndarray
    gloss: np.ndarray
    depth: np.ndarray


class Looks(NamedTuple):
    """``outfits`` (persons,) of dtype OUTFIT, ``palettes`` (persons, 6, 3), ``cloth`` (persons, 2) and ``prop_texture``
    (props,) indices of textures, ``prop_tint`` (props, 3), ``prop_gloss`` (props,)."""

    outfits: np.ndarray
    palettes: np.ndarray
    cloth: np.ndarray
    prop_texture: np.ndarray
    prop_tint: np.ndarray
    prop_gloss: np.ndarray


def empty_surface(height: int, width: int) -> Surface:
    return Surface(
        np.full((height, width), EMPTY, np.int16),
        *(np.empty((height, width, channels), np.float32) for channels in (3, 3, 2)),
        *(np.zeros((height, width), np.float32) for _ in range(3)),
    )


@njit(cache=True)
def _smooth(field, u, v, channel):
    """Bilinear value of a tileable (n, n, channels) field at (u, v) in cells; n a power of two."""
    mask = field.shape[0] - 1
    a, b = u + 65536.0, v + 65536.0
    i, j = int(a), int(b)
    s, t = a - i, b - j
    i0, i1, j0, j1 = i & mask, (i + 1) & mask, j & mask, (j + 1) & mask
    top = field[j0, i0, channel] * (1 - s) + field[j0, i1, channel] * s
    return top * (1 - t) + (field[j1, i0, channel] * (1 - s) + field[j1, i1, channel] * s) * t


@njit(cache=True)
def _garment_texture(label):
    """0: the upper garment's texture, 1: the lower garment's, -1: the palette."""
    if label in (garments.UPPER_CLOTHES, garments.DRESS, garments.COAT, garments.JUMPSUIT):
        return 0
    if label in (garments.PANTS, garments.SKIRT):
        return 1
    return -1


@njit(cache=True)
def _is_skin(label):
    return label == garments.FACE or garments.LEFT_ARM <= label <= garments.RIGHT_LEG


@njit(cache=True)
def _palette_row(label):
    if label == garments.HAIR:
        return HAIR_COLOUR
    if label in (garments.LEFT_SHOE, garments.RIGHT_SHOE):
        return SHOE_COLOUR
    if label == garments.HAT:
        return HAT_COLOUR
    if label == garments.SOCKS:
        return SOCK_COLOUR
    if label in (garments.SCARF, garments.GLOVE):
        return SCARF_COLOUR
    return SKIN_COLOUR


@njit(cache=True)
def _face_feature(x, y, z, outfit):
    """0: skin, 1: white of an eye, 2: iris, 3: brow, 4: lips, at T-pose coordinates of the face."""
    if z < outfit.hair_depth + 0.018:
        return 0
    across, up = abs(x) - 0.031, y - outfit.eyes
    if across * across + up * up < 0.000032:
        return 2
    if across * across * 1.2 + up * up * 4 < 0.00016:
        return 1
    if abs(up - 0.021) < 0.004 and abs(across) < 0.018:
        return 3
    if abs(up + 0.066) < 0.0055 and abs(x) < 0.023:
        return 4
    return 0


@njit(cache=True)
def _colour(label, x, y, z, palette, outfit, relief):
    """RGB of a person's pixel that shows no cloth, how deep its folds are, and its gloss."""
    shade, dark = palette[_palette_row(label)], palette[HAIR_COLOUR]
    red, green, blue = shade[0], shade[1], shade[2]
    if label == garments.SUNGLASSES:
        return 18.0, 18.0, 22.0, 0.0, 0.5
    if label == garments.HAIR:
        strand = 0.62 + 0.7 * _smooth(relief, x * 900, y * 90 + z * 60, 0)
        return red * strand, green * strand, blue * strand, 0.0, 0.1
    if label in (garments.LEFT_SHOE, garments.RIGHT_SHOE):
        return red, green, blue, 0.0, 0.12
    if not _is_skin(label):
        return red, green, blue, 0.3, 0.0
    feature = _face_feature(x, y, z, outfit) if label == garments.FACE else 0
    if feature == 1:
        red, green, blue = 215.0, 212.0, 208.0
    elif feature == 2:
        red, green, blue = 40.0, 30.0, 26.0
    elif feature == 3:
        red, green, blue = 0.5 * red + 0.5 * dark[0], 0.5 * green + 0.5 * dark[1], 0.5 * blue + 0.5 * dark[2]
    elif feature == 4:
        red, green, blue = red * 0.88, green * 0.62, blue * 0.62
    return red, green, blue, 0.0, 0.1


@njit(cache=True)
def fill_figures(surface, seen, meshes, normals, truth, looks, relief, camera):
    """Fill a `Surface` where ``seen``, a `Visible`, shows people and props. ``normals`` (V, 3) belong to ``meshes``."""
    texture, tint, normal, uv, footprint, gloss, _ = surface
    view, _, focal, cx, cy, width, height = camera
    for row in range(height):
        for column in range(width):
            t = seen.triangle[row, column]
            if t < 0:
                continue
            w0, w1 = seen.barycentric[row, column, 0], seen.barycentric[row, column, 1]
            w2 = 1 - w0 - w1
            a, b, c = meshes.faces[t, 0], meshes.faces[t, 1], meshes.faces[t, 2]
            nx = w0 * normals[a, 0] + w1 * normals[b, 0] + w2 * normals[c, 0]
            ny = w0 * normals[a, 1] + w1 * normals[b, 1] + w2 * normals[c, 1]
            nz = w0 * normals[a, 2] + w1 * normals[b, 2] + w2 * normals[c, 2]
            x, y, z = truth.point[row, column]
            owner, pixel = meshes.owner[t], seen.depth[row, column] / focal
            if owner > 0:
                label, joint = truth.label[row, column], truth.part[row, column] - 1
                on_arm = joint >= 16 or joint == 13 or joint == 14
                u, v = x + 0.6 * z, -y
                if on_arm:
                    u, v = y + 0.7 * z, x
                garment = _garment_texture(label)
                if garment >= 0:
                    texture[row, column] = looks.cloth[owner - 1, garment]
                    opening = label == garments.COAT and abs(x) < 0.012 and z > 0 and not on_arm
                    red = green = blue = 100.0 if opening else 255.0
                    fold, shine = 0.55, 0.0
                else:
                    texture[row, column] = UNTEXTURED
                    palette, outfit = looks.palettes[owner - 1], looks.outfits[owner - 1]
                    red, green, blue, fold, shine = _colour(label, x, y, z, palette, outfit, relief)
                gloss[row, column] = shine
                if fold > 0:
                    nx += fold * _smooth(relief, u * 75, v * 75, 1)
                    ny += fold * _smooth(relief, u * 75, v * 75, 2)
                    nz += 0.5 * fold * _smooth(relief, v * 60, u * 60, 1)
                fine, coarse = (0.05, 0.03) if _is_skin(label) else (0.14, 0.1)
                amount = 1 - fine - coarse + 2 * fine * _smooth(relief, u * 420, v * 420, 0)
                amount += 2 * coarse * _smooth(relief, u * 80, v * 55, 0)
                tint[row, column, 0] = red * amount
                tint[row, column, 1] = green * amount
                tint[row, column, 2] = blue * amount
                uv[row, column, 0], uv[row, column, 1] = u * 1.7, v * 1.7
                footprint[row, column] = pixel * 1.7
            else:
                prop = -owner - 1
                texture[row, column] = looks.prop_texture[prop]
                for channel in range(3):
                    tint[row, column, channel] = looks.prop_tint[prop, channel]
                uv[row, column, 0], uv[row, column, 1] = x, y
                footprint[row, column] = pixel
                gloss[row, column] = looks.prop_gloss[prop]
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            dx, dy = (column - cx) / focal, (row - cy) / focal
            facing = (
                nx * (view[0, 0] * dx + view[0, 1] * dy + view[0, 2])
                + ny * (view[1, 0] * dx + view[1, 1] * dy + view[1, 2])
                + nz * (view[2, 0] * dx + view[2, 1] * dy + view[2, 2])
            )
            # Garments are sheets: their back is lit like their front.
            if facing > 0:
                length = -length
            normal[row, column, 0], normal[row, column, 1] = nx / length, ny / length
            normal[row, column, 2] = nz / length
