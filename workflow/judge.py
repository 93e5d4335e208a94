"""``python -m workflow.judge ENCODER.pt --backbone NAME``: one encoder in its tables' columns, without editing a file.

It becomes a row of the method ``own`` for this call alone, beside an untrained encoder of the same backbone. Snakemake
runs what is missing; then the lines of both, of the trivial predictor and of the bound are printed.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from downstream.registry import BENCHMARKS
from liftedcl.files.atomic import sha256_of_file
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.recipes.backbone_names import require_backbone
from workflow.benchmark_recipes import benchmark_of
from workflow.command_line import command_line_values, label_of
from workflow.layout import Layout, layout_of
from workflow.params import Params, merge, read_params
from workflow.tables.computed_table import computed_table
from workflow.tables.shown_tables import read_tables
from workflow.tables.stored_scores import read_scores
from workflow.tables.table_spec import Row, Table
from workflow.tables.table_text import markdown

_REPOSITORY = Path(__file__).resolve().parents[1]


def added_rows(file: Path, backbone: str, params: Params) -> tuple[str, str, dict[str, Any]]:
    """The names of the encoder's row and of the untrained one beside it, and what is added to ``encoders.rows``.

    The first name holds a part of the file's checksum, so that another file never takes the place of its runs. A row of
    params.yaml that is the untrained encoder already is not added.
    """
    name = f"own_{re.sub(r'[^a-zA-Z0-9]', '_', file.stem)}_{sha256_of_file(file)[:8]}"
    inside = file.is_relative_to(_REPOSITORY)
    rows = {
        name: {"method": "own", "file": str(file.relative_to(_REPOSITORY) if inside else file), "backbone": backbone}
    }
    untrained = (
        row for row, recipe in params.encoders.items() if (recipe.method, recipe.backbone) == ("random", backbone)
    )
    random = next(untrained, f"random_{re.sub(r'[^a-zA-Z0-9]', '_', backbone)}")
    if random not in params.encoders:
        rows[random] = {"method": "random", "backbone": backbone}
    return name, random, rows


def judged_tables(tables: Iterable[Table], benchmarks: Iterable[str], rows: tuple[Row, ...]) -> list[Table]:
    """For each benchmark, the first of ``tables`` that has the last row's encoder fine-tuned, with ``rows`` alone."""
    judged = []
    for benchmark in benchmarks:
        for table in tables:
            columns = tuple(column for column in table.columns if benchmark_of(column.benchmark) == benchmark)
            whole = [row.encoder for row in table.rows if not row.variant]
            if columns and rows[-1].encoder in whole and len(whole) == len(table.rows) and table.extends:
                judged.append(replace(table, columns=columns, rows=rows, baseline=rows[0].name, differences=()))
                break
    return judged


def judge(
    file: Path, backbone: str, benchmarks: list[str], *, words: list[str], files: list[str], options: list[str]
) -> int:
    """Run what is missing and print the lines, in the repository's folder; returns Snakemake's exit status.

    Args:
        file: absolute.
        words, files: as of snakemake's ``--config`` and ``--configfile``.
        options: others of snakemake; with ``--dry-run`` nothing is run and no line is printed.

    Raises:
        InputError: before anything is run: no such file, backbone or key, or the file doesn't fit the backbone.
    """
    values = command_line_values(files, words)
    before = read_params("params.yaml", values)
    _require_encoder(file, backbone)
    name, random, rows = added_rows(file, backbone, before)
    added = {"encoders": {"rows": rows}}
    params = read_params("params.yaml", merge(merge(values, added), {"tables": {"made": None, "rows": None}}))
    both = (Row(random, "random initialisation", "-"), Row(name, file.name, "own"))
    tables = judged_tables(read_tables("workflow/tables/tables.yaml", params).values(), benchmarks, both)
    layout = layout_of(params)
    targets = [f"{layout.benchmark(*run)}/metrics.json" for table in tables for run in table.runs(params.seeds)]
    targets += [layout.reference(benchmark) for benchmark in benchmarks]
    command = [sys.executable, "-m", "snakemake", *dict.fromkeys(targets), *options]
    command += ["--configfile", *files] if files else []
    command += ["--config", *words, f"encoders={json.dumps(added['encoders'])}"]
    status = subprocess.run(command).returncode
    if "--dry-run" not in options:
        for table in tables:
            print(_lines(table, params, label_of(params, values), layout))
    return status


def _require_encoder(file: Path, backbone: str) -> None:
    """Raises `InputError` unless ``file`` holds the weights of ``backbone``, by trying to import it."""
    require_backbone(backbone, "--backbone")
    if not file.is_file():
        raise InputError(f"{file}: no such file; name the file with your encoder's state dict")
    if set(str(file)) & set("{}\n"):
        raise InputError(
            f"{file}: has a brace or line break, with which Snakemake can't work; link it under another name"
        )
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "liftedcl.weights", "import", str(file), "--source", "own"]
        command += ["--backbone", backbone, "--out", f"{folder}/encoder.pt"]
        tried = subprocess.run(command, capture_output=True, text=True, errors="backslashreplace")
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or ["the import ended without a word"])[-1]
        raise InputError(last.removeprefix("error: "))
    print(tried.stdout.strip(), file=sys.stderr)


def _lines(table: Table, params: Params, label: str, layout: Layout) -> str:
    """The table as Markdown with aligned columns; a run that is missing says why."""
    seeds = list(params.seeds)
    scores = read_scores(table, seeds, layout, partly=True)
    made = computed_table(table, scores, profile=label, seeds=seeds, layout=layout, csv=Path("results/judged.csv"))
    lines = markdown(made, table.settings).splitlines()
    rows = [line.strip("|").split(" | ") for line in lines if line.startswith("| ")]
    widths = [max(len(row[i].strip()) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_aligned(line, widths) for line in lines) + "\n"


def _aligned(line: str, widths: list[int]) -> str:
    if not line.startswith("| "):
        return line
    cells = [cell.strip().ljust(width) for cell, width in zip(line.strip("|").split(" | "), widths, strict=True)]
    return f"| {' | '.join(cells)} |"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.judge",
        description="Judge an encoder: fine-tune it on the benchmarks, and print its line in their tables.",
        epilog="example: python -m workflow.judge encoder.pt --backbone vit_b16 --benchmarks coco lip --profile study",
    )
    add = parser.add_argument
    add("encoder", type=Path, metavar="ENCODER.pt", help="a state dict with the backbone's names (docs/extending.md)")
    add("--backbone", required=True, metavar="NAME", help="such as resnet50, vit_b16 or timm/convnext_tiny")
    add(
        "--benchmarks",
        nargs="+",
        default=[*BENCHMARKS],
        metavar="NAME",
        help=f"of {', '.join(BENCHMARKS)} (default: all)",
    )
    add("--profile", help="of params.yaml (default: the file's)")
    add("--cores", default="all", help="as of snakemake (default: %(default)s)")
    add("-n", "--dry-run", action="store_true", help="show what would run")
    add("--config", nargs="+", default=[], metavar="KEY=VALUE", help="as of snakemake, such as coco=FOLDER")
    add("--configfile", nargs="+", default=[], metavar="FILE", help="as of snakemake")
    arguments = parser.parse_args(argv)
    for name in arguments.benchmarks:
        if name not in BENCHMARKS:
            raise InputError(f"--benchmarks: {name!r} is none of {', '.join(BENCHMARKS)}")
    file = Path(os.path.abspath(arguments.encoder))
    words = [*arguments.config, *([f"profile={arguments.profile}"] if arguments.profile else [])]
    files, benchmarks = list(map(os.path.abspath, arguments.configfile)), list(dict.fromkeys(arguments.benchmarks))
    options = ["--cores", arguments.cores, *(["--dry-run"] if arguments.dry_run else [])]
    with contextlib.chdir(_REPOSITORY):
        status = judge(file, arguments.backbone, benchmarks, words=words, files=files, options=options)
    if status:
        sys.exit(status)


if __name__ == "__main__":
    run_cli(main)
