"""Values of COCO's JSON files: what is a number, an id, a category. For every reader of the format."""

from collections.abc import Iterable
from typing import Any

_EXACT = 1 << 53
"""Above it, a float is not the number that was written."""


def shown(value: Any) -> str:
    """A value as messages show it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def number(value: Any, key: str) -> float:
    """As float. Raises `TypeError` for text and truth values: later readers of the file don't take "50" for 50."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{key}: {shown(value)} is not a number")
    return float(value)


def whole(value: Any, key: str) -> int:
    """As int, exactly: an integer of any size, or a float that is one. Else raises `TypeError` or `ValueError`."""
    if type(value) is int:
        return value
    if not number(value, key).is_integer() or abs(value) > _EXACT:
        raise ValueError(f"{key}: {shown(value)} is not a whole number below 2^53")
    return int(value)


def distinct_images(rows: Iterable[dict[str, Any]]) -> tuple[dict[int, dict[str, Any]], int]:
    """The rows of ``images`` by id, and how many were dropped because they repeat another one exactly.

    Raises:
        ValueError: names the place of a row without a whole number as id, or that differs from another of its id.
    """
    images: dict[int, dict[str, Any]] = {}
    dropped = 0
    for place, row in enumerate(rows):
        try:
            key = whole(row["id"], "id")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"images[{place}]: id is missing or no whole number ({error})") from None
        if images.setdefault(key, row) is not row:
            if images[key] != row:
                raise ValueError(f"images[{place}]: id {key} occurs twice, with other content")
            dropped += 1
    return images, dropped


def category_names(content: dict[str, Any]) -> str:
    """The categories of a file, for messages."""
    found = [f"{shown(entry.get('name'))} (id {shown(entry.get('id'))})" for entry in content.get("categories") or ()]
    return ", ".join(found[:10]) + (", ..." if len(found) > 10 else "") or "none"
