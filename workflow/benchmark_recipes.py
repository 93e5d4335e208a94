"""Recipes of the fine-tunings: each benchmark's own and, as ``BENCHMARK-VARIANT``, the same with some values changed.

A variant is an entry of params.yaml's ``variants``, such as ``probe: {probe: true}``. It exists for every benchmark
whose recipe has all of its keys, and changes more of a benchmark that it names. With nothing but names of benchmarks it
exists for these alone.

Resolved here: ``mpii: true`` becomes the folder of MPII, and a 3D prior gets the angles of the sampled skeletons.
"""

import dataclasses
from typing import Any

from downstream.registry import BENCHMARKS
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict import parse
from liftedcl.recipes.data_recipes import Angles, Skeletons
from liftedcl.skeletons.skeleton import HINGED

SEPARATOR = "-"


def benchmark_of(run: str) -> str:
    """The benchmark that ``run``, a key of what `benchmark_recipes` returns, is a variant of."""
    return run.split(SEPARATOR)[0]


def benchmark_recipes(benchmarks: Any, variants: Any, skeletons: Skeletons, data: dict[str, str]) -> dict[str, Any]:
    """Parse params.yaml's ``benchmarks`` and ``variants``.

    Args:
        variants: variant -> values that replace some of a recipe's.
        skeletons: its ranges apply to the joints for which a 3D prior gives no angles.
        data: the folder of each data set.

    Returns:
        'BENCHMARK' and 'BENCHMARK-VARIANT' -> recipe.

    Raises:
        InputError: a key is unknown or missing, or has a wrong value; the message names the key.
    """
    where = "params.yaml: benchmarks"
    if not isinstance(benchmarks, dict):
        raise InputError(f"{where}: {benchmarks!r} is not a mapping of benchmarks to recipes")
    if unknown := sorted(set(benchmarks) ^ set(BENCHMARKS)):
        problem = "missing" if unknown[0] in BENCHMARKS else f"unknown key; there are {', '.join(BENCHMARKS)}"
        raise InputError(f"{where}.{unknown[0]}: {problem}")
    recipes = {name: _parse(name, benchmarks[name], f"{where}.{name}", skeletons, data) for name in benchmarks}
    for variant, changes in (variants or {}).items():
        recipes |= _variant(variant, changes, benchmarks, skeletons, data)
    return recipes


def _variant(
    variant: str, changes: Any, benchmarks: dict[str, Any], skeletons: Skeletons, data: dict[str, str]
) -> dict[str, Any]:
    where = f"params.yaml: variants.{variant}"
    if not isinstance(changes, dict) or not changes:
        raise InputError(f"{where}: {changes!r} is not a mapping of a recipe's keys to values")
    if not variant.isidentifier():
        raise InputError(f"{where}: a variant's name has letters, digits and _ only")
    named = {name: of for name, of in changes.items() if name in BENCHMARKS}
    common = {key: value for key, value in changes.items() if key not in named}
    fields = {name: BENCHMARKS[name].recipe.__dataclass_fields__ for name in benchmarks}
    of_all = [name for name in benchmarks if common and common.keys() <= fields[name].keys()]
    if common and not of_all:
        raise InputError(f"{where}: no benchmark's recipe has the keys {', '.join(common)}")
    if wrong := [name for name, of in named.items() if not isinstance(of, dict)]:
        raise InputError(f"{where}.{wrong[0]}: {named[wrong[0]]!r} is not a mapping of a recipe's keys to values")
    values = {name: common | named.get(name, {}) for name in dict.fromkeys([*of_all, *named])}
    return {
        f"{name}{SEPARATOR}{variant}": _parse(name, benchmarks[name] | value, f"{where} ({name})", skeletons, data)
        for name, value in values.items()
    }


def _parse(name: str, values: Any, where: str, skeletons: Skeletons, data: dict[str, str]) -> Any:
    if isinstance(values, dict) and "mpii" in values:
        if not isinstance(mixed := values["mpii"], bool):
            raise InputError(f"{where}.mpii: {mixed!r} is not true or false; data.mpii gives the folder")
        values = values | {"mpii": data["mpii"] if mixed else None}
    recipe = parse(BENCHMARKS[name].recipe, values, where)
    prior = getattr(recipe, "prior", None)
    if prior is None:
        return recipe
    if "chained" not in skeletons.ranges:
        raise InputError(f"{where}.prior: its angles come from skeletons.ranges.chained, which is missing")
    bends = {**bends_of(skeletons.ranges["chained"]), **prior.bends}
    return dataclasses.replace(recipe, prior=dataclasses.replace(prior, bends=bends))


def bends_of(ranges: dict[str, Angles]) -> dict[str, tuple[float, float]]:
    """``SkeletonPriorRecipe.bends`` from the ranges that chained skeletons are sampled from (liftedcl/prior.py).

    There ``a`` bends a bone away from its parent bone, so the angle between the two is |a|, whatever ``b`` and ``c``
    are. Hips and belly have no parent bone, so their ranges limit no angle.
    """
    bends = {}
    for joint in HINGED:
        low, high = ranges[joint].a
        nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        bends[joint] = (nearest, min(max(abs(low), abs(high)), 180.0))
    return bends
