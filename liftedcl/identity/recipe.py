"""Recipes on the command line: every stage takes its numbers as ``--recipe``, the JSON of a frozen dataclass."""

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

from liftedcl.identity.errors import InputError
from liftedcl.identity.strict import parse
from liftedcl.identity.strict_text import json_value

T = TypeVar("T")

WHERE_GIVEN = {"where_given": True}
"""Metadata of a field that JSON leaves out where it is None, so that a new field makes no finished run stale."""


def read_recipe(cls: type[T], text: str) -> T:
    """Parse a command line's ``--recipe``: JSON text, or the path of a JSON file.

    Raises:
        InputError: the text is not JSON, or not a ``cls``.
    """
    where = "--recipe"
    if not text.lstrip().startswith("{"):
        where, path = text, Path(text)
        if not path.is_file():
            raise InputError(f"--recipe {text}: neither JSON text nor a file; see python -m workflow.params --help")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{path}: not text, so not a recipe; see python -m workflow.params --help") from None
    try:
        value = json_value(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid JSON ({error}); see python -m workflow.params --help") from None
    return parse(cls, value, f"{where}: ")


def plain(recipe: Any) -> dict[str, Any]:
    """The values of a recipe, without those that are None of its fields with `WHERE_GIVEN`."""
    values = dataclasses.asdict(recipe)
    for field in dataclasses.fields(recipe):
        if field.metadata == WHERE_GIVEN and values[field.name] is None:
            del values[field.name]
    return values


def to_json(recipe: Any) -> str:
    """One line of JSON with sorted keys: it identifies a recipe, and ``--recipe`` takes it."""
    return json.dumps(plain(recipe), sort_keys=True)
