"""``python -m workflow.create.params_schema``: the JSON schema of params.yaml, made from its dataclasses.

An editor completes keys and checks types with it. What depends on several values is checked when a run is planned.
"""

import argparse
import dataclasses
import inspect
import json
import types
import typing
from pathlib import Path
from typing import Any

from downstream.registry import BENCHMARKS, DATA_SETS
from liftedcl.files.atomic import write_text
from liftedcl.identity.errors import run_cli
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.method_entries import method_entries
from workflow.params import Params

FILE = Path("params.schema.json")
_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def schema() -> dict[str, Any]:
    """JSON schema, draft 2020-12. No key is required: a profile names what it changes, and a row what differs."""
    defs: dict[str, Any] = {}
    encoder, top = _of(EncoderRecipe, defs), _of(Params, defs)
    recipes = {name: _of(entry.recipe, defs) for name, entry in BENCHMARKS.items()}
    defs["EncoderRecipe"]["properties"]["method"] = {"enum": sorted(method_entries())}
    any_recipe = {}
    for entry in BENCHMARKS.values():
        properties = defs[entry.recipe.__name__]["properties"]
        if "mpii" in properties:  # the file says whether; its folder is that of the data set
            properties["mpii"] = {"type": "boolean"}
        any_recipe |= properties
    top = defs.pop(top["$ref"].rpartition("/")[2])["properties"] | {
        "data": _mapping({name: {"type": "string"} for name in DATA_SETS}),
        "encoders": _mapping({"defaults": encoder, "rows": _each(_or_null(encoder))}),
        "benchmarks": _mapping(recipes),
        "variants": _each(_mapping(any_recipe | recipes)),
    }
    overlay = _mapping({key: value for key, value in top.items() if key != "profile"} | {"extends": {"type": "string"}})
    root = _mapping(top | {"profiles": _each(_or_null(overlay))})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "params.yaml", "$defs": defs, **root}


def _of(kind: Any, defs: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type that `liftedcl.identity.strict.parse` reads; those of dataclasses are put into ``defs``."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or kind is types.NoneType:
        return {} if kind is Any else {"type": "null"}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_of(argument, defs) for argument in arguments]}
    if dataclasses.is_dataclass(kind):
        hints, about = typing.get_type_hints(kind), inspect.getdoc(kind).split("\n\n")[0].replace("\n", " ")
        fields = {field.name: _or_null(_of(hints[field.name], defs)) for field in dataclasses.fields(kind)}
        defs[kind.__name__] = _mapping(fields) | {"description": about}
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if origin is tuple:
        open_ended = arguments[-1] is Ellipsis
        length = {} if open_ended else {"minItems": len(arguments), "maxItems": len(arguments)}
        return {"type": "array", "items": _of(arguments[0], defs), **length}
    if origin is dict:
        return _each(_of(arguments[1], defs))
    return {"type": _SCALARS[kind]}


def _mapping(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _each(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def _or_null(value: dict[str, Any]) -> dict[str, Any]:
    """``value``, or null, with which a profile takes back what is below it."""
    null = {"type": "null"}
    return value if null in value.get("anyOf", []) else {"anyOf": [*value.get("anyOf", [value]), null]}


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.create.params_schema", description="Write the JSON schema of params.yaml."
    )
    parser.add_argument("--out", type=Path, default=FILE, help="the file (default: %(default)s)")
    write_text(parser.parse_args(words).out, json.dumps(schema(), sort_keys=True) + "\n")


if __name__ == "__main__":
    run_cli(main)
