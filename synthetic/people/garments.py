"""Which garment covers a point of the body: a rule on T-pose coordinates, so part labels are exact at any resolution.

Labels are LIP's twenty classes (Liang et al. 2018); left and right are the person's own.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

(
    BACKGROUND, HAT, HAIR, GLOVE, SUNGLASSES, UPPER_CLOTHES, DRESS, COAT, SOCKS, PANTS, JUMPSUIT, SCARF, SKIRT, FACE,
    LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG, LEFT_SHOE, RIGHT_SHOE,
) = range(20)  # fmt: skip

TROUSERS, WITH_SKIRT, WITH_DRESS, WITH_JUMPSUIT = range(4)
"""Values of ``kind``."""

OUTFIT = np.dtype(
    [
        *((name, np.int64) for name in ("kind", "hat", "gloves", "sunglasses", "scarf", "coat")),
        *((name, np.float64) for name in ("sleeve", "hem", "waist", "neckline", "sock")),
        *((name, np.float64) for name in ("wrist", "neck", "shoe", "eyes", "hairline", "hair_depth")),
    ]
)
"""One outfit. Lengths are metres in the T-pose of the mean shape (origin at the pelvis, y up, z forward):

``sleeve``: |x| where sleeves end; ``hem``: y where trousers, skirt or dress end; ``waist``: y of the border between
top and trousers; ``neckline``: how deep it is cut; ``sock``, ``shoe``: y of their upper edge; ``wrist``: |x| where
gloves begin; ``neck``, ``eyes``: their y; ``hairline``: y above which there is hair all round; ``hair_depth``: z
behind which there is hair.
"""


@njit(cache=True)
def garment_at(x, y, z, part, outfit):
    """Label of the T-pose point (x, y, z) that the joint ``part`` moves."""
    top = COAT if outfit.coat > 0 else UPPER_CLOTHES
    if outfit.kind == WITH_DRESS:
        top = DRESS
    if outfit.kind == WITH_JUMPSUIT:
        top = JUMPSUIT
    left, neck, waist = x > 0, outfit.neck, outfit.waist - (0.094 if outfit.coat > 0 else 0.0)
    if part == 15 or (part == 12 and y > neck + 0.028):
        if y > outfit.hairline:
            return HAT if outfit.hat > 0 else HAIR
        if z < outfit.hair_depth - max(0.0, outfit.eyes - y) * 0.5 and y > neck + 0.056:
            return HAIR
        if outfit.sunglasses > 0 and abs(y - outfit.eyes) < 0.016 and z > outfit.hair_depth:
            return SUNGLASSES
        return FACE
    if part == 12 or ((part == 9 or part == 13 or part == 14) and y > neck - 0.047):
        if outfit.scarf > 0 and y > neck - 0.056:
            return SCARF
        cut = outfit.neckline if z > 0 else 0.3 * outfit.neckline
        return FACE if y > neck - 0.033 - cut + 0.5 * abs(x) else top
    if part == 9 and z > 0 and y > neck - 0.033 - outfit.neckline + 1.2 * abs(x):
        return FACE
    if part == 13 or part == 14 or part >= 16:
        if abs(x) < outfit.sleeve:
            return top
        if outfit.gloves > 0 and abs(x) > outfit.wrist:
            return GLOVE
        return LEFT_ARM if left else RIGHT_ARM
    if part == 0 or part == 3 or part == 6 or part == 9:
        if outfit.kind >= WITH_DRESS or y > waist:
            return top
        return SKIRT if outfit.kind == WITH_SKIRT else PANTS
    if (part == 1 or part == 2) and outfit.kind <= WITH_SKIRT and y > waist:
        return top
    if part >= 7 and y < outfit.shoe:
        return LEFT_SHOE if left else RIGHT_SHOE
    if y < outfit.sock:
        return SOCKS
    if y > outfit.hem:
        # A thigh that comes through its skirt passes for the skirt.
        if outfit.kind == TROUSERS:
            return PANTS
        return SKIRT if outfit.kind == WITH_SKIRT else top
    return LEFT_LEG if left else RIGHT_LEG


@njit(cache=True)
def label_vertices(canonical, part, outfit):
    """Labels (V,) int64 of T-pose points (V, 3) moved by joints (V,)."""
    labels = np.empty(len(canonical), np.int64)
    for i in range(len(canonical)):
        labels[i] = garment_at(canonical[i, 0], canonical[i, 1], canonical[i, 2], part[i], outfit)
    return labels


class Meshes(NamedTuple):
    """All meshes of a scene in one: V vertices, F faces.

    Attributes:
        vertices: (V, 3) in the world.
        canonical: (V, 3) T-pose coordinates; those of props are texture coordinates.
        part, label: (F,) the joint that moves a face; its label, -1 where `garment_at` decides.
        owner: (F,) the person, from 1 on; -1, -2, ... for props.
    """

    vertices: np.ndarray
    canonical: np.ndarray
    faces: np.ndarray
    part: np.ndarray
    label: np.ndarray
    owner: np.ndarray


class Truth(NamedTuple):
    """Of H x W pixels the T-pose coordinates ``point`` (3,) and, as uint8, the label, the person, and the joint + 1."""

    point: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    part: np.ndarray


@njit(cache=True)
def label_pixels(truth, triangle, barycentric, meshes, outfits):
    """Fill ``truth`` from the triangle at each pixel (H, W), its weights (H, W, 2), `Meshes` and outfits (persons,)."""
    point, label, instance, part = truth
    _, canonical, faces, face_part, face_label, face_owner = meshes
    height, width = triangle.shape
    for row in range(height):
        for column in range(width):
            t = triangle[row, column]
            if t < 0:
                continue
            w0, w1 = barycentric[row, column, 0], barycentric[row, column, 1]
            w2 = 1 - w0 - w1
            a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
            for axis in range(3):
                point[row, column, axis] = w0 * canonical[a, axis] + w1 * canonical[b, axis] + w2 * canonical[c, axis]
            owner = face_owner[t]
            if owner > 0:
                instance[row, column] = owner
                part[row, column] = face_part[t] + 1
                if face_label[t] >= 0:
                    label[row, column] = face_label[t]
                else:
                    p = point[row, column]
                    label[row, column] = garment_at(p[0], p[1], p[2], face_part[t], outfits[owner - 1])
