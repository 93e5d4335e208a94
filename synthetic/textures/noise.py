"""Fractal noise and random colours, which textures are made of."""

import functools

import cv2
import numpy as np

# Colours that clothes often have: black, white, greys, navy, denim, beige, browns, a few strong ones.
_CLOTH_COLOURS = np.array(
    [
        (28, 28, 32), (235, 233, 228), (120, 122, 126), (70, 72, 78), (32, 40, 72), (62, 84, 124), (96, 120, 158),
        (205, 190, 160), (112, 82, 58), (74, 54, 42), (150, 40, 42), (88, 28, 38), (52, 74, 54), (96, 100, 62),
        (180, 140, 60), (196, 120, 130), (60, 110, 120), (110, 80, 130), (210, 90, 50), (170, 190, 205),
    ],
    np.float32,
)  # fmt: skip


def fractal_noise(rng: np.random.Generator, size: int, octaves: int = 5, persistence: float = 0.55) -> np.ndarray:
    """Tileable noise (size, size) float32 in [0, 1]; ``size`` a power of two."""
    total, weight = np.zeros((size, size), np.float32), 1.0
    for octave in range(1, octaves + 1):
        cells = 2**octave
        if cells > size:
            break
        lattice = np.pad(rng.random((cells, cells), dtype=np.float32), 2, mode="wrap")
        enlarged = cv2.resize(lattice, None, fx=size / cells, fy=size / cells, interpolation=cv2.INTER_CUBIC)
        step = 2 * size // cells
        total += weight * enlarged[step : step + size, step : step + size]
        weight *= persistence
    return (total - total.min()) / (np.ptp(total) + 1e-6)


def colour(
    rng: np.random.Generator,
    saturation: tuple[float, float] = (0.0, 1.0),
    value: tuple[float, float] = (30.0, 235.0),
    hue: tuple[float, float] = (0.0, 1.0),
) -> np.ndarray:
    """A random RGB colour (3,) float32 in 0-255; ``hue`` and ``saturation`` in [0, 1], ``value`` in 0-255."""
    hsv = [rng.uniform(*hue) % 1 * 360, rng.uniform(*saturation), rng.uniform(*value)]
    return cv2.cvtColor(np.array([[hsv]], np.float32), cv2.COLOR_HSV2RGB)[0, 0]


def cloth_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour that clothes have, (3,) float32."""
    if rng.random() < 0.3:
        return colour(rng, (0.1, 0.85))
    base = _CLOTH_COLOURS[rng.integers(len(_CLOTH_COLOURS))]
    return np.clip(base * rng.uniform(0.75, 1.25) + rng.normal(0, 6, 3), 8, 250).astype(np.float32)


def wood_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour from pale pine to dark walnut, (3,) float32."""
    return colour(rng, (0.25, 0.6), (70, 215), (0.055, 0.11))


def wall_colour(rng: np.random.Generator) -> np.ndarray:
    """A mostly pale and hardly saturated colour, as walls have, (3,) float32."""
    if rng.random() < 0.15:
        return colour(rng, (0.2, 0.55), (90, 200))
    return colour(rng, (0.02, 0.22), (150, 245))


@functools.cache
def relief_map() -> np.ndarray:
    """Tileable (128, 128, 3) float32: brightness noise in [0, 1] and the two slopes of folds; one for all scenes."""
    rng = np.random.default_rng(17)
    folds = 9 * fractal_noise(rng, 128, 5, 0.6)
    slopes = [np.roll(folds, -1, axis) - np.roll(folds, 1, axis) for axis in (1, 0)]
    return np.stack([fractal_noise(rng, 128, 7, 0.85), *slopes], -1).astype(np.float32)
