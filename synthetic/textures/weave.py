"""The pixel grid of one texture and the operations that all textures are made with."""

import numpy as np

from synthetic.textures.noise import fractal_noise

SIZE = 256
"""Pixels of a texture's side."""
Y, X = np.mgrid[:SIZE, :SIZE].astype(np.float32) / SIZE
"""Coordinates of a tile's pixels in [0, 1), each (SIZE, SIZE)."""


def grain(rng: np.random.Generator, texture: np.ndarray, amount: float) -> np.ndarray:
    """The texture (SIZE, SIZE, 3) with its brightness varied by up to +-``amount``."""
    return texture * (1 - amount + 2 * amount * fractal_noise(rng, SIZE, 7, 0.8))[..., None]


def flat(rgb: np.ndarray) -> np.ndarray:
    """A texture (SIZE, SIZE, 3) of one colour (3,)."""
    return np.broadcast_to(rgb, (SIZE, SIZE, 3)).astype(np.float32)


def blend(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """``a`` where ``share`` (SIZE, SIZE) is 0, ``b`` where it is 1; colours (3,) or textures."""
    return a + (b - a) * share[..., None]


def bands(coordinate: np.ndarray, count: int, share: float) -> np.ndarray:
    """1 in ``count`` bands along a coordinate, 0 between them; a band takes ``share`` of its period."""
    return (coordinate * count % 1 < share).astype(np.float32)
