"""results/ as one light page: tables with the best values marked, pictures, and which profile was run. No torch."""

import argparse
from collections.abc import Iterable
from html import escape
from pathlib import Path

from liftedcl.files.atomic import write_text
from liftedcl.identity.errors import InputError, run_cli
from workflow.page.document import banners, document
from workflow.page.heat_map import heat_map
from workflow.page.pictures import paragraph, sections_of
from workflow.page.score_table import table_html
from workflow.tables.captions import caption
from workflow.tables.made_table import MadeTable, read_made_table
from workflow.tables.recorded_runs import distinct
from workflow.tables.table_text import label_of

_LEAD = "What pre-training an image encoder on people is worth, on the tables of the LiftedCL paper."
_PROVENANCE = ".provenance.json"


def index_page(results: Path) -> str:
    """HTML of what is in ``results``, with links relative to it.

    Raises:
        InputError: there is no table, or a table or picture is damaged.
    """
    tables = _tables(results)
    pictures = {path.stem: path for path in sorted(results.glob("*.png"))}
    body = "\n".join([paragraph(caption("table")), *map(table_html, tables)])
    sections = {"tables": ("Tables", body), **sections_of(pictures, results / "lifting.csv")}
    if shares := heat_map(tables):
        sections = {"scaled": ("All benchmarks", shares), **sections}
    links = [f'<a href="#{escape(table.name)}">{escape(label_of(table.name))}</a>' for table in tables]
    links += [f'<a href="#{name}">{heading}</a>' for name, (heading, _) in sections.items() if name != "tables"]
    title = "LiftedCL: results"
    parts = [
        f'<header id="top"><h1>{title}</h1>',
        f'<p class="quiet">{_LEAD}</p>',
        *banners(table.profile for table in tables),
        _made(tables),
        f"<nav>{''.join(links)}</nav></header>",
        *(f'<h2 id="{name}">{heading}</h2>\n{body}' for name, (heading, body) in sections.items()),
    ]
    return document(title, parts)


def _tables(results: Path) -> list[MadeTable]:
    """Every table whose csv or provenance is there, in the paper's order and then by name."""
    names = {path.name.removesuffix(_PROVENANCE) for path in results.glob(f"*{_PROVENANCE}")}
    names |= {path.stem for path in results.glob("table*.csv")}
    if not names:
        raise InputError(f"{results}: holds no table; make one, such as: snakemake --cores all results/table4.csv")
    order = sorted(names, key=lambda name: (not name.startswith("table"), len(name), name))
    return [read_made_table(results / f"{name}.csv") for name in order]


def _made(tables: list[MadeTable]) -> str:
    """Profile, seeds, dates, hardware and commits of the runs behind the page."""
    runs = distinct(run for table in tables for *_, run in table.runs)
    days = sorted({run.started[:10] for run in runs})
    commits = dict.fromkeys(_short(of.commit) for of in (*runs, *tables))
    encoders = sum(run.kind == "encoder" for run in runs)
    hours = sum(run.wall_seconds for run in runs) / 3600
    facts = {
        "Profile": _listed(table.profile for table in tables),
        "Seeds": _listed(", ".join(map(str, table.seeds)) for table in tables),
        "Run on": " to ".join(dict.fromkeys((days[0], days[-1]))) + " (UTC)" if days else "no finished run",
        "Hardware": _listed(run.hardware for run in runs),
        "Runs": f"{encoders} encoders and {len(runs) - encoders} fine-tunings, {hours:.1f} h in all",
        "Commits": ", ".join(f"<code>{escape(commit)}</code>" for commit in commits),
    }
    return f'<dl class="made">{"".join(f"<dt>{key}</dt><dd>{value}</dd>" for key, value in facts.items())}</dl>'


def _listed(values: Iterable[str]) -> str:
    return "; ".join(escape(value) for value in dict.fromkeys(values)) or "unknown"


def _short(commit: str | None) -> str:
    """A commit's full name, shortened: ``1f3fe737a9+changes``."""
    digest, plus, changes = (commit or "unknown").partition("+")
    return digest[:10] + plus + changes


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.page", description="Make one page, index.html, of the tables and pictures in a folder."
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="the folder (default: %(default)s)")
    results = parser.parse_args(words).results
    write_text(results / "index.html", index_page(results))


if __name__ == "__main__":
    run_cli(main)
