"""Strict parsing of plain YAML or JSON values into frozen dataclasses; errors name unknown keys and wrong types."""

import dataclasses
import difflib
import types
import typing
from typing import Any

from liftedcl.identity.errors import InputError


def parse(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML or JSON into ``kind``, which is a dataclass, tuple, dict or scalar type.

    Raises:
        InputError: a key is unknown, missing or of the wrong type; the message names it.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None and types.NoneType in arguments:
            return None
        kinds = [kind for kind in arguments if kind is not types.NoneType]
        listed = isinstance(value, list | tuple)  # int | tuple[int, int] takes a number or a list
        fitting = [kind for kind in kinds if (typing.get_origin(kind) is tuple) == listed]
        return parse((fitting or kinds)[0], value, where)
    if dataclasses.is_dataclass(kind):
        return _parse_dataclass(kind, value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where}: {value!r} is not a list")
        items = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(items) != len(value):
            raise InputError(f"{where}: {value!r} needs {len(items)} values")
        return tuple(parse(item, element, where) for item, element in zip(items, value, strict=True))
    if origin is dict:
        if not isinstance(value, dict):
            raise InputError(f"{where}: {value!r} is not a mapping")
        return {str(key): parse(arguments[1], element, _join(where, key)) for key, element in value.items()}
    return _parse_scalar(kind, value, where)


def _parse_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise InputError(f"{where}: {value!r} is not a mapping")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in value:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(fields)}"
            raise InputError(f"{_join(where, key)}: unknown key; {hint}")
    hints = typing.get_type_hints(kind)
    arguments = {}
    for name, field in fields.items():
        if name in value:
            arguments[name] = parse(hints[name], value[name], _join(where, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{_join(where, name)}: missing")
    try:
        return kind(**arguments)
    except ValueRuleError as problem:
        raise InputError(f"{_join(where, problem)}") from None


def _parse_scalar(kind: Any, value: Any, where: str) -> Any:
    if isinstance(value, int) and abs(value) >= 2**63:  # beyond what numpy and torch count with
        raise InputError(f"{where}: the number is beyond 2^63")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        remedy = "; a name that looks like a number needs quotes" if kind is str else ""
        raise InputError(f"{where}: {value!r} is not of type {kind.__name__}{remedy}")
    if kind is float and not abs(value) < float("inf"):
        raise InputError(f"{where}: {value!r} is not a finite number")
    return value


def _join(where: str, key: object) -> str:
    return f"{where}{key}" if where.endswith(": ") else f"{where}.{key}"


class ValueRuleError(InputError):
    """A value of the right type that breaks a rule; the parser puts the path of the key before the message."""


def require(condition: bool, key: str, rule: str) -> None:
    if not condition:
        raise ValueRuleError(f"{key}: {rule}")


def require_at_least(recipe: Any, low: float, *keys: str) -> None:
    """Each field ``keys`` of ``recipe`` is ``low`` or more."""
    for key in keys:
        require(getattr(recipe, key) >= low, key, f"{getattr(recipe, key)!r} is below {low:g}")


def require_positive(recipe: Any, *keys: str) -> None:
    """Each field ``keys`` of ``recipe`` is above 0."""
    for key in keys:
        require(getattr(recipe, key) > 0, key, f"{getattr(recipe, key)!r} is not above 0")


def require_share(recipe: Any, *keys: str) -> None:
    """Each field ``keys`` of ``recipe``, a probability or a share, is from 0 to 1."""
    for key in keys:
        require(0 <= getattr(recipe, key) <= 1, key, f"{getattr(recipe, key)!r} is not from 0 to 1")


def require_range(recipe: Any, key: str, low: float, high: float, remedy: str = "") -> None:
    """Field ``key`` of ``recipe`` is a pair [first, last] with ``low`` <= first <= last <= ``high``."""
    first, last = getattr(recipe, key)
    rule = f"[{first:g}, {last:g}] is not a range [low, high] within {low:g} and {high:g}"
    require(low <= first <= last <= high, key, f"{rule}; {remedy}" if remedy else rule)


def require_choice(value: str, choices: typing.Iterable[str], key: str) -> None:
    require(value in set(choices), key, f"{value!r} is not one of {', '.join(choices)}")
