"""results/ as one light page: tables with the best values marked, pictures, and which profile was run. No torch."""

import argparse
import re
import struct
from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain
from pathlib import Path

from downstream.registry import BENCHMARKS
from liftedcl.files.atomic import write_text
from liftedcl.identity.errors import InputError, run_cli
from workflow.lifting import read_shown
from workflow.tables.captions import caption
from workflow.tables.html_page import banners, html_page
from workflow.tables.made_table import MadeTable, read_made_table
from workflow.tables.recorded_runs import distinct
from workflow.tables.scaled import scaled_html
from workflow.tables.shown_tables import FIGURES
from workflow.tables.table_html import label_of, table_html

_LEAD = "What pre-training an image encoder on people is worth, on the tables of the LiftedCL paper."
_PROVENANCE = ".provenance.json"
_GALLERIES = {
    "examples": ("Predictions", rf"examples_(?P<benchmark>{'|'.join(BENCHMARKS)})_(?P<row>.+)"),
    "augmented": ("Training samples", rf"augmented_(?P<benchmark>{'|'.join(BENCHMARKS)})"),
    "curves": ("Curves of the fine-tunings", rf"curves_(?P<benchmark>{'|'.join(BENCHMARKS)})"),
}
"""Pictures that each benchmark has: the name of their caption -> the section's title, and a pattern of their names."""


def summary_page(results: Path) -> str:
    """HTML of what is in ``results``, with links relative to it.

    Raises:
        InputError: there is no table, or a table or picture is damaged.
    """
    tables = _tables(results)
    pictures = {path.stem: path for path in sorted(results.glob("*.png"))}
    body = "\n".join([_paragraph(caption("table")), *map(table_html, tables)])
    sections = {"tables": ("Tables", body), **_sections(pictures, results / "lifting.csv")}
    if means := scaled_html(tables):
        sections = {"scaled": ("All benchmarks", means), **sections}
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
    return html_page(title, parts)


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


def _sections(left: dict[str, Path], lifting: Path) -> dict[str, tuple[str, str]]:
    """Id -> heading and HTML of each section below the tables; each picture ``left`` is in one of them."""
    sections = {}
    if figures := [left.pop(name) for name in FIGURES if name in left]:
        body = [_figure(path, caption("figure", figure=path.stem), label_of(path.stem)) for path in figures]
        sections["figures"] = ("Figures", "\n".join(body))
    if lifting.exists():
        sections["lifting"] = ("Lifted skeletons", _lifting(lifting))
    if shares := [left.pop(name) for name in list(left) if name.endswith("_efficiency")]:
        body = [_figure(path, caption("data_efficiency"), label_of(path.stem)) for path in shares]
        sections["data_efficiency_figure"] = ("Data efficiency", "\n".join(body))
    times = left.pop("run_times", None)
    for name, (heading, pattern) in _GALLERIES.items():
        found = [(match, left.pop(stem)) for stem in list(left) if (match := re.fullmatch(pattern, stem))]
        if found:
            sections[name] = (heading, "\n".join(_gallery(name, found)))
    if left:
        body = [_figure(path, [], path.stem) for path in left.values()]
        sections["others"] = ("Other pictures", f'<div class="gallery">{"".join(body)}</div>')
    if times is not None:
        body = _figure(times, caption("run_times"), "Run times")
        if times.with_suffix(".csv").exists():
            body += '<p class="small"><a href="run_times.csv">run_times.csv</a></p>'
        sections["run_times"] = ("Run times", body)
    return sections


def _lifting(path: Path) -> str:
    """What the lifted skeletons of each row are worth, as a table."""
    lines = read_shown(path)
    rows = [f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in line.values())}</tr>" for line in lines]
    heads = "".join(f"<th>{escape(name)}</th>" for name in lines[0])
    links = '<p class="small">Files: <a href="lifting.csv">csv</a> · <a href="lifting.md">md</a></p>'
    return (
        f'{_paragraph(caption("lifting"))}<div class="box"><table><tr>{heads}</tr>{"".join(rows)}</table></div>{links}'
    )


def _gallery(name: str, found: list[tuple[re.Match[str], Path]]) -> Iterator[str]:
    """Pictures by benchmark, with the first paragraph of their captions; the other paragraphs come once, above."""
    captions = {path: caption(name, **match.groupdict()) for match, path in found}
    yield _paragraph(dict.fromkeys(text for paragraphs in captions.values() for text in paragraphs[1:]))
    figures: dict[str, list[str]] = {benchmark: [] for benchmark in BENCHMARKS}
    for match, path in found:
        figures[match["benchmark"]].append(_figure(path, captions[path][:1], path.stem))
    if all(len(members) < 2 for members in figures.values()):
        yield f'<div class="gallery wide">{"".join(chain.from_iterable(figures.values()))}</div>'
        return
    for benchmark, members in figures.items():
        if members:
            yield f'<h4>{escape(benchmark)}</h4><div class="gallery">{"".join(members)}</div>'


def _paragraph(paragraphs: Iterable[str]) -> str:
    return "".join(f"<p>{_coded(text)}</p>" for text in paragraphs)


def _coded(text: str) -> str:
    return re.sub(r"``(.+?)``", r"<code>\1</code>", escape(text))


def _figure(path: Path, paragraphs: list[str], alternative: str) -> str:
    width, height = _size(path)
    name, words = escape(path.name), " ".join(map(_coded, paragraphs)) or escape(alternative)
    picture = f'<img loading="lazy" src="{name}" width="{width}" height="{height}" alt="{escape(alternative)}">'
    return f'<figure id="{escape(path.stem)}"><a href="{name}">{picture}</a><figcaption>{words}</figcaption></figure>'


def _size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, with which a page keeps a picture's place until it is loaded."""
    with path.open("rb") as file:
        head = file.read(24)
    if len(head) < 24 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        raise InputError(f"{path}: is not a PNG file, or is cut off; remove it and make it again with snakemake")
    return struct.unpack(">II", head[16:])


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.summary_page", description="Make one page of the tables and pictures in results/."
    )
    parser.add_argument("--results", type=Path, required=True, help="folder of the tables and pictures")
    parser.add_argument("--out", type=Path, required=True, help="the page, in that folder: results/index.html")
    arguments = parser.parse_args(words)
    if arguments.out.resolve().parent != arguments.results.resolve():
        raise InputError(f"{arguments.out}: not in {arguments.results}, where its links lead; choose a name in there")
    write_text(arguments.out, summary_page(arguments.results))


if __name__ == "__main__":
    run_cli(main)
