"""Tables as data (workflow/tables/tables.yaml): rows, columns, and the differences that the paper states."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from liftedcl.identity.strict import require_choice
from workflow.benchmark_recipes import SEPARATOR, benchmark_of

FROZEN = "probe"
"""The variant of params.yaml that freezes the encoder; names of others that do so end with _probe."""


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
        return self.benchmark.endswith((f"{SEPARATOR}{FROZEN}", f"_{FROZEN}"))


@dataclass(frozen=True)
class Row:
    """An encoder of params.yaml under the paper's name for it, fine-tuned with a ``variant`` of the recipe or none.

    ``lacks`` says which published file is not there, without which the row can't be run; "" if it can.
    """

    encoder: str
    method: str
    data: str
    variant: str = ""
    lacks: str = ""

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
            They have backbones of the baseline's family.
        published: what a paper states of its own runs, as a sentence below the table; no cell holds it.
        weights_optional: whether a row whose published file is not there says so, instead of being an error.
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
    published: str = ""
    weights_optional: bool = False

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """All benchmarks, or variants of them, that a row is run on."""
        return tuple(dict.fromkeys(column.benchmark for column in self.columns))

    def columns_of(self, benchmark: str) -> list[Column]:
        return [column for column in self.columns if column.benchmark == benchmark]

    def runs(self, seeds: Iterable[int]) -> list[tuple[str, str, int]]:
        """The arguments of `Layout.benchmark` for each fine-tuning that the table shows."""
        rows = [row for row in self.rows if not row.lacks]
        return [(row.run(name), row.encoder, seed) for row in rows for name in self.benchmarks for seed in seeds]


def main_tables(tables: dict[str, Table]) -> dict[str, Table]:
    """Benchmark -> the first table that is about it alone."""
    alone: dict[str, Table] = {}
    for table in tables.values():
        if {benchmark_of(run) for run in table.benchmarks} == {table.benchmark}:
            alone.setdefault(table.benchmark, table)
    return alone
