"""Which tensors of a file are the encoder: where in it they are, whose names they have, and what is left out."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from liftedcl.identity.errors import InputError
from liftedcl.recipes.weight_namings import NAMINGS, Naming
from liftedcl.recipes.weight_sources import CONTAINERS, OWN, PREFIXES, Layout, Source


@dataclass
class Account:
    """What became of every key of a state dict: ``renamed`` is from a name in the file to one of the backbone.

    ``place`` says where in the file the state dict was and which prefix was removed from the used and renamed ones.
    """

    naming: Naming
    place: str = ""
    used: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For import.json: every key by name."""
        return {"names": self.naming.code, "used": self.used, "renamed": self.renamed, "dropped": self.dropped}

    def in_words(self) -> list[str]:
        """A line for each of the three, with * for numbers, and how many keys each name is."""
        lines = [
            f"used as they are: {_listed(self.used)}",
            f"renamed: {_listed([f'{old} -> {new}' for old, new in self.renamed.items()])}",
            f"left out: {_listed(self.dropped)}",
        ]
        return [f"names of {self.naming.code}", *(line for line in lines if not line.endswith(": "))]


def _listed(names: list[str]) -> str:
    counts: dict[str, int] = {}
    for name in names:
        pattern = re.sub(r"\d+", "*", name)
        counts[pattern] = counts.get(pattern, 0) + 1
    return ", ".join(pattern if count == 1 else f"{pattern} ({count})" for pattern, count in counts.items())


def own_state(
    content: Any, *, own: Collection[str], file: Path, naming: str | None = None
) -> tuple[dict[str, Tensor], Account]:
    """The encoder of a file in any of the containers, with any of the prefixes and namings, under timm's names.

    What is not below the encoder's prefix (heads, queues, a key encoder) is left out; without a prefix all has to fit.

    Args:
        own: the backbone's names; some backbones have a norm of their own below a classifier's name.
        naming: key of the one of `NAMINGS` that the file has to have, or None for any.

    Raises:
        InputError: there is no encoder, or more than one; a value isn't a tensor.
    """
    first = next(iter(own))
    marks = [(names, names.mark or first) for key, names in NAMINGS.items() if naming in (None, key)]
    inside = [(name, content[name]) for name in CONTAINERS if name in content] if isinstance(content, dict) else []
    for container, state in ((None, content), *inside):
        if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
            continue
        for names, mark in marks:
            prefixes = [key.removesuffix(mark) for key in state if key.endswith(mark)]
            prefixes = [prefix for prefix in prefixes if set(prefix.split(".")[:-1]) <= set(PREFIXES)]
            if len(prefixes) > 1:
                raise InputError(
                    f"{file}: holds several encoders, under {' and '.join(map(repr, prefixes))}; save one of them alone"
                )
            if prefixes:
                place = f" under {container!r}" if container else ""
                place += f" with the prefix {prefixes[0]!r}" if prefixes[0] else ""
                return _renamed(state, prefixes[0], Account(names, place), own, file)
    keys = [str(key) for key in content] if isinstance(content, dict) else []
    for container, state in inside:
        keys += [f"{container}: {key}" for key in state] if isinstance(state, dict) else []
    seen = f"its first keys are {', '.join(keys[:8])}" if keys else f"it is a {type(content).__name__}"
    wanted = " nor ".join(f"{mark} ({names.code})" for names, mark in reversed(marks))
    raise InputError(
        f"{file}: holds no {wanted}, bare or under {', '.join(CONTAINERS)}, with or without the prefixes "
        f"{', '.join(f'{prefix}.' for prefix in PREFIXES)}; {seen}; save {OWN.page}"
    )


def _renamed(
    state: dict[str, Any], prefix: str, account: Account, own: Collection[str], file: Path
) -> tuple[dict[str, Tensor], Account]:
    """What is below ``prefix``, under timm's names."""
    encoder: dict[str, Tensor] = {}
    for key, value in state.items():
        name = key.removeprefix(prefix)
        if not key.startswith(prefix) or (name.startswith(account.naming.drop) and name not in own):
            account.dropped.append(key)
            continue
        if not isinstance(value, Tensor):
            raise InputError(f"{file}: {key} is not a tensor; get it again, or save {OWN.page}")
        matches = ((re.fullmatch(old, name), new) for old, new in account.naming.rename)
        new = next((found.expand(new) for found, new in matches if found), name)
        if new in encoder:
            raise InputError(f"{file}: {key} and another key are both {new} of the backbone; it is another file")
        encoder[new] = value
        if new == name:
            account.used.append(name)
        else:
            account.renamed[name] = new
    return encoder, account


def published_state(
    content: Any, *, published: Source, own: Collection[str], file: Path
) -> tuple[dict[str, Tensor], Account]:
    """The encoder of a published checkpoint in one of its layouts, recognised by the backbone's first key.

    Raises:
        InputError: it has none of the layouts; a key is not of its layout, or a value isn't a tensor.
    """
    first, wanted = next(iter(own)), []
    for layout in published.layouts:
        state = content
        if layout.container is not None:
            state = content.get(layout.container) if isinstance(content, dict) else None
        if isinstance(state, dict) and all(isinstance(key, str) for key in state) and layout.prefix + first in state:
            return _below(state, layout, published, own, file)
        wanted.append(layout.prefix + first + (f" under {layout.container!r}" if layout.container else ""))
    raise InputError(
        f"{file}: holds no {' and no '.join(wanted)}, so it is another file; get {published.file} ({published.page})"
    )


def _below(
    state: dict[str, Any], layout: Layout, published: Source, own: Collection[str], file: Path
) -> tuple[dict[str, Tensor], Account]:
    remedy = f"get {published.file} ({published.page})"
    encoder, account = {}, Account(NAMINGS["backbone"])
    for key, value in state.items():
        name = key.removeprefix(layout.prefix)
        if key.startswith(layout.drop) and name not in own:
            account.dropped.append(key)
            continue
        if not key.startswith(layout.prefix):
            raise InputError(f"{file}: the key {key} is not of {published.file}; {remedy}")
        if not isinstance(value, Tensor):
            raise InputError(f"{file}: {key} is not a tensor; {remedy}")
        encoder[name] = value
        account.used.append(name)
    return encoder, account
