"""``python -m workflow.create method|benchmark NAME``: writes files that pass at once, and says what to add where."""

import argparse
import keyword
import re
from pathlib import Path
from string import Template
from typing import Any

from downstream.registry import BENCHMARKS, DATA_SETS
from liftedcl.files.atomic import write_text
from liftedcl.identity.errors import InputError, run_cli

_TEMPLATES = Path(__file__).resolve().parent
_ADDED = {
    "data": "params.yaml, below `data:`",
    "recipe": "params.yaml, below `benchmarks:`",
    "table": "workflow/tables/tables.yaml, at the end",
}
"""Templates of lines for a new benchmark -> where they belong."""


def create_method(name: str, out: Path) -> dict[str, str]:
    """Write ``out/NAME.py``; returns the files that are to be edited, each with the line to add below which one.

    Raises:
        InputError: ``name`` is no name, or the file is there.
    """
    file = out / f"{name}.py"
    _write({file: _TEMPLATES / "method" / "NAME.py.template"}, name)
    return {"params.yaml, below `rows:` of `encoders`": _filled(_TEMPLATES / "added/row.template", name, file=file)}


def create_benchmark(name: str, root: Path) -> dict[str, str]:
    """Write the package ``root/downstream/NAME``; returns as `create_method`.

    Raises:
        InputError: ``name`` is no name or a benchmark's or data set's already, or files are there.
    """
    if name in BENCHMARKS or name in DATA_SETS:
        raise InputError(f"{name}: is a benchmark or a data set already; take another name")
    folder = root / "downstream" / name
    _write({folder / path.stem: path for path in sorted((_TEMPLATES / "benchmark").glob("*.template"))}, name)
    return {place: _filled(_TEMPLATES / f"added/{what}.template", name) for what, place in _ADDED.items()}


def _write(files: dict[Path, Path], name: str) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise InputError(f"{name}: is no name of a module; use small letters, digits and _, and a letter first")
    if there := [path for path in files if path.exists()]:
        raise InputError(f"{there[0]}: is there already; take another name or folder")
    for path, template in files.items():
        write_text(path, _filled(template, name))
        print(f"wrote {path}")


def _filled(template: Path, name: str, **more: Any) -> str:
    names = {"name": name, "class_name": "".join(part.title() for part in name.split("_")), **more}
    return Template(template.read_text(encoding="utf-8")).substitute(names)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.create",
        description="Write a pre-training method or a benchmark that runs as it is, to be changed into your own.",
    )
    parser.add_argument("kind", choices=["method", "benchmark"])
    parser.add_argument("name", metavar="NAME", help="small letters, digits and _")
    parser.add_argument("--out", type=Path, default=Path(), help="folder of a method (default: here); of a benchmark, "
                        "the repository")  # fmt: skip
    arguments = parser.parse_args(words)
    creating = create_method if arguments.kind == "method" else create_benchmark
    for place, text in creating(arguments.name, arguments.out).items():
        print(f"\nadd to {place}:\n{text}", end="")
    name = arguments.name
    first, table = f"python -m workflow.check_method {arguments.out / name}.py", "table4"
    if arguments.kind == "benchmark":
        first, table = f"python -m downstream.{name}", name
    print("\nthen run:", first, f"snakemake --cores all results/{table}.csv", sep="\n  ")


if __name__ == "__main__":
    run_cli(main)
