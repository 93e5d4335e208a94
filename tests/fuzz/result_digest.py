"""A hash of all that a reader gave, whatever it is made of."""

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any


def digest_of(result: Any) -> str:
    """A hash of all that a reader gave."""
    digest = hashlib.sha256()
    for part in _parts(result, set()):
        digest.update(part + b"\0")
    return digest.hexdigest()


def _parts(value: Any, above: set[int]) -> Iterator[bytes]:
    yield type(value).__name__.encode()
    if id(value) in above:
        return
    above = above | {id(value)}
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    if hasattr(value, "tobytes") and getattr(value, "dtype", None) is not None and not value.dtype.hasobject:
        yield f"{value.dtype} {value.shape}".encode()
        yield value.tobytes()
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield str(key).encode(errors="surrogateescape")
            yield from _parts(entry, above)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _parts(entry, above)
    elif hasattr(value, "tolist"):
        yield from _parts(value.tolist(), above)
    elif hasattr(value, "__dict__"):
        yield from _parts({key: entry for key, entry in vars(value).items() if not key.startswith("__")}, above)
    else:
        yield repr(value).encode(errors="surrogateescape")
