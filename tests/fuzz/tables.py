"""What the workflow reads, and its commands, as subjects."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz.encoders import recipe_subject
from fuzz.subject import Subject, command
from repository import REPOSITORY
from tiny.tables import TABLES, record, references

from liftedcl.files.atomic import write_json
from liftedcl.recipes.outside_method import entry_of
from liftedcl.skeletons.lifting_scores import LiftingScores
from workflow.layout import Layout
from workflow.lifting import lifting_records, read_shown
from workflow.params import read_params
from workflow.tables.__main__ import make_table
from workflow.tables.made_table import read_made_table, write_csv
from workflow.tables.shown_tables import read_tables
from workflow.tables.stored_scores import encoder_chain, read_metrics, read_references
from workflow.tables.table_spec import Table

TABLE = dataclasses.replace(TABLES["table4"], rows=TABLES["table4"].rows[:3], differences=(),
                            baseline=TABLES["table4"].rows[0].name)  # fmt: skip
_EFFICIENCY = dataclasses.replace(TABLES["data_efficiency"], rows=TABLES["data_efficiency"].rows[:3],
                                  columns=TABLES["data_efficiency"].columns[:2],
                                  baseline=TABLES["data_efficiency"].rows[0].name)  # fmt: skip
_ROWS = [row.encoder for row in TABLE.rows]
_LAYOUT = Layout("runs")
_METRICS = f"{_LAYOUT.benchmark('h36m_3d', _ROWS[0], 0)}/metrics.json"
_RUN = f"{_LAYOUT.benchmark('h36m_3d', _ROWS[0], 0)}/provenance.json"
_ENCODER = f"{_LAYOUT.encoder(_ROWS[1], 0)}/provenance.json"
_REFERENCE = _LAYOUT.reference("h36m_3d")
_LIFTING = _LAYOUT.lifting(_ROWS[0], 0)
_MADE, _PROVENANCE = "table4.csv", "table4.provenance.json"


def _params(root: Path) -> None:
    for name in ("params.yaml", "workflow/tables/tables.yaml"):
        shutil.copy(REPOSITORY / name, root / Path(name).name)


def _runs(root: Path) -> None:
    """Finished runs of three rows, and their table."""
    layout = Layout(str(root / "runs"))
    for i, row in enumerate(_ROWS):
        run, encoder = layout.benchmark("h36m_3d", row, 0), layout.encoder(row, 0)
        write_json(f"{run}/metrics.json", {"mpjpe_mm": 123.0 + i, "pa_mpjpe_mm": 56.0 - i})
        more = {
            "recipe": {"start": _ROWS[0] if i == 1 else None},
            "inputs": {"images": "abc"},
            "packages": {"numpy": "2"},
        }
        write_json(f"{run}/provenance.json", record(seed=0, **more | {"recipe": {"epochs": 3}}))
        write_json(f"{encoder}/provenance.json", record(**more))
        write_json(f"{encoder}/encoder.pt", "weights")
    both = references({"mpjpe_mm": 290.0, "pa_mpjpe_mm": 240.0}, {"mpjpe_mm": 2.0, "pa_mpjpe_mm": 1.0})
    write_json(layout.reference("h36m_3d"), both)
    scores = LiftingScores(684, 110.0, 125.0, 170.0, 0.75, 1.0, 0.8, 0.77)
    write_json(layout.lifting(_ROWS[0], 0), dataclasses.asdict(scores))
    write_csv(root / "lifting.csv", lifting_records({(_ROWS[0], 0): scores}, "demo"))
    make_table(TABLE, profile="demo", seeds=[0], layout=layout, out=root / _MADE)
    write_json(root / "table.json", dataclasses.asdict(TABLE))


def _fractions(root: Path) -> None:
    """A table of three rows, each trained on another share of the training set."""
    layout, rows = Layout(str(root / "runs")), _EFFICIENCY.rows
    for i, row in enumerate(rows):
        write_json(f"{layout.encoder(row.encoder, 0)}/provenance.json", record())
        for name in _EFFICIENCY.benchmarks:
            run, keys = layout.benchmark(row.run(name), row.encoder, 0), _keys(name)
            write_json(f"{run}/metrics.json", dict.fromkeys(keys, 20.0 + i))
            write_json(f"{run}/provenance.json", record(recipe={"fraction": 0.1 * (i + 1)}))
            write_json(layout.reference(name), references(dict.fromkeys(keys, 3.0), dict.fromkeys(keys, 4.0)))
    make_table(_EFFICIENCY, profile="demo", seeds=[0], layout=layout, out=root / "efficiency.csv")


def _method(root: Path) -> None:
    root.mkdir(exist_ok=True)
    (root / "mine.py").write_text('class Mine:\n    sections = ("training", "views")\n')


def _keys(benchmark: str) -> list[str]:
    return [column.metric for column in _EFFICIENCY.columns_of(benchmark)]


def _whole(root: Path) -> Any:
    params = read_params(root / "params.yaml", {"profile": "demo"})
    return params, read_tables(root / "tables.yaml", params)


def _of_runs(module: str, *words: str, told: bool = True) -> Callable[[Path], Any]:
    return command(f"workflow.{module}", *words, "--out", "{}/out/x.csv", told=told)


WORKFLOW = (
    Subject("params.yaml", _params, ("params.yaml",), _whole),
    Subject("tables.yaml", _params, ("tables.yaml",), _whole),
    Subject("params", _params, ("params.yaml",),
            command("workflow.params", "encoders", "--profile", "demo", "--params", "{}/params.yaml")),
    Subject("metrics.json", _runs, (_METRICS,), lambda root: [
        read_metrics(root / _METRICS, TABLE.columns)[column.metric] for column in TABLE.columns]),
    Subject("reference.json", _runs, (_REFERENCE,), lambda root: [
        pair[column.metric] for pair in read_references(root / _REFERENCE, TABLE.columns).values()
        for column in TABLE.columns]),
    Subject("an encoder's provenance", _runs, (_ENCODER,),
            lambda root: [str(place) for place, _ in encoder_chain(_ROWS[1], 0, Layout(str(root / "runs")))]),
    Subject("a made table", _runs, (_MADE, _PROVENANCE), lambda root: read_made_table(root / _MADE).records),
    Subject("lifting.csv", _runs, ("lifting.csv",), lambda root: read_shown(root / "lifting.csv")),
    recipe_subject("a table", Table, TABLE),
    Subject("tables", _runs, (_METRICS, _REFERENCE, _RUN, _ENCODER, "table.json"),
            _of_runs("tables.__main__", "--table", "{}/table.json", "--profile", "demo", "--seeds", "0",
                     "--runs", "{}/runs")),
    Subject("tables, partly", _runs, (_METRICS, _REFERENCE, _RUN, _ENCODER),  # a row may say what is wrong with it
            _of_runs("tables.__main__", "--table", "{}/table.json", "--profile", "demo", "--seeds", "0",
                     "--runs", "{}/runs", "--partly", told=False)),
    Subject("overview", _runs, (_METRICS, _REFERENCE, _RUN, "table.json"),
            _of_runs("overview", "--tables", "{}/table.json", "--row", _ROWS[0], "--seed", "0",
                     "--profile", "demo", "--runs", "{}/runs")),
    Subject("lifting", _runs, (_LIFTING,),
            _of_runs("lifting", "--rows", _ROWS[0], "--seeds", "0", "--profile", "demo", "--runs", "{}/runs")),
    Subject("run_times", _runs, (_PROVENANCE,),
            _of_runs("run_times", "--provenance", f"{{}}/{_PROVENANCE}", told=False)),
    Subject("all_provenance", _runs, (_PROVENANCE,),
            _of_runs("all_provenance", "--provenance", f"{{}}/{_PROVENANCE}", told=False)),
    Subject("explain", _runs, (_MADE, _PROVENANCE),
            command("workflow.explain", f"{{}}/{_MADE}", "--row", _ROWS[1], "--column", "MPJPE", told=False)),
    Subject("compare", _runs, (_MADE, _PROVENANCE),
            command("workflow.compare.__main__", f"{{}}/{_MADE}:{_ROWS[0]}", f"{{}}/{_MADE}:{_ROWS[1]}", told=False)),
    Subject("cite", _runs, (_MADE, _PROVENANCE),
            command("workflow.cite.__main__", f"{{}}/{_MADE}", told=False)),
    Subject("a method from outside", _method, ("mine.py",),
            lambda root: entry_of("outside", str(root / "mine.py")).sections),
    Subject("metric_files", _runs, (_MADE, _PROVENANCE),
            command("workflow.metric_files", f"{{}}/{_MADE}", "--out", "{}/out", told=False)),
    Subject("record", _runs, (_MADE, _PROVENANCE),
            command("workflow.tables.record", f"{{}}/{_MADE}", "--out", "{}/out", told=False)),
    Subject("efficiency_plot", _fractions, ("efficiency.csv", "efficiency.provenance.json"),
            command("workflow.efficiency_plot", "{}/efficiency.csv", "--out", "{}/out/x.png", told=False)),
    Subject("page", _runs, (_MADE, _PROVENANCE, "lifting.csv"),
            command("workflow.page.__main__", "--results", "{}", told=False)),
)  # fmt: skip
