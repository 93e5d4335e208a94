"""Damage of files of tensors: other tensors, keys and containers, and what stands in their zip."""

import io
import random

from fuzz.numpy_damage import read_members, write_members
from fuzz.structure_damage import Made, damage_tree, pickle_opcodes


def values(content: bytes, rng: random.Random) -> Made:
    """One key or value of a plain state dict is another; of a tensor its shape, its type or one number."""
    import torch

    tree = torch.load(io.BytesIO(content), weights_only=True)
    if not all(isinstance(value, torch.Tensor) for value in tree.values()):
        return None
    made = damage_tree({key: value.numpy() for key, value in tree.items()}, rng)
    file = io.BytesIO()
    try:
        torch.save({key: torch.from_numpy(v) if hasattr(v, "tobytes") else v for key, v in made[0].items()}, file)
    except (TypeError, ValueError):  # torch has no such type, or no such byte order
        return None
    return file.getvalue(), made[1], made[2]


def members(content: bytes, rng: random.Random) -> Made:
    """The pickle in the zip is another, or a tensor's bytes are missing, short or others."""
    found = read_members(content)
    name = rng.choice(sorted(found))
    if name.endswith("data.pkl"):
        made = pickle_opcodes(found[name], rng)
        return write_members(found | {name: made[0]}), made[1], False
    damaged = rng.choice((None, b"", found[name][:-1], rng.randbytes(len(found[name])), found[name] + b"\0"))
    kept = {other: data for other, data in found.items() if other != name}
    return write_members(kept | ({} if damaged is None else {name: damaged})), f"{name} is damaged", False
