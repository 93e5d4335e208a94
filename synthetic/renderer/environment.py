"""The surroundings of people, with their light: rooms with windows, paintings and shelves on the walls; open ground."""

import functools
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from synthetic.renderer.panorama import paint_panorama
from synthetic.renderer.surface import UNLIT
from synthetic.textures.noise import relief_map
from synthetic.textures.textures import TextureBank

_PANORAMAS = 12


class Light(NamedTuple):
    """A distant light and light from everywhere, of RGB strengths (3,) ``sun`` and ``ambient``.

    The rows of ``axes`` (3, 3) are right, up, and the direction of the distant light.
    """

    axes: np.ndarray
    ambient: np.ndarray
    sun: np.ndarray


class Place(NamedTuple):
    """A box-shaped room (x and z within +-``half_extent``, y from 0 to half_extent[1]) or open ground (y = 0).

    ``plane_texture`` (6,) indexes an environment's textures for floor, ceiling, +x, -x, +z, -z; ``plane_scale`` (6,) is
    texture lengths a metre. ``decals`` (n, 9) are rectangles on a plane: plane, from and to along it, from and to in
    height (on the floor -z), texture, brightness, brightness of the frame, texture lengths a metre (0: the texture
    fills the rectangle once). ``relief`` is what `relief_map` returns.
    """

    indoor: bool
    half_extent: np.ndarray
    plane_texture: np.ndarray
    plane_scale: np.ndarray
    decals: np.ndarray
    panorama: np.ndarray
    relief: np.ndarray


@dataclass(frozen=True)
class Environment:
    """A place, its mip-mapped ``textures`` and its light.

    ``exposure`` is the mean grey value that the camera aims at, ``gain`` (3,) its colour cast.
    """

    place: Place
    textures: tuple[np.ndarray, ...]
    light: Light
    exposure: float
    gain: np.ndarray


def sample_light(rng: np.random.Generator, *, indoor: bool) -> Light:
    """Draw a light; indoors it comes from higher up and is softer than the sun."""
    elevation = np.radians(rng.uniform(50, 80) if indoor else rng.uniform(22, 70))
    azimuth = rng.uniform(0, 2 * np.pi)
    direction = -np.array([np.cos(elevation) * np.cos(azimuth), np.sin(elevation), np.cos(elevation) * np.sin(azimuth)])
    right = np.cross(direction, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    share = rng.uniform(0.2, 0.5) if indoor else rng.uniform(0.15, 0.68)
    warm = np.array([1.0, rng.uniform(0.88, 1.0), rng.uniform(0.72, 1.0)])
    cool = np.array([rng.uniform(0.88, 1.03), 1.0, rng.uniform(0.97, 1.14)])
    return Light(np.stack([right, np.cross(right, direction), direction]), (1 - share) * cool, 1.18 * share * warm)


def sample_environment(bank: TextureBank, rng: np.random.Generator, *, indoor: bool, reach: float) -> Environment:
    """Draw a landscape, or a room that reaches at least ``reach`` metres ahead (+z)."""
    return _room(bank, rng, reach) if indoor else _landscape(bank, rng)


def laboratory(bank: TextureBank, rng: np.random.Generator) -> Environment:
    """A capture hall with plain walls and little in it, large enough for cameras up to 5.4 m from its middle."""
    hall = _room(bank, rng, 6.2, half_width=6.4, height=4.0, furnished=False)
    light = hall.light._replace(ambient=hall.light.ambient / hall.light.ambient.mean() * 0.72)
    return replace(hall, exposure=140.0, light=light)


def _room(
    bank: TextureBank,
    rng: np.random.Generator,
    reach: float,
    *,
    half_width: float | None = None,
    height: float | None = None,
    furnished: bool = True,
) -> Environment:
    half_extent = np.array([half_width or rng.uniform(2.2, 5.5), height or rng.uniform(2.4, 3.6), max(reach, 2.5)])
    floor = bank.draw(rng, "planks", "planks", "planks", "tiles", "tiles", "carpet", "carpet", "concrete", "marble")
    kinds = ("plaster", "plaster", "plaster", "wallpaper", "bricks", "concrete") if furnished else ("plaster",)
    main_wall = other_wall = bank.draw(rng, *kinds)
    if furnished and rng.random() >= 0.7:
        other_wall = bank.draw(rng, "plaster", "wallpaper", "bricks", "wood")
    textures = [floor, bank.draw(rng, "plaster"), main_wall, other_wall]
    walls = rng.uniform(0.25, 0.6)
    scale = np.array([rng.uniform(0.35, 0.8), 0.3, walls, walls, walls, walls])
    decals: list[tuple[float, ...]] = []
    for plane in (2, 3, 4, 5):
        half = half_extent[2 if plane < 4 else 0]
        count = int(rng.integers(0, 2 if not furnished else 1 + round(half)))
        cell = 2 * half / max(count, 1)  # a decal stays in its part of the wall: they don't overlap much
        for place in [-half + cell * (k + rng.uniform(0.3, 0.7)) for k in range(count)]:
            decals.append(_wall_decal(bank, rng, plane, place, half_extent[1], textures))
    if rng.random() < 0.35:
        middle, size = rng.uniform(-1, 1) * np.array([half_extent[0], 2]) / 2, rng.uniform(0.7, 1.6, 2)
        rug = bank.draw(rng, "carpet", "plaid", "floral", "stripes", "knit")
        textures.append(rug)
        bounds = (middle[0] - size[0], middle[0] + size[0], -reach / 2 - size[1], -reach / 2 + size[1])
        decals.append((0, *bounds, len(textures) - 1, 235, rng.uniform(60, 220), 0))
    planes, panorama = np.array([0, 1, 2, 2, 3, 3]), np.zeros((2, 2, 3), np.uint8)
    place = Place(True, half_extent, planes, scale, np.reshape(decals, (-1, 9)), panorama, relief_map())
    light = sample_light(rng, indoor=True)
    return Environment(place, tuple(textures), light, rng.uniform(90, 150), rng.uniform(0.94, 1.06, 3))


def _wall_decal(
    bank: TextureBank, rng: np.random.Generator, plane: int, place: float, height: float, textures: list[np.ndarray]
) -> tuple[float, ...]:
    """A window, door, painting, shelf, curtain or board at ``place`` on a wall; adds its texture to ``textures``."""
    kind = rng.choice(
        ["window", "door", "painting", "bookshelf", "curtain", "board"], p=[0.26, 0.16, 0.26, 0.14, 0.12, 0.06]
    )
    dark, pale = rng.uniform(40, 110), rng.uniform(190, 245)
    if kind == "window":
        half, low, high = rng.uniform(0.4, 0.9), rng.uniform(0.8, 1.1), min(height - 0.2, rng.uniform(1.9, 2.3))
        return (plane, place - half, place + half, low, high, UNLIT, rng.uniform(205, 255), pale, 0)
    sizes = {
        "door": (rng.uniform(0.4, 0.5), 0.0, 2.05, ("wood", "plaster")),
        "painting": (rng.uniform(0.2, 0.6), rng.uniform(1.2, 1.4), rng.uniform(1.65, 2.1), ("painting",)),
        "bookshelf": (rng.uniform(0.4, 0.9), 0.0, rng.uniform(1.2, 2.2), ("bookshelf",)),
        "curtain": (rng.uniform(0.3, 0.9), 0.1, 2.35, ("stripes", "plain_cloth", "floral", "knit")),
        "board": (rng.uniform(0.6, 1.1), 0.9, 1.9, ("concrete", "plaster")),
    }
    half, low, high, kinds = sizes[str(kind)]
    textures.append(bank.draw(rng, *kinds))
    frame = dark if rng.random() < 0.6 else pale
    return (plane, place - half, place + half, low, min(high, height - 0.05), len(textures) - 1, 235, frame, 0)


def _landscape(bank: TextureBank, rng: np.random.Generator) -> Environment:
    ground = bank.draw(rng, "grass", "grass", "asphalt", "cobbles", "sand", "concrete")
    textures, decals = [ground], []
    if rng.random() < 0.5:
        textures.append(bank.draw(rng, "asphalt", "cobbles", "sand", "concrete", "grass"))
        middle, half, near = rng.uniform(-6, 6), rng.uniform(0.8, 4), rng.uniform(4, 20)
        ahead, across = (middle - half, middle + half, -60, 60), (-60, 60, -near - 2 * half, -near)
        path = ahead if rng.random() < 0.5 else across
        decals.append((0, *path, 1, 235, rng.uniform(120, 235), rng.uniform(0.3, 0.6)))
    scale = np.full(6, rng.uniform(0.3, 0.7))
    panorama = _panorama(bank.key, int(rng.integers(_PANORAMAS)))
    place = Place(False, np.zeros(3), np.zeros(6, np.int64), scale, np.reshape(decals, (-1, 9)), panorama, relief_map())
    light = sample_light(rng, indoor=False)
    return Environment(place, tuple(textures), light, rng.uniform(95, 150), rng.uniform(0.94, 1.06, 3))


@functools.lru_cache(maxsize=2 * _PANORAMAS)
def _panorama(key: tuple[int, ...], number: int) -> np.ndarray:
    return paint_panorama(np.random.default_rng([*key, 4096, number]))
