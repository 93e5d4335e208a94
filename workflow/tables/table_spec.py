"""Tables as data (workflow/tables/tables.yaml): rows, columns, and the differences that the paper states."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from downstream.registry import BENCHMARKS
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict import parse, require_choice
from liftedcl.identity.strict_text import read_yaml
from workflow.benchmark_recipes import SEPARATOR, benchmark_of
from workflow.params import Params
from workflow.tables.csv_columns import taken

_OTHER_RESULTS = ("index", "lifting", "metrics", "report", "run_times", "training_summary")
"""Names of files in results/ that are no table's."""

FIGURES = (
    "figure5", "figure6", "figure7", "figure8", "lifting_progress", "completion_progress", "cross_attention",
    "training_curves",
)  # fmt: skip
"""The figures that the rules draw; a table names those that are made with it."""
_FROZEN = "probe"
"""The variant of params.yaml that freezes the encoder."""


@dataclass(frozen=True)
class Column:
    """A metric: its key in the csv, its name and unit in the table, and whether ``up`` or ``down`` is better.

    ``benchmark`` is the benchmark, or BENCHMARK-VARIANT, that it is a metric of, if that isn't the table's; ``metric``
    is its key in metrics.json, if that is another one.
    """

    key: str
    name: str
    unit: str
    better: str
    benchmark: str = ""
    metric: str = ""

    def __post_init__(self) -> None:
        require_choice(self.better, ("up", "down"), "better")

    @property
    def frozen(self) -> bool:
        """Whether the encoder stays as it is, and only the head is trained."""
        return self.benchmark.endswith(f"{SEPARATOR}{_FROZEN}")


@dataclass(frozen=True)
class Row:
    """An encoder of params.yaml under the paper's name for it, fine-tuned with a ``variant`` of the recipe or none."""

    encoder: str
    method: str
    data: str
    variant: str = ""

    @property
    def name(self) -> str:
        """The encoder, and the variant if there is one; what differences and the csv call the row."""
        return f"{self.encoder}{SEPARATOR}{self.variant}" if self.variant else self.encoder

    def run(self, benchmark: str) -> str:
        """The benchmark, or BENCHMARK-VARIANT, that this row runs for a column of ``benchmark``."""
        return f"{benchmark}{SEPARATOR}{self.variant}" if self.variant else benchmark


@dataclass(frozen=True)
class Difference:
    """What the paper states: the row named ``row`` minus the row named ``against``, per metric key."""

    row: str
    against: str
    source: str
    values: dict[str, float]


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        benchmark: whose metrics the columns are, unless they name another.
        reference: what the trivial predictor is, whose scores are in the first row.
        baseline: name of the row that the others are compared with.
        settings: keys of metrics.json that say how the scores were taken -> what the table calls them.
        extends: whether encoders of params.yaml that no table names come below the rows, which params.yaml may select.
    """

    title: str
    benchmark: str
    columns: tuple[Column, ...]
    reference: str
    baseline: str
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    figures: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    extends: bool = False

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """All benchmarks, or variants of them, that a row is run on."""
        return tuple(dict.fromkeys(column.benchmark for column in self.columns))

    def columns_of(self, benchmark: str) -> list[Column]:
        return [column for column in self.columns if column.benchmark == benchmark]

    def runs(self, seeds: Iterable[int]) -> list[tuple[str, str, int]]:
        """The arguments of `Layout.benchmark` for each fine-tuning that the table shows."""
        return [(row.run(name), row.encoder, seed) for row in self.rows for name in self.benchmarks for seed in seeds]


def read_tables(path: str | Path, params: Params) -> dict[str, Table]:
    """Read tables.yaml: the tables as they are shown, in which each column names its benchmark and metric.

    Raises:
        InputError: the YAML is unreadable, a key is unknown, params.yaml lacks the encoder or variant of a row, leaves
            out a baseline or names a table that isn't there, nothing makes a benchmark or figure, or a baseline or
            difference names a row or column that isn't there.
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
        table = tables[name]
        whole = _checked(name, _extended(_with_frozen(name, table, params), unnamed, params), params)
        shown[name] = _selected(name, whole, unnamed, params)
    return shown


def main_tables(tables: dict[str, Table]) -> dict[str, Table]:
    """Benchmark -> the first table that is about it alone."""
    alone: dict[str, Table] = {}
    for table in tables.values():
        if {benchmark_of(run) for run in table.benchmarks} == {table.benchmark}:
            alone.setdefault(table.benchmark, table)
    return alone


def _freezable(table: Table, params: Params) -> bool:
    """Whether every row has runs with the encoder frozen: not if rows are variants, for a run is only one variant."""
    runs = {_frozen_run(column.benchmark or table.benchmark) for column in table.columns}
    return all(row.run(run) in params.benchmarks for row in table.rows for run in runs)


def _frozen_run(benchmark: str) -> str:
    return f"{benchmark}{SEPARATOR}{_FROZEN}"


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
    """``table`` with the rows that params.yaml selects and those ``unnamed``, and the differences between them."""
    if not table.extends or params.tables.rows is None:
        return table
    rows = tuple(row for row in table.rows if row.encoder in (*params.tables.rows, *unnamed))
    names = {row.name for row in rows}
    if table.baseline not in names:
        raise InputError(f"params.yaml: tables.rows: lacks {table.baseline}, the baseline of {name}; add its encoder")
    differences = tuple(of for of in table.differences if {of.row, of.against} <= names)
    return replace(table, rows=rows, differences=differences)


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
    return table


def _require(value: str, choices: object, key: str) -> None:
    if value not in choices:
        raise InputError(f"tables.yaml: {key}: {value!r} is none of {', '.join(choices)}")
