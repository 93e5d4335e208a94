"""Strict parsing of plain YAML or JSON values into frozen dataclasses: unknown keys and wrong types are named."""

import dataclasses
import difflib
import types
import typing
from typing import Any

from liftedcl.errors import InputError


def parse(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML or JSON into ``kind`` (a dataclass, tuple, dict or scalar type), strictly.

    Raises:
        InputError: naming the key that is unknown, missing or of the wrong type.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else parse(arguments[0], value, where)
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
        elif field.default is dataclasses.MISSING:
            raise InputError(f"{_join(where, name)}: missing")
    try:
        return kind(**arguments)
    except ValueRuleError as problem:
        raise InputError(f"{_join(where, problem)}") from None


def _parse_scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise InputError(f"{where}: {value!r} is not of type {kind.__name__}")
    if kind is float and not abs(value) < float("inf"):
        raise InputError(f"{where}: {value!r} is not a finite number")
    return value


def _join(where: str, key: object) -> str:
    return f"{where}{key}" if where.endswith(": ") else f"{where}.{key}"


class ValueRuleError(InputError):
    """A value of the right type that can't be; the parser puts the path of the key before it."""


def require(condition: bool, key: str, rule: str) -> None:
    if not condition:
        raise ValueRuleError(f"{key}: {rule}")


def require_choice(value: str, choices: typing.Iterable[str], key: str) -> None:
    require(value in set(choices), key, f"{value!r} is none of {', '.join(choices)}")
