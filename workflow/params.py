"""params.yaml -> `Params`: what is to be run, resolved for one profile.

There are two merges: ``file <- profiles[profile] <- command line`` and, for encoders, ``defaults <- row``. Unknown
keys, wrong types and impossible combinations are errors that name the key. No torch here: Snakemake reads this.
"""

import argparse
import dataclasses
import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from downstream.registry import DATA_SETS
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.strict import parse, require, require_at_least, require_choice
from liftedcl.identity.strict_text import merge, read_yaml
from liftedcl.recipes.data_recipes import Crops, H36MPairs, NtuFrames, Pictures, Skeletons
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.encoder_rows import encoder_row
from liftedcl.recipes.image_sets import require_continued
from synthetic.recipes import Generated
from workflow.benchmark_recipes import benchmark_recipes
from workflow.cluster_recipe import Cluster

NO_ENCODER = ("reference", "bound")
"""Names of the rows that each table has of its own: the trivial predictor and the bound."""


@dataclass(frozen=True)
class Compute:
    """What one training job uses. ``threads`` is part of a run's identity: sums on a CPU depend on it.

    ``workers`` are processes that load data; no result depends on them. With ``gpus`` above 1, torchrun starts one
    process per GPU. ``compile`` lets torch.compile fuse the backbone's kernels in pre-training.
    """

    threads: int
    workers: int
    gpus: int
    compile: bool

    def __post_init__(self) -> None:
        require_at_least(self, 1, "threads")
        require_at_least(self, 0, "workers", "gpus")


@dataclass(frozen=True)
class Shown:
    """What tables show; no run depends on it.

    ``made`` are the tables that there are, None for all of tables.yaml. ``rows`` are the encoders in those that compare
    all encoders (tables.yaml: ``extends``), None for every one; encoders that no table names are there in any case, and
    all of a family of backbones of which none is chosen. The tables ``frozen`` show the first metric of each benchmark
    once more, with the encoder frozen.
    """

    made: tuple[str, ...] | None
    rows: tuple[str, ...] | None
    frozen: tuple[str, ...]


@dataclass(frozen=True)
class Params:
    """params.yaml, resolved for one profile.

    ``data`` holds the folder of each data set, ``benchmarks`` the recipe of each benchmark and, as
    ``BENCHMARK-VARIANT``, of its variants.
    """

    profile: str
    seeds: tuple[int, ...]
    data: dict[str, str]
    crops: Crops
    h36m_pairs: H36MPairs
    ntu_people: NtuFrames
    pictures: Pictures
    skeletons: Skeletons
    encoders: dict[str, EncoderRecipe]
    tables: Shown
    compute: Compute
    cluster: Cluster
    generated: Generated | None = None
    benchmarks: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = re.fullmatch(r"[\w-]+", self.profile) is not None
        require(plain, "profile", f"{self.profile!r} is in names of folders; it has letters, digits, _ and - only")
        different = len(self.seeds) > 0 and len(set(self.seeds)) == len(self.seeds)
        require(different, "seeds", f"{[*self.seeds]} is empty or has repeats; give a list of different numbers")
        require(min(self.seeds) >= 0, "seeds", f"{[*self.seeds]} has a number below 0; give numbers from 0 on")
        for name in {**self.data, **DATA_SETS}:
            require(name in DATA_SETS, f"data.{name}", f"unknown key; {_near(name, DATA_SETS)}")
            require(name in self.data, f"data.{name}", "missing; it gives the folder of that data set")
            usable = self.data[name].strip() and not set(self.data[name]) & set("{}\n")
            rule = "is empty, or has a brace or line break, with which Snakemake can't work; link it under another name"
            require(bool(usable), f"data.{name}", f"{self.data[name]!r} {rule}")
        for name in self.tables.rows or ():
            require_choice(name, self.encoders, "tables.rows")
        for name in self.encoders:
            require(name.isidentifier(), f"encoders.rows.{name}", "a row's name has letters, digits and _ only")
            require(name not in NO_ENCODER, f"encoders.rows.{name}", "one of the tables' own rows; take another name")
            self._check_chain(name)

    def chain(self, encoder: str) -> list[str]:
        """An encoder, the one that it starts from, and so on to the first."""
        start = self.encoders[encoder].start
        return [encoder, *(self.chain(start) if start else ())]

    def _check_chain(self, name: str) -> None:
        seen = [name]
        while (start := self.encoders[seen[-1]].start) is not None:
            require_choice(start, self.encoders, f"encoders.rows.{seen[-1]}.start")
            require_continued(self.encoders[seen[-1]], self.encoders[start], f"encoders.rows.{seen[-1]}")
            require(start not in seen, f"encoders.rows.{name}.start", "leads back to itself")
            same = self.encoders[start].backbone == self.encoders[seen[-1]].backbone
            require(same, f"encoders.rows.{seen[-1]}.start", f"{start} has another backbone")
            seen.append(start)


def read_params(path: str | Path, overrides: dict[str, Any] | None = None) -> Params:
    """Read and resolve params.yaml.

    Args:
        overrides: values that win over the file and its profile (Snakemake's ``--config``), where ``coco`` is short
            for ``data.coco``.

    Raises:
        InputError: the YAML is unreadable, or a key is unknown or has a wrong type or value; the message names the key.
    """
    return resolve(read_yaml(path), overrides or {})


def resolve(file: Any, overrides: dict[str, Any]) -> Params:
    """Merge ``file <- profile <- overrides`` and ``defaults <- row`` and check every key. See `read_params`."""
    merged = merged_values(file, overrides)
    encoders = merged["encoders"]
    merged["encoders"] = {
        name: encoder_row(name, encoders.get("defaults") or {}, row or {}) for name, row in encoders["rows"].items()
    }
    benchmarks, variants = merged.pop("benchmarks", None), merged.pop("variants", None)
    params = parse(Params, merged, "params.yaml: ")
    recipes = benchmark_recipes(benchmarks, variants, params.skeletons, params.data)
    skeletons = params.skeletons  # a run doesn't depend on the table of the composition that it doesn't use
    used = {skeletons.composition: skeletons.ranges[skeletons.composition]}
    return dataclasses.replace(params, skeletons=dataclasses.replace(skeletons, ranges=used), benchmarks=recipes)


def merged_values(file: Any, overrides: dict[str, Any]) -> dict[str, Any]:
    """``file <- profile <- overrides`` as plain values, of which only the places of the rows are checked."""
    if not isinstance(file, dict):
        raise InputError("params.yaml: is not a mapping of keys to values; see the copy in the repository")
    profiles = file.get("profiles") or {}
    if not isinstance(profiles, dict):
        raise InputError("params.yaml: profiles: is not a mapping of names to what each changes")
    overlay = _profile(str(overrides.get("profile", file.get("profile"))), profiles)
    merged = merge(merge({k: v for k, v in file.items() if k != "profiles"}, overlay), _with_folders(overrides))
    encoders = merged.get("encoders")
    if not isinstance(encoders, dict) or not isinstance(encoders.get("rows"), dict):
        raise InputError("params.yaml: encoders: needs `defaults` and `rows`")
    if unknown := set(encoders) - {"defaults", "rows"}:
        raise InputError(f"params.yaml: encoders.{sorted(unknown)[0]}: unknown key; there are defaults and rows")
    return merged


def _profile(name: str, profiles: dict[str, Any]) -> dict[str, Any]:
    """What profile ``name`` changes, put on top of what the profile that it ``extends`` changes, if it does."""
    if name not in profiles:
        raise InputError(f"params.yaml: profile: {name!r} is none of {', '.join(profiles)}")
    overlay = profiles[name] or {}
    if not isinstance(overlay, dict):
        raise InputError(f"params.yaml: profiles.{name}: {overlay!r} is not a mapping")
    own = {key: value for key, value in overlay.items() if key != "extends"}
    if "extends" not in overlay:
        return own
    base, others = overlay["extends"], {key: value for key, value in profiles.items() if key != name}
    if not isinstance(base, str) or base not in others:
        raise InputError(f"params.yaml: profiles.{name}.extends: {base!r} is none of {', '.join(others)}")
    return merge(_profile(base, others), own)


def _with_folders(overrides: dict[str, Any]) -> dict[str, Any]:
    """``overrides`` with the names of data sets, such as ``coco``, below ``data``."""
    folders = {name: folder for name, folder in overrides.items() if name in DATA_SETS}
    others = {key: value for key, value in overrides.items() if key not in folders}
    for key in set(others) - set(Params.__dataclass_fields__):
        if difflib.get_close_matches(key, DATA_SETS, n=1):
            raise InputError(f"params.yaml: {key}: unknown key; {_near(key, DATA_SETS)}")
    return merge(others, {"data": folders}) if folders else others


def _near(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.params",
        description="Print a resolved part of params.yaml as JSON, which --recipe of the other commands takes.",
        epilog="example: python -m workflow.params encoders.liftedcl_in_cc --profile paper",
    )
    parser.add_argument("part", nargs="?", default="", help="dotted name, such as crops or benchmarks.h36m_3d")
    parser.add_argument("--profile", help="another profile than the file's")
    parser.add_argument("--params", default="params.yaml", help="the file (default: %(default)s)")
    arguments = parser.parse_args()
    overrides = {"profile": arguments.profile} if arguments.profile else {}
    part = dataclasses.asdict(read_params(arguments.params, overrides))
    for key in filter(None, arguments.part.split(".")):
        if not isinstance(part, dict) or key not in part:
            known = f"there are {', '.join(part)}" if isinstance(part, dict) else "it has no parts"
            raise InputError(f"{arguments.params}: {arguments.part}: no {key!r} here; {known}")
        part = part[key]
    print(json.dumps(part, sort_keys=True))


if __name__ == "__main__":
    run_cli(main)
