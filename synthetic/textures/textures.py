"""Banks of textures, which are made on demand and mip-mapped: packed with reductions of themselves."""

from collections.abc import Callable

import cv2
import numpy as np

from synthetic.textures import cloth, materials
from synthetic.textures.weave import SIZE

Maker = Callable[[np.random.Generator], np.ndarray]
MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        cloth.plain_cloth, cloth.denim, cloth.stripes, cloth.plaid, cloth.gingham, cloth.polka_dots, cloth.camouflage,
        cloth.floral, cloth.printed_cloth, cloth.knit, materials.plaster, materials.wallpaper, materials.bricks,
        materials.planks, materials.wood, materials.tiles, materials.carpet, materials.concrete, materials.marble,
        materials.grass, materials.foliage, materials.sand, materials.asphalt, materials.cobbles, materials.facade,
        materials.bookshelf, materials.painting, materials.metal,
    )
}  # fmt: skip
CLOTH_SHARES = {
    "plain_cloth": 0.34, "denim": 0.1, "stripes": 0.14, "plaid": 0.1, "gingham": 0.05, "polka_dots": 0.05,
    "camouflage": 0.03, "floral": 0.06, "printed_cloth": 0.08, "knit": 0.05,
}  # fmt: skip


def mipmapped(texture: np.ndarray) -> np.ndarray:
    """A texture (S, S, 3) and its reductions as (S, 3 S / 2, 3) uint8; level k > 0 begins at row S - S / 2^(k-1)."""
    packed = np.zeros((SIZE, SIZE * 3 // 2, 3), np.uint8)
    level, size = np.clip(texture, 0, 255).astype(np.float32), SIZE
    packed[:, :SIZE] = level
    while size > 1:
        row, size = SIZE - size, size // 2
        level = cv2.resize(level, (size, size), interpolation=cv2.INTER_AREA)
        packed[row : row + size, SIZE : SIZE + size] = level
    return packed


class TextureBank:
    """The textures of one data split, ``variants`` of each kind, seeded by ``key``; each is made at its first use."""

    def __init__(self, key: tuple[int, ...], variants: int):
        self.key, self._variants = key, variants
        self._made: dict[tuple[str, int], np.ndarray] = {}

    def draw(self, rng: np.random.Generator, *kinds: str) -> np.ndarray:
        """A mip-mapped texture (S, 3 S / 2, 3) of one of ``kinds``, all equally likely."""
        name = kinds[int(rng.integers(len(kinds)))]
        variant = int(rng.integers(self._variants))
        if (name, variant) not in self._made:
            item = np.random.default_rng([*self.key, list(MAKERS).index(name), variant])
            self._made[name, variant] = mipmapped(MAKERS[name](item))
        return self._made[name, variant]

    def cloth(self, rng: np.random.Generator) -> np.ndarray:
        """A mip-mapped texture of clothes."""
        return self.draw(rng, str(rng.choice(list(CLOTH_SHARES), p=list(CLOTH_SHARES.values()))))
