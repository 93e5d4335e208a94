"""Outdoor objects: each function builds the solids of one object that stands on the ground at the origin."""

from dataclasses import replace

import numpy as np

from synthetic.props.solids import Material, Solid, blob, box, lathe, ring
from synthetic.props.stock import WHITE, Stock
from synthetic.textures.noise import wood_colour


def tree(s: Stock) -> list[Solid]:
    height, radius = s.size(1.6, 3.2), s.size(0.08, 0.2)
    trunk = np.array([(radius * 1.5, 0), (radius, 0.4), (radius * 0.7, height), (0, height * 1.2)])
    parts, leaf = [lathe(trunk, s.paint(wood_colour(s.rng) * 0.6, 0.0), 10)], s.textured("foliage")
    conical = s.rng.random() < 0.3
    for k in range(3 if conical else int(s.rng.integers(4, 8))):
        if conical:
            wide, low = (1.2 - 0.3 * k) * height * 0.38, height * (0.35 + 0.38 * k)
            cone = np.array([(wide, low), (wide * 0.95, low - 0.05), (0.02, low + height * 0.6)])
            parts.append(lathe(cone, leaf, 14))
            continue
        radii = s.rng.uniform(0.3, 0.5, 3) * height
        place = np.array([s.size(-0.35, 0.35), 1.1 + 0.25 * s.size(-1, 1.3), s.size(-0.35, 0.35)]) * height
        parts.append(blob(s.rng, radii, place, leaf, 0.35))
    return parts


def bush(s: Stock) -> list[Solid]:
    leaf, parts = s.textured("foliage", repeat=1.5), []
    for _ in range(int(s.rng.integers(2, 5))):
        radii = s.rng.uniform(0.25, 0.5, 3)
        place = np.array([s.size(-0.4, 0.4), radii[1] * 0.7, s.size(-0.3, 0.3)])
        parts.append(blob(s.rng, radii, place, leaf, 0.35))
    return parts


def traffic_cone(s: Stock) -> list[Solid]:
    height, radius = s.size(0.45, 0.75), s.size(0.14, 0.2)
    body = lathe(np.array([(radius, 0.03), (0.03, height), (0, height)]), s.main)
    band = np.array([(0.70, 0.33), (0.42, 0.60)]) * (radius, height) + 0.006
    base = box((radius * 2.3, 0.03, radius * 2.3), (0, 0.015, 0), s.second)
    return [base, body, lathe(band, s.paint(np.full(3, 235.0)))]


def tyre(s: Stock) -> list[Solid]:
    radius, thickness = s.size(0.22, 0.34), s.size(0.06, 0.11)
    one = ring(radius, thickness, s.main)
    return [one.placed(np.array([0.0, k * thickness * 1.9, 0.0])) for k in range(int(s.rng.integers(1, 4)))]


def bench(s: Stock) -> list[Solid]:
    width, parts = s.size(1.1, 1.8), []
    for k in range(3):
        parts.append(box((width, 0.04, 0.11), (0, 0.44, -0.14 + 0.14 * k), s.main))
        if k < 2:
            parts.append(box((width, 0.11, 0.03), (0, 0.6 + 0.17 * k, -0.24), s.main))
    for side in (-1, 1):
        parts.append(box((0.06, 0.44, 0.36), (side * width * 0.4, 0.22, 0), s.second))
        parts.append(box((0.05, 0.5, 0.04), (side * width * 0.4, 0.62, -0.27), s.second))
    return parts


def house(s: Stock) -> list[Solid]:
    width, height, depth = s.size(2.4, 4.5), s.size(1.8, 3.6), s.size(2, 3.5)
    front = Material(s.bank.draw(s.rng, "facade"), WHITE, 0.0, 1 / 3)
    parts = [box((width, height, depth), (0, height / 2, 0), front)]
    roof = np.array([(0.75 * np.hypot(width, depth), height), (0, height + s.size(0.6, 1.6))])
    return [*parts, lathe(roof, s.main, 4).placed(np.zeros(3), 45)] if s.rng.random() < 0.8 else parts


def car(s: Stock) -> list[Solid]:
    body, glass = s.main, s.paint(np.array([38.0, 46.0, 56.0]), 0.5)
    length, width = s.size(1.9, 2.3), s.size(0.85, 1.0)
    cabin = s.size(-0.25, 0.05)
    parts = [
        box((length, 0.32, width), (0, 0.38, 0), body),
        box((length * 0.5, 0.26, width * 0.88), (cabin, 0.64, 0), glass),
    ]
    parts.append(box((length * 0.46, 0.05, width * 0.86), (cabin, 0.78, 0), body))
    rubber = s.paint(np.array([28.0, 28.0, 30.0]), 0.05)
    for x in (-0.32, 0.32):
        for side in (-1, 1):
            wheel = lathe(np.array([(0, 0), (0.19, 0), (0.19, 0.1), (0, 0.1)]), rubber)
            tilted = replace(wheel, vertices=wheel.vertices[:, [0, 2, 1]])
            parts.append(tilted.placed(np.array([x * length, 0.2, side * width / 2 - 0.05])))
    return parts


def stone(s: Stock) -> list[Solid]:
    radii = s.rng.uniform(0.15, 0.5, 3) * (1, 0.8, 1)
    return [blob(s.rng, radii, np.array([0, radii[1] * 0.6, 0]), s.main, 0.25)]


def pillar(s: Stock) -> list[Solid]:
    height, radius = s.size(1.2, 2.4), s.size(0.1, 0.2)
    shaft = lathe(np.array([(radius, 0.1), (radius * 0.85, height)]), s.main)
    ends = [box((radius * 2.8, 0.12, radius * 2.8), (0, y, 0), s.main) for y in (0.06, height + 0.05)]
    return [shaft, *ends]
