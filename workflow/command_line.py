"""What Snakemake's command line changes of params.yaml, and what a table calls values that it changed."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from downstream.registry import DATA_SETS
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict_text import read_yaml, yaml_value
from workflow.params import Params, merge


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `planned_words` reads: what snakemake would be asked for."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="files or rules (default: the paper's tables)")
    parser.add_argument("--config", nargs="+", default=[], metavar="KEY=VALUE", help="as of snakemake")
    parser.add_argument("--configfile", nargs="+", default=[], metavar="FILE", help="as of snakemake")


def planned_words(arguments: argparse.Namespace) -> list[str]:
    """Snakemake's command line, for `snakemake_internals.plan`."""
    options = {"--config": arguments.config, "--configfile": arguments.configfile}
    return [*arguments.targets, *(word for name, values in options.items() if values for word in (name, *values))]


def command_line_values(files: Iterable[str | Path], words: Iterable[str]) -> dict[str, Any]:
    """What ``--configfile`` and ``--config KEY=VALUE`` change; what comes later wins.

    A data set's folder and the profile are taken as they are written. Any other value is YAML, as in params.yaml.

    Raises:
        InputError: a file or a value is not YAML.
    """
    values: dict[str, Any] = {}
    for file in files:
        content = read_yaml(file)
        if not isinstance(content, dict):
            raise InputError(f"{file}: is not a mapping of keys to values, as params.yaml is")
        values = merge(values, content)
    for word in words:
        key, _, text = word.partition("=")
        is_name = key == "profile" or key in DATA_SETS
        values = merge(values, {key: text if is_name else yaml_value(text, f"--config {key}")})
    return values


def label_of(params: Params, overrides: dict[str, Any]) -> str:
    """What a table calls its values: the profile, and whether the command line changed its numbers."""
    changed = set(overrides) - {"profile", "data", *DATA_SETS, "seeds", "tables", "compute", "cluster"}
    return f"{params.profile} (changed)" if changed else params.profile
