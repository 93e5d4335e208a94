"""Distant surroundings, painted onto a cylinder: a sky with clouds, hills, lines of trees and silhouettes of towns."""

import cv2
import numpy as np

from synthetic.textures.noise import colour, fractal_noise

WIDTH, HEIGHT = 1024, 256
LOWEST, HIGHEST = -0.06, 0.9
"""Elevations (radians) of the bottom and the top row."""
_HORIZON = round(HEIGHT * HIGHEST / (HIGHEST - LOWEST))


def paint_panorama(rng: np.random.Generator) -> np.ndarray:
    """A panorama (HEIGHT, WIDTH, 3) uint8 that closes horizontally; row 0 is the top."""
    height = np.linspace(1, 0, HEIGHT, dtype=np.float32)[:, None, None]
    zenith = colour(rng, (0.15, 0.6), (130, 225), (0.56, 0.62))
    haze = colour(rng, (0.0, 0.12), (200, 245))
    picture = np.tile(haze + (zenith - haze) * height**0.7, (1, WIDTH, 1)).astype(np.float32)
    clouds = np.clip((_ring_noise(rng, 6)[:HEIGHT] - rng.uniform(0.35, 0.7)) * 4, 0, 1)[..., None]
    picture = (picture * (1 - 0.8 * clouds) + 0.8 * clouds * rng.uniform(215, 250)).astype(np.float32)
    land = colour(rng, (0.15, 0.4), (60, 130), (0.2, 0.4))
    for layer in range(int(rng.integers(1, 4))):
        distance = 0.65 - 0.25 * layer
        ridge = _HORIZON - rng.uniform(3, 26) * (1 - 0.25 * layer) * _ring_noise(rng, 5 + layer)[layer]
        picture = _below(picture, ridge, land * (1 - distance) + haze * distance, rng, 0.05)
    if rng.random() < 0.5:
        _paint_town(picture, haze, rng)
    if rng.random() < 0.75:
        trees = _HORIZON - rng.uniform(4, 24) * (0.3 + _ring_noise(rng, 8, 0.75)[0])
        leaf = colour(rng, (0.3, 0.6), (45, 100), (0.2, 0.36))
        picture = _below(picture, trees, leaf * 0.85 + haze * 0.1, rng, 0.35)
    picture[_HORIZON + 4 :] = picture[_HORIZON + 3]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _ring_noise(rng: np.random.Generator, octaves: int, persistence: float = 0.6) -> np.ndarray:
    """Noise (512, WIDTH) that closes horizontally."""
    return np.tile(fractal_noise(rng, 512, octaves, persistence), (1, WIDTH // 512))


def _below(
    picture: np.ndarray, ridge: np.ndarray, tint: np.ndarray, rng: np.random.Generator, grain: float
) -> np.ndarray:
    """The panorama with everything below the rows ``ridge`` (WIDTH,) filled; its brightness varies by ``grain``."""
    share = np.clip(np.arange(HEIGHT)[:, None] - ridge[None] + 0.5, 0, 1)[..., None]
    shade = 1 - grain + 2 * grain * _ring_noise(rng, 8, 0.9)[:HEIGHT, :, None]
    return np.ascontiguousarray(picture * (1 - share) + share * tint * shade)


def _paint_town(picture: np.ndarray, haze: np.ndarray, rng: np.random.Generator) -> None:
    """Paint houses with rows of windows along the horizon."""
    for _ in range(int(rng.integers(6, 40))):
        left, width, height = int(rng.integers(0, WIDTH - 70)), int(rng.integers(14, 70)), int(rng.integers(8, 80))
        wall = colour(rng, (0.02, 0.3), (90, 210)) * 0.75 + haze * 0.25
        top = _HORIZON - height
        cv2.rectangle(picture, (left, top), (left + width, HEIGHT), wall.tolist(), -1)
        glass = (wall * rng.uniform(0.4, 0.8)).tolist()
        for y in range(top + 4, _HORIZON - 3, 7):
            for x in range(left + 3, left + width - 4, 7):
                cv2.rectangle(picture, (x, y), (x + 3, y + 3), glass, -1)
