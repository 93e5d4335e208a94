"""The materials and random proportions of one object."""

from dataclasses import dataclass

import numpy as np

from synthetic.props.solids import Material
from synthetic.textures.noise import cloth_colour, wood_colour
from synthetic.textures.textures import TextureBank

FINISHES: dict[str, tuple[str, ...]] = {
    "painted": (),
    "wooden": ("wood", "planks"),
    "patterned": ("stripes", "plaid", "gingham", "polka_dots", "floral"),
    "stone": ("marble", "concrete", "cobbles"),
}
"""Textures that may cover the main part of an object; () is paint."""
WHITE = np.full(3, 255.0)


@dataclass(frozen=True)
class Stock:
    """An object's main and second material, textures for more, and the random numbers of its proportions."""

    rng: np.random.Generator
    bank: TextureBank
    main: Material
    second: Material

    def textured(self, *kinds: str, repeat: float = 1.0) -> Material:
        """A material with a texture of one of ``kinds``."""
        return Material(self.bank.draw(self.rng, *kinds), WHITE, 0.0, repeat)

    def paint(self, tint: np.ndarray, gloss: float = 0.1) -> Material:
        return Material(None, tint, gloss)

    def size(self, low: float, high: float) -> float:
        """A length between ``low`` and ``high`` metres."""
        return float(self.rng.uniform(low, high))


def stock(bank: TextureBank, rng: np.random.Generator, finish: str | None = None) -> Stock:
    """Draw the materials of one object; ``finish`` is the main one's entry in `FINISHES`, drawn when None."""
    kinds = FINISHES[finish or str(rng.choice(list(FINISHES)))]
    paint = Material(None, cloth_colour(rng), 0.15)
    main = Material(bank.draw(rng, *kinds), WHITE, 0.05, rng.uniform(1.0, 2.2)) if kinds else paint
    second = Material(None, wood_colour(rng) * 0.8 if rng.random() < 0.6 else cloth_colour(rng), 0.1)
    return Stock(rng, bank, main, second)
