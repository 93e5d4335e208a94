"""Walls, floors, ground and materials: each function draws a tileable texture (SIZE, SIZE, 3) in 0-255."""

import cv2
import numpy as np

from synthetic.textures.noise import cloth_colour, colour, fractal_noise, wall_colour, wood_colour
from synthetic.textures.weave import SIZE, X, Y, bands, blend, flat, grain


def plaster(rng: np.random.Generator) -> np.ndarray:
    return grain(rng, flat(wall_colour(rng)), rng.uniform(0.02, 0.08))


def wallpaper(rng: np.random.Generator) -> np.ndarray:
    base = wall_colour(rng)
    pattern = bands(X, int(rng.integers(4, 16)), rng.uniform(0.2, 0.5)) * rng.uniform(0.08, 0.25)
    return grain(rng, blend(flat(base), base * 0.55, pattern), 0.04)


def bricks(rng: np.random.Generator) -> np.ndarray:
    rows, columns = 12, 5
    row = np.floor(Y * rows).astype(int)
    across = X * columns + 0.5 * (row % 2)
    mortar = (across % 1 < 0.05) | (Y * rows % 1 < 0.12)
    base = colour(rng, (0.15, 0.6), (90, 200), (0.0, 0.08)) if rng.random() < 0.8 else wall_colour(rng)
    shade = rng.uniform(0.72, 1.2, (rows, columns)).astype(np.float32)[row, np.floor(across).astype(int) % columns]
    return grain(rng, np.where(mortar[..., None], colour(rng, (0, 0.1), (130, 220)), base * shade[..., None]), 0.15)


def planks(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(5, 10))
    board = np.floor(X * count).astype(int)
    shift = rng.integers(0, SIZE, count)
    grain = np.roll(fractal_noise(rng, SIZE, 7, 0.85), 3, 1)
    # Noise stretched along the board looks like grain.
    rows = ((np.arange(SIZE)[:, None] // 6 + shift[board]) % SIZE).astype(int)
    fibre = grain[rows, (np.arange(SIZE)[None] * 3) % SIZE]
    shade = rng.uniform(0.8, 1.15, count).astype(np.float32)[board] * (0.75 + 0.5 * fibre)
    shade = np.where(X * count % 1 < 0.04, shade * 0.55, shade)
    joint = np.abs((Y + shift[board] / SIZE) % 1 - 0.5) < 0.004
    return flat(wood_colour(rng)) * np.where(joint, shade * 0.6, shade)[..., None]


def wood(rng: np.random.Generator) -> np.ndarray:
    noise = fractal_noise(rng, SIZE, 5)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (rng.integers(4, 9) * X + rng.uniform(0.5, 1.5) * noise))
    return grain(rng, flat(wood_colour(rng)) * (0.75 + 0.3 * rings)[..., None], 0.08)


def tiles(rng: np.random.Generator) -> np.ndarray:
    count = int(rng.integers(2, 5)) * 2
    base = wall_colour(rng)
    chequered = rng.random() < 0.12
    odd = (np.floor(X * count) + np.floor(Y * count)) % 2
    other = base * 0.45 if chequered else base * 0.95
    grout = (X * count % 1 < 0.04) | (Y * count % 1 < 0.04)
    return grain(rng, np.where(grout[..., None], base * 0.6, blend(flat(base), other, odd)), 0.05)


def carpet(rng: np.random.Generator) -> np.ndarray:
    fluff = 0.8 + 0.4 * rng.random((SIZE, SIZE), dtype=np.float32)
    return grain(rng, flat(colour(rng, (0.03, 0.4), (60, 190))) * fluff[..., None], 0.1)


def concrete(rng: np.random.Generator) -> np.ndarray:
    return grain(rng, flat(colour(rng, (0, 0.1), (95, 190))), 0.22)


def marble(rng: np.random.Generator) -> np.ndarray:
    noise = fractal_noise(rng, SIZE, 6)
    vein = np.abs(np.sin(2 * np.pi * (rng.integers(1, 4) * X + 2.2 * noise))) ** 0.35
    base = colour(rng, (0, 0.25), (150, 245))
    return blend(flat(base * rng.uniform(0.5, 0.8)), base, vein)


def grass(rng: np.random.Generator) -> np.ndarray:
    base, dry = colour(rng, (0.35, 0.7), (70, 140), (0.2, 0.31)), colour(rng, (0.3, 0.5), (100, 160), (0.12, 0.2))
    blades = 0.55 + 0.9 * cv2.GaussianBlur(rng.random((SIZE, SIZE), dtype=np.float32), (1, 5), 0.1, sigmaY=1.5)
    return blend(flat(base), dry, 0.7 * fractal_noise(rng, SIZE, 5)) * blades[..., None]


def foliage(rng: np.random.Generator) -> np.ndarray:
    base = colour(rng, (0.35, 0.75), (80, 170), (0.18, 0.34))
    texture = (flat(base) * 0.5).copy()
    for place, size, turn, shade in zip(
        rng.integers(0, SIZE, (420, 2)), rng.uniform(4, 9, 420), rng.uniform(0, 180, 420), rng.uniform(0.5, 1.5, 420),
        strict=True,
    ):  # fmt: skip
        axes = (round(size), round(size * 0.45))
        cv2.ellipse(texture, place.tolist(), axes, turn, 0, 360, (base * shade).tolist(), -1)
    return texture


def sand(rng: np.random.Generator) -> np.ndarray:
    ripples = 0.95 + 0.05 * np.sin(2 * np.pi * (9 * Y + 1.2 * fractal_noise(rng, SIZE, 3)))
    return grain(rng, flat(colour(rng, (0.2, 0.4), (160, 225), (0.09, 0.13))) * ripples[..., None], 0.12)


def asphalt(rng: np.random.Generator) -> np.ndarray:
    speckle = 0.8 + 0.4 * rng.random((SIZE, SIZE), dtype=np.float32)
    return grain(rng, flat(colour(rng, (0, 0.08), (55, 120))) * speckle[..., None], 0.12)


def cobbles(rng: np.random.Generator) -> np.ndarray:
    seeds = np.ones((SIZE, SIZE), np.uint8)
    jitter = rng.integers(0, 16, (2, 10, 10))
    grid = np.arange(10) * 25 + 3
    rows, columns = grid[:, None] + jitter[0], grid[None] + jitter[1]
    seeds[rows % SIZE, columns % SIZE] = 0
    border = SIZE // 4
    tiled = np.pad(seeds, border, mode="wrap")
    distance, nearest = cv2.distanceTransformWithLabels(tiled, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    inner = slice(border, border + SIZE)
    distance, nearest = distance[inner, inner], nearest[inner, inner]
    shade = rng.uniform(0.65, 1.15, 1000).astype(np.float32)[nearest % 1000] * np.clip(1.35 - distance / 18, 0.35, 1)
    return grain(rng, flat(colour(rng, (0, 0.25), (110, 190))) * shade[..., None], 0.12)


def facade(rng: np.random.Generator) -> np.ndarray:
    """The front of a building: a grid of windows."""
    texture = grain(rng, flat(colour(rng, (0.02, 0.35), (110, 220))), 0.06)
    rows, columns = int(rng.integers(3, 7)), int(rng.integers(3, 7))
    glass = colour(rng, (0.1, 0.4), (40, 130), (0.5, 0.65))
    wide, high = rng.uniform(0.4, 0.75, 2)
    in_window = (np.abs(X * columns % 1 - 0.5) < wide / 2) & (np.abs(Y * rows % 1 - 0.5) < high / 2)
    shade = rng.uniform(0.5, 1.7, (rows, columns)).astype(np.float32)
    shade = shade[np.floor(Y * rows).astype(int), np.floor(X * columns).astype(int)]
    return np.where(in_window[..., None], glass * shade[..., None], texture)


def bookshelf(rng: np.random.Generator) -> np.ndarray:
    texture = (flat(wood_colour(rng)) * 0.5).copy()
    shelf = SIZE // int(rng.integers(3, 6))
    for bottom in range(shelf, SIZE + 1, shelf):
        x = 2
        while x < SIZE - 8:
            width, height = int(rng.integers(4, 14)), int(shelf * rng.uniform(0.55, 0.85))
            if rng.random() < 0.9:
                tint = (cloth_colour(rng) * 0.9).tolist()
                cv2.rectangle(texture, (x, bottom - 6 - height), (min(x + width, SIZE - 3), bottom - 6), tint, -1)
            x += width + 1
    return grain(rng, texture, 0.08)


def painting(rng: np.random.Generator) -> np.ndarray:
    """A picture for a wall: hills under a sky, or coloured shapes."""
    if rng.random() < 0.5:
        noise = fractal_noise(rng, SIZE, 6)
        texture = blend(flat(colour(rng, (0.2, 0.6), (150, 240))), colour(rng, (0, 0.4), (190, 250)), Y)
        for level in (0.45, 0.6, 0.75):
            ridge = level + 0.25 * (noise[int(level * 200)][None] - 0.5)
            texture = np.where((ridge < Y)[..., None], colour(rng, (0.2, 0.8), (50, 180)), texture)
        return grain(rng, texture, 0.12)
    texture = flat(colour(rng, (0, 0.6), (60, 240))).copy()
    for _ in range(int(rng.integers(4, 16))):
        x, y, radius = (*rng.integers(0, SIZE, 2).tolist(), int(rng.integers(8, 70)))
        tint = colour(rng, (0.1, 0.9)).tolist()
        if rng.random() < 0.5:
            cv2.circle(texture, (x, y), radius, tint, -1)
        else:
            cv2.rectangle(texture, (x, y), (x + radius, y + int(rng.integers(8, 90))), tint, -1)
    return grain(rng, texture, 0.08)


def metal(rng: np.random.Generator) -> np.ndarray:
    brushed = cv2.GaussianBlur(rng.random((SIZE, SIZE), dtype=np.float32), (31, 1), 8)
    return flat(colour(rng, (0, 0.12), (110, 210))) * (0.6 + 0.8 * brushed)[..., None]
