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
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", types.NoneType: "null"}


def schema() -> dict[str, Any]:
    """JSON schema, draft 2020-12. No key is required: a profile names what it changes, and a row what differs."""
    defs: dict[str, Any] = {}
    encoder, recipes = _of(EncoderRecipe, defs), {name: _of(entry.recipe, defs) for name, entry in BENCHMARKS.items()}
    _of(Params, defs)
    defs["EncoderRecipe"]["properties"]["method"] = {"enum": sorted(method_entries())}
    any_recipe = {}
    for properties in (defs[entry.recipe.__name__]["properties"] for entry in BENCHMARKS.values()):
        if "mpii" in properties:  # the file says whether; its folder is that of the data set
            properties["mpii"] = {"type": "boolean"}
        any_recipe |= properties
    top = defs.pop("Params")["properties"] | {
        "data": _mapping({name: {"type": "string"} for name in DATA_SETS}),
        "encoders": _mapping({"defaults": encoder, "rows": _each(_or_null(encoder))}),
        "benchmarks": _mapping(recipes),
        "variants": _each(_mapping(any_recipe | recipes)),
    }
    overlay = {key: value for key, value in top.items() if key != "profile"} | {"extends": {"type": "string"}}
    root = _mapping(top | {"profiles": _each(_or_null(_mapping(overlay)))})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "params.yaml", "$defs": defs, **root}


def _of(kind: Any, defs: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type that `liftedcl.identity.strict.parse` reads; those of dataclasses are put into ``defs``."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return {}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_of(argument, defs) for argument in arguments]}
    if dataclasses.is_dataclass(kind):
        hints, about = typing.get_type_hints(kind), inspect.getdoc(kind).split("\n\n")[0].replace("\n", " ")
        fields = {field.name: _or_null(_of(hints[field.name], defs)) for field in dataclasses.fields(kind)}
        defs[kind.__name__] = _mapping(fields) | {"description": about}
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if origin is tuple:
        length = {} if arguments[-1] is Ellipsis else {"minItems": len(arguments), "maxItems": len(arguments)}
        return {"type": "array", "items": _of(arguments[0], defs), **length}
    return _each(_of(arguments[1], defs)) if origin is dict else {"type": _TYPES[kind]}


def _mapping(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _each(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def _or_null(value: dict[str, Any]) -> dict[str, Any]:
    """``value``, or null, with which a profile takes back what is below it."""
    null = {"type": "null"}
    return value if null in value.get("anyOf", []) else {"anyOf": [*value.get("anyOf", [value]), null]}


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m workflow.create.params_schema", description=f"Write {FILE}, the JSON schema of params.yaml."
    ).parse_args()
    write_text(FILE, json.dumps(schema(), sort_keys=True) + "\n")


if __name__ == "__main__":
    run_cli(main)
