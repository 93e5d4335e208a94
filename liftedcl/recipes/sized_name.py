"""The size behind a backbone's name: that of the pictures that its position embeddings are for. No torch."""

import re

_SIZED = re.compile(r"(.+)@([1-9]\d*)x([1-9]\d*)")


def without_size(name: str) -> tuple[str, tuple[int, int] | None]:
    """A backbone's name and, if it ends with @HEIGHTxWIDTH, that size in px."""
    found = _SIZED.fullmatch(name)
    return (found[1], (int(found[2]), int(found[3]))) if found else (name, None)
