"""Indoor objects: each function builds the solids of one object that stands on the ground at the origin."""

import numpy as np

from synthetic.props.solids import Material, Solid, ball, blob, box, lathe, legs
from synthetic.props.stock import WHITE, Stock
from synthetic.textures.noise import colour


def crate(s: Stock) -> list[Solid]:
    x, y, z = s.size(0.3, 0.8), s.size(0.25, 0.7), s.size(0.3, 0.6)
    lid = box((x + 0.02, 0.04, z + 0.02), (0, y, 0), s.second)
    return [box((x, y, z), (0, y / 2, 0), s.main), lid]


def round_ball(s: Stock) -> list[Solid]:
    radius = s.size(0.12, 0.4)
    return [ball(np.full(3, radius), np.array([0, radius, 0]), s.main)]


def chair(s: Stock) -> list[Solid]:
    seat, width = s.size(0.42, 0.48), s.size(0.38, 0.48)
    parts = [*legs(width, width, seat, 0.035, s.second), box((width, 0.05, width), (0, seat, 0), s.main)]
    height, thick = s.size(0.35, 0.55), 0.035
    for side in (-1, 1):
        parts.append(box((thick, height, thick), (side * (width / 2 - 0.03), seat + height / 2, -width / 2), s.second))
    return [*parts, box((width, height * 0.45, 0.03), (0, seat + height * 0.75, -width / 2), s.main)]


def stool(s: Stock) -> list[Solid]:
    height, radius = s.size(0.42, 0.7), s.size(0.16, 0.21)
    top = np.array([(0, height), (radius, height), (radius, height - 0.05), (0, height - 0.05)])
    return [*legs(radius * 1.5, radius * 1.5, height - 0.03, 0.03, s.second), lathe(top, s.main)]


def table(s: Stock) -> list[Solid]:
    height, width, depth = s.size(0.5, 0.78), s.size(0.7, 1.5), s.size(0.5, 0.8)
    return [*legs(width, depth, height, 0.06, s.second), box((width, 0.04, depth), (0, height, 0), s.main)]


def sofa(s: Stock) -> list[Solid]:
    width, seat = s.size(1.1, 1.9), s.size(0.36, 0.44)
    parts = [box((width, seat, 0.75), (0, seat / 2 + 0.04, 0), s.main)]
    parts.append(box((width, 0.45, 0.2), (0, seat + 0.22, -0.32), s.main))
    for side in (-1, 1):
        parts.append(box((0.18, seat + 0.2, 0.78), (side * width / 2, (seat + 0.2) / 2, 0), s.main))
    pillow = s.textured("floral", "stripes", "plaid", repeat=2)
    return [*parts, box((0.36, 0.3, 0.1), (s.size(-0.3, 0.3) * width, seat + 0.2, -0.18), pillow)]


def bookcase(s: Stock) -> list[Solid]:
    width, height = s.size(0.6, 1.1), s.size(0.9, 1.9)
    books = Material(s.bank.draw(s.rng, "bookshelf"), WHITE, 0.0, 1 / max(width, height))
    front = box((width - 0.06, height - 0.06, 0.02), (0, height / 2, 0.15), books)
    return [box((width, height, 0.3), (0, height / 2, 0), s.main), front]


def floor_lamp(s: Stock) -> list[Solid]:
    height, radius = s.size(1.2, 1.7), s.size(0.14, 0.22)
    pole = lathe(np.array([(0.14, 0), (0.14, 0.02), (0.015, 0.03), (0.015, height)]), s.second)
    shade = np.array([(radius, height - 0.12), (radius * 0.6, height + 0.15)])
    return [pole, lathe(shade, s.paint(colour(s.rng, (0.05, 0.3), (225, 255), (0.09, 0.15))))]


def potted_plant(s: Stock) -> list[Solid]:
    height = s.size(0.2, 0.35)
    pot = lathe(np.array([(0.6, 0), (1, 1), (0.85, 1), (0.8, 0.8), (0, 0.8)]) * (s.size(0.12, 0.2), height), s.main)
    leaf, parts = s.textured("foliage", repeat=3), [pot]
    for _ in range(int(s.rng.integers(3, 7))):
        radii = np.array([s.size(0.08, 0.2), s.size(0.12, 0.3), s.size(0.08, 0.2)])
        place = np.array([s.size(-0.12, 0.12), height + radii[1] * s.size(0.7, 1.6), s.size(-0.12, 0.12)])
        parts.append(blob(s.rng, radii, place, leaf, 0.3))
    return parts


def barrel(s: Stock) -> list[Solid]:
    height, radius = s.size(0.5, 0.9), s.size(0.2, 0.32)
    t = np.linspace(0, 1, 9)
    side = np.stack([radius * (1 + 0.18 * np.sin(np.pi * t)), height * t], 1)
    hoop = lathe(np.array([(radius * 1.19, height * 0.46), (radius * 1.19, height * 0.54)]), s.second)
    return [lathe(np.concatenate([side, [(0, height)]]), s.main), hoop]


def vase(s: Stock) -> list[Solid]:
    t = np.linspace(0, 1, 14)
    waist = 0.6 + 0.4 * np.sin(s.size(2.2, 3.6) * t + s.size(0.2, 0.9)) + 0.12 * t
    profile = np.stack([waist * s.size(0.12, 0.22), t * s.size(0.4, 0.8)], 1)
    return [lathe(np.concatenate([[(0, 0)], profile, profile[-1:] * (0.8, 1)]), s.main)]


def bottle(s: Stock) -> list[Solid]:
    radius, height, neck = s.size(0.06, 0.1), s.size(0.3, 0.5), s.size(0.3, 0.45)
    profile = [(0, 0), (1, 0), (1, 0.62), (0.9, 0.7), (neck, 0.8), (neck, 1), (0, 1)]
    glass = s.paint(colour(s.rng, (0.2, 0.8), (40, 150)), 0.6)
    label = lathe(np.array([(radius * 1.02, height * 0.2), (radius * 1.02, height * 0.5)]), s.main)
    return [lathe(np.array(profile) * (radius, height), glass), label]


def bowl(s: Stock) -> list[Solid]:
    t = np.linspace(0, np.pi / 2, 9)
    outside = np.stack([np.sin(t), 1 - np.cos(t)], 1)
    profile = np.concatenate([outside, outside[::-1] * 0.92 + (0, 0.08)])
    return [lathe(profile * (s.size(0.2, 0.35), s.size(0.12, 0.25)), s.main, 28)]


def ladder(s: Stock) -> list[Solid]:
    height, width = s.size(1.4, 2.2), s.size(0.36, 0.5)
    parts = [box((0.05, height, 0.04), (side * width / 2, height / 2, 0), s.main) for side in (-1, 1)]
    return parts + [box((width, 0.035, 0.04), (0, y, 0), s.main) for y in np.arange(0.2, height - 0.1, 0.28)]
