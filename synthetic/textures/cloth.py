"""Patterns of cloth: each function draws a tileable texture (SIZE, SIZE, 3) of RGB values in 0-255."""

import cv2
import numpy as np

from synthetic.textures.noise import cloth_colour, colour, fractal_noise
from synthetic.textures.weave import SIZE, X, Y, bands, blend, flat, grain


def plain_cloth(rng: np.random.Generator) -> np.ndarray:
    return grain(rng, flat(cloth_colour(rng)), 0.12)


def denim(rng: np.random.Generator) -> np.ndarray:
    twill = 0.06 * np.sin(2 * np.pi * 64 * (X + Y)) + 0.3 * fractal_noise(rng, SIZE, 3)
    return grain(rng, flat(np.float32([52, 70, 106]) * rng.uniform(0.5, 1.6)) * (0.85 + twill)[..., None], 0.1)


def stripes(rng: np.random.Generator) -> np.ndarray:
    along = X if rng.random() < 0.4 else Y
    mask = bands(along, int(rng.integers(4, 14)), rng.uniform(0.2, 0.6))
    return grain(rng, blend(cloth_colour(rng), cloth_colour(rng), mask), 0.1)


def plaid(rng: np.random.Generator) -> np.ndarray:
    count, wide, thin = int(rng.integers(3, 8)), rng.uniform(0.3, 0.5), rng.uniform(0.04, 0.1)
    first, second, line = cloth_colour(rng), cloth_colour(rng), cloth_colour(rng)
    texture = blend(flat(first), second, (bands(X, count, wide) + bands(Y, count, wide)) / 2)
    lines = np.maximum(bands(X + 0.2 / count, count, thin), bands(Y + 0.2 / count, count, thin))
    return grain(rng, blend(texture, line, 0.6 * lines), 0.1)


def gingham(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(8, 20))
    mask = (bands(X, count, 0.5) + bands(Y, count, 0.5)) / 2
    return grain(rng, blend(flat(np.float32([235, 232, 228])), cloth_colour(rng), mask), 0.08)


def polka_dots(rng: np.random.Generator) -> np.ndarray:
    count, radius = int(rng.integers(5, 14)), rng.uniform(0.15, 0.3)
    shifted = X * count + 0.5 * (np.floor(Y * count) % 2)
    mask = ((shifted % 1 - 0.5) ** 2 + (Y * count % 1 - 0.5) ** 2 < radius**2).astype(np.float32)
    return grain(rng, blend(flat(cloth_colour(rng)), cloth_colour(rng), mask), 0.1)


def camouflage(rng: np.random.Generator) -> np.ndarray:
    noise = fractal_noise(rng, SIZE, 5)
    base = [colour(rng, (0.2, 0.55), (40, 150), (0.08, 0.38)) for _ in range(3)]
    texture = np.where((noise > 0.5)[..., None], base[1], base[0])
    return grain(rng, np.where((noise > 0.65)[..., None], base[2], texture), 0.1)


def floral(rng: np.random.Generator) -> np.ndarray:
    texture = flat(cloth_colour(rng)).copy()
    petals = [cloth_colour(rng) for _ in range(3)]
    for _ in range(int(rng.integers(14, 40))):
        x, y, size = (*rng.uniform(16, SIZE - 16, 2).tolist(), float(rng.uniform(3, 9)))
        tint, turn = petals[rng.integers(3)].tolist(), rng.uniform(0, 6)
        for petal in np.arange(5) * 2 * np.pi / 5 + turn:
            place = (round(x + np.cos(petal) * size), round(y + np.sin(petal) * size))
            cv2.circle(texture, place, round(size * 0.7), tint, -1)
        cv2.circle(texture, (round(x), round(y)), round(size * 0.5), (230, 200, 90), -1)
    return grain(rng, texture, 0.1)


def printed_cloth(rng: np.random.Generator) -> np.ndarray:
    """A plain shirt with a large figure and lines that look like lettering."""
    texture = flat(cloth_colour(rng)).copy()
    for _ in range(int(rng.integers(1, 4))):
        corners = rng.normal(0, SIZE * 0.09, (int(rng.integers(3, 7)), 2)) + rng.uniform(0.3, 0.7, 2) * SIZE
        cv2.fillPoly(texture, [corners.astype(np.int32)], cloth_colour(rng).tolist())
    ink, x = cloth_colour(rng).tolist(), int(SIZE * 0.2)
    while x < SIZE * 0.75:
        stroke = rng.integers(-18, 19, (5, 2)).cumsum(0) // 2 + (x, int(SIZE * 0.6))
        cv2.polylines(texture, [stroke.astype(np.int32)], False, ink, 5)
        x += int(rng.integers(24, 40))
    return grain(rng, texture, 0.1)


def knit(rng: np.random.Generator) -> np.ndarray:
    ribs = 0.85 + 0.12 * np.sin(2 * np.pi * 40 * X) + 0.06 * np.sin(2 * np.pi * 60 * Y)
    return grain(rng, flat(cloth_colour(rng)) * ribs[..., None], 0.12)
