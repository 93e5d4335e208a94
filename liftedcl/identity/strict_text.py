"""YAML and JSON that people write -> plain values, as they were written: nothing is dropped, no name becomes a number.

A key that stands twice is an error. In YAML, words without quotes are numbers, truth values or null only where YAML 1.2
says so: ``2024_10``, ``0140``, ``1:30``, ``2024-10-10``, ``on`` and ``no`` are texts.
"""

import json
import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from liftedcl.identity.errors import InputError

_WORDS = {
    "bool": ("tTfF", r"true|True|TRUE|false|False|FALSE"),
    "null": (["~", "n", "N", ""], r"~|null|Null|NULL|"),
    "int": ("-+0123456789", r"[-+]?(0|[1-9][0-9]*)"),
    "float": (
        "-+.0123456789",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    ),
    "merge": ("<", "<<"),
}
"""YAML's kinds of words without quotes: how they begin, and what they are. The first kind that fits counts."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with `_WORDS` in place of YAML 1.1's."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[str, Any]:
    first: dict[str, int] = {}
    for name, _ in node.value:
        if name.tag == "tag:yaml.org,2002:merge":
            continue
        key, line = loader.construct_object(name, deep=True), name.start_mark.line + 1
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(problem=f"the key {name.value} is not a text; put it in quotes or rename it",
                                       problem_mark=name.start_mark)  # fmt: skip
        if key in first:
            raise yaml.MarkedYAMLError(problem=f"{key} stands twice, first in line {first[key]}; remove one",
                                       problem_mark=name.start_mark)  # fmt: skip
        first[key] = line
    loader.flatten_mapping(node)
    return {loader.construct_object(name): loader.construct_object(value, deep=True) for name, value in node.value}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
for _kind, (_begins, _pattern) in _WORDS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern})\\Z"), list(_begins))


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``over`` put on top, key by key through nested mappings."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file of this repository, or one of ``--configfile``, which may be JSON.

    Raises:
        InputError: it is missing, or not what its name says.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        return json_value(text) if Path(path).suffix == ".json" else yaml_value(text, str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: not found; run this in the repository's root") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, or not JSON
        raise InputError(f"{path}: not valid: {error}") from None


def yaml_value(text: str, where: str) -> Any:
    """The value of a YAML text. Raises `InputError`, which begins with ``where``, if it is not YAML."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise InputError(f"{where}: not valid YAML: {line}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid YAML: {error}") from None


def json_value(text: str) -> Any:
    """The value of a JSON text. Raises `ValueError` if it is not JSON, `RecursionError` if it is nested too deeply."""
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice} stands twice")
    return found
