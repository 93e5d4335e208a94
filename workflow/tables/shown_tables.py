"""tables.yaml and params.yaml -> the tables as they are shown: which rows, which columns. No torch."""

import itertools
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from downstream.registry import BENCHMARKS
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict import parse, require_choice
from liftedcl.identity.strict_text import read_yaml
from liftedcl.recipes.backbone_names import family_of
from liftedcl.recipes.weight_sources import SOURCES
from workflow.benchmark_recipes import SEPARATOR, benchmark_of
from workflow.params import Params
from workflow.tables.csv_columns import taken
from workflow.tables.table_spec import FROZEN, Column, Row, Table, main_tables

_OTHER_RESULTS = ("index", "lifting", "metrics", "report", "run_times", "training_summary")
"""Names of files in results/ that are no table's."""

FIGURES = (
    "figure5", "figure6", "figure7", "figure8", "lifting_progress", "completion_progress", "cross_attention",
    "training_curves",
)  # fmt: skip
"""The figures that the rules draw; a table names those that are made with it."""


def read_tables(path: str | Path, params: Params) -> dict[str, Table]:
    """Read tables.yaml: the tables as they are shown, in which each column names its benchmark and metric.

    Raises:
        InputError: the YAML is unreadable, a key is unknown, params.yaml lacks the encoder or variant of a row, leaves
            out a baseline or names a table that isn't there, nothing makes a benchmark or figure, a baseline or
            difference names a row or column that isn't there, or a row's backbone is of another family than the
            baseline's.
    """
    tables = parse(dict[str, Table], read_yaml(path), f"{Path(path).name}: ")
    for name in params.tables.made or ():
        require_choice(name, tables, "params.yaml: tables.made")
    freezable = [name for name, table in tables.items() if _freezable(table, params)]
    for name in params.tables.frozen:
        if name not in freezable:
            rule = f"is none of {', '.join(freezable)}, the tables that can show frozen encoders"
            raise InputError(f"params.yaml: tables.frozen: {name!r} {rule}")
    named = {row.encoder for table in tables.values() for row in table.rows}
    unnamed = [encoder for encoder in params.encoders if encoder not in named]
    shown = {}
    for name in params.tables.made or tables:
        alike = [encoder for encoder in unnamed if _family(encoder, params) == _family(_baseline(tables[name]), params)]
        whole = _checked(name, _extended(_with_frozen(name, tables[name], params), alike, params), params)
        shown[name] = _without_weights(_selected(name, whole, alike, params), params)
    return shown


def encoders_run(tables: Iterable[Table]) -> list[str]:
    """The encoders that rows of ``tables`` need, sorted."""
    return sorted({row.encoder for table in tables for row in table.rows if not row.lacks})


def _freezable(table: Table, params: Params) -> bool:
    """Whether every row has runs with the encoder frozen: not if rows are variants, for a run is only one variant."""
    runs = {_frozen_run(column.benchmark or table.benchmark) for column in table.columns}
    return all(row.run(run) in params.benchmarks for row in table.rows for run in runs)


def _frozen_run(benchmark: str) -> str:
    return f"{benchmark}{SEPARATOR}{FROZEN}"


def _with_frozen(name: str, table: Table, params: Params) -> Table:
    """``table`` with each benchmark's first metric once more, of the frozen encoders, if params.yaml asks for that."""
    if name not in params.tables.frozen:
        return table
    columns: list[Column] = []
    for column in table.columns:
        benchmark, before = column.benchmark or table.benchmark, {of.benchmark or table.benchmark for of in columns}
        columns.append(column)
        if benchmark not in before:
            columns.append(
                replace(
                    column,
                    key=f"frozen_{column.key}",
                    name=f"frozen {column.name}",
                    benchmark=_frozen_run(benchmark),
                    metric=column.metric or column.key,
                )
            )
    return replace(table, columns=tuple(columns))


def _extended(table: Table, encoders: list[str], params: Params) -> Table:
    """``table`` with a row for each of ``encoders`` in each of its variants, if it extends."""
    if not table.extends:
        return table
    variants = list(dict.fromkeys(row.variant for row in table.rows))
    rows = []
    for encoder, variant in itertools.product(encoders, variants):
        method = f"{encoder}, {variant}" if variant and len(variants) > 1 else encoder
        rows.append(Row(encoder, method, _data_of(encoder, params), variant))
    return replace(table, rows=(*table.rows, *rows))


def _selected(name: str, table: Table, unnamed: list[str], params: Params) -> Table:
    """``table`` with the rows that params.yaml selects and those ``unnamed``, and the differences between them.

    A table of a family of backbones of which params.yaml selects no row has all of its rows.
    """
    family, selected = _family(_baseline(table), params), params.tables.rows
    if not table.extends or selected is None:
        return table
    chosen = [encoder for encoder in selected if _family(encoder, params) == family]
    if selected and not chosen:
        return table
    rows = tuple(row for row in table.rows if row.encoder in (*chosen, *unnamed))
    names = {row.name for row in rows}
    if table.baseline not in names:
        raise InputError(f"params.yaml: tables.rows: lacks {table.baseline}, the baseline of {name}; add its encoder")
    differences = tuple(of for of in table.differences if {of.row, of.against} <= names)
    return replace(table, rows=rows, differences=differences)


def overview_tables(encoder: str, tables: dict[str, Table], params: Params) -> dict[str, Table]:
    """Benchmark -> the table whose columns an encoder's overview has.

    That is the first table about the benchmark alone; where its rows' backbones are of another family, the headline of
    the encoder's own family, with the runs that it has there (``coco-vit``).
    """
    family = _family(encoder, params)
    own = [table for table in tables.values() if table.extends and _family(_baseline(table), params) == family]
    found = main_tables(tables)
    for benchmark, main in found.items():
        headlines = (column for table in own for column in table.columns if benchmark_of(column.benchmark) == benchmark)
        if family not in (None, _family(_baseline(main), params)) and (headline := next(headlines, None)):
            found[benchmark] = replace(main, benchmark=headline.benchmark, columns=(headline,))
    return found


def _data_of(encoder: str, params: Params) -> str:
    """What an encoder was made from, after the encoders that it started from."""
    recipe = params.encoders[encoder]
    made_of = recipe.images or recipe.source or recipe.method
    return f"{_data_of(recipe.start, params)}, then {made_of}" if recipe.start else made_of


def _checked(name: str, table: Table, params: Params) -> Table:
    columns = tuple(
        replace(column, benchmark=column.benchmark or table.benchmark, metric=column.metric or column.key)
        for column in table.columns
    )
    table = replace(table, columns=columns)
    for run in (table.benchmark, *table.benchmarks):
        _require(benchmark_of(run), BENCHMARKS, f"{name}.benchmark")
    for figure in table.figures:
        _require(figure, FIGURES, f"{name}.figures")
    for row in table.rows:
        if row.encoder not in params.encoders:
            raise InputError(f"tables.yaml: {name}: encoder {row.encoder!r} is not a row of params.yaml")
        if other := [of for of in table.benchmarks if row.run(of) not in params.benchmarks]:
            raise InputError(f"tables.yaml: {name}: {row.name}: {other[0]} has no variant {row.variant!r}")
    if not name.isidentifier() or name in _OTHER_RESULTS or name.startswith("benchmarks_"):
        raise InputError(f"tables.yaml: {name}: a name is letters, digits and _, and no other file's in results/")
    names, keys = [row.name for row in table.rows], [column.key for column in columns]
    if own := taken([*keys, *table.settings]):
        raise InputError(f"tables.yaml: {name}: {own!r} is a column of the csv already; take another key")
    if twice := [row for row in names if names.count(row) > 1]:
        raise InputError(f"tables.yaml: {name}.rows: {twice[0]!r} appears twice; remove one")
    _require(table.baseline, names, f"{name}.baseline")
    for difference in table.differences:
        for row in (difference.row, difference.against):
            _require(row, names, f"{name}.differences")
        for key in difference.values:
            _require(key, keys, f"{name}.differences")
    for row in table.rows:
        if _family(row.encoder, params) != _family(_baseline(table), params):
            ours, theirs = (params.encoders[encoder].backbone for encoder in (row.encoder, _baseline(table)))
            raise InputError(
                f"tables.yaml: {name}: {row.encoder} is a {ours}, its baseline {table.baseline} a {theirs}; no table "
                "has vision transformers beside other backbones: a row of another name in params.yaml comes into the "
                "tables of its kind"
            )
    return table


def _baseline(table: Table) -> str:
    """The encoder of the table's baseline."""
    return table.baseline.partition(SEPARATOR)[0]


def _family(encoder: str, params: Params) -> str | None:
    """Of the encoder's backbone; None if params.yaml has no such encoder."""
    return family_of(params.encoders[encoder].backbone) if encoder in params.encoders else None


def _without_weights(table: Table, params: Params) -> Table:
    """``table`` in which rows say which published file they lack, if it is optional."""
    if not table.weights_optional:
        return table
    return replace(table, rows=tuple(replace(row, lacks=_lacking(row.encoder, params)) for row in table.rows))


def _lacking(encoder: str, params: Params) -> str:
    """The published files that ``encoder`` or the one it starts from is read from and that are not there, in words."""
    sources = [SOURCES[of.source] for of in map(params.encoders.get, params.chain(encoder)) if of.source]
    absent = [(Path(params.data["weights"], source.file), source) for source in sources]
    return "; ".join(f"{path} is not there, get it from {of.page}" for path, of in absent if not os.path.exists(path))


def _require(value: str, choices: object, key: str) -> None:
    if value not in choices:
        raise InputError(f"tables.yaml: {key}: {value!r} is none of {', '.join(choices)}")
