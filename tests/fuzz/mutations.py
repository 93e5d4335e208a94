"""Damages the content of a file, a little and reproducibly: its bytes, or what its format says."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from fuzz import byte_damage, image_damage, numpy_damage, structure_damage, torch_damage

BYTES_SHARE = 0.3
"""Of the mutants that are damaged without a look at the format."""


@dataclass(frozen=True)
class Mutant:
    """A damaged file.

    Attributes:
        content: all of it.
        what: was done, in words.
        nonsense: whether a value was put in that can never be meant (text or truth values for numbers, NaN, infinity):
            a reader that needs it has to refuse it.
        sealed: whether checksums of the format, or of the file's writer, show the damage.
    """

    content: bytes
    what: str
    nonsense: bool = False
    sealed: bool = False


Damage = Callable[[bytes, random.Random], tuple[bytes, str, bool] | None]

_FORMATS: dict[str, tuple[Damage, ...]] = {
    ".json": (structure_damage.json_values, structure_damage.json_text),
    ".yaml": (structure_damage.yaml_values, structure_damage.yaml_text),
    ".csv": (structure_damage.cells,),
    ".txt": (structure_damage.cells,),
    ".xml": (structure_damage.cells,),
    ".pkl": (structure_damage.pickle_values, structure_damage.pickle_opcodes),
    ".mat": (structure_damage.mat_values, structure_damage.mat_words),
    ".npy": (numpy_damage.header, numpy_damage.values),
    ".npz": (numpy_damage.member_header, numpy_damage.member_values, numpy_damage.zip_records),
    ".pt": (torch_damage.values, torch_damage.members, numpy_damage.zip_records),
    ".png": (image_damage.png_header,),
    ".jpg": (image_damage.jpeg_header,),
}


def mutate(name: str, content: bytes, rng: random.Random) -> Mutant | None:
    """A mutant of the file ``name``; None where the chosen damage finds nothing to damage."""
    damages = _FORMATS.get(name[name.rfind(".") :], ())
    if not damages or rng.random() < BYTES_SHARE:
        damaged, what = byte_damage.damage(content, rng)
        return Mutant(damaged, what, sealed=True)
    made = rng.choice(damages)(content, rng)
    return None if made is None else Mutant(*made)
