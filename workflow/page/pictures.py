"""The pictures of results/ in sections, and what lifted skeletons are worth. Each picture is in one section."""

import re
import struct
from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain
from pathlib import Path

from downstream.registry import BENCHMARKS
from liftedcl.identity.errors import InputError
from workflow.lifting import read_shown
from workflow.tables.captions import caption
from workflow.tables.shown_tables import FIGURES
from workflow.tables.table_text import label_of

_GALLERIES = {
    "examples": ("Predictions", rf"examples_(?P<benchmark>{'|'.join(BENCHMARKS)})_(?P<row>.+)"),
    "augmented": ("Training samples", rf"augmented_(?P<benchmark>{'|'.join(BENCHMARKS)})"),
    "curves": ("Curves of the fine-tunings", rf"curves_(?P<benchmark>{'|'.join(BENCHMARKS)})"),
}
"""Pictures that each benchmark has: the name of their caption -> the section's title, and a pattern of their names."""


def sections_of(left: dict[str, Path], lifting: Path) -> dict[str, tuple[str, str]]:
    """Id -> heading and HTML of each section below the tables; each picture ``left`` is in one of them."""

    def taken(names: Iterable[str]) -> list[Path]:
        return [left.pop(name) for name in tuple(names) if name in left]

    figures, times = taken(FIGURES), taken(["run_times"])
    shares = taken(name for name in left if name.endswith("_efficiency"))
    sections = {
        "figures": ("Figures", [_figure(path, caption("figure", figure=path.stem)) for path in figures]),
        "lifting": ("Lifted skeletons", [_lifting(lifting)] if lifting.exists() else []),
        "data_efficiency_figure": ("Data efficiency", [_figure(path, caption("data_efficiency")) for path in shares]),
    }
    for name, (heading, pattern) in _GALLERIES.items():
        found = [(match, left.pop(stem)) for stem in tuple(left) if (match := re.fullmatch(pattern, stem))]
        sections[name] = (heading, [*_gallery(name, found)] if found else [])
    others = "".join(_figure(path, []) for path in left.values())
    sections["others"] = ("Other pictures", [f'<div class="gallery">{others}</div>'] if others else [])
    table = '<p class="small"><a href="run_times.csv">run_times.csv</a></p>'
    tables = [table for path in times if path.with_suffix(".csv").exists()]
    sections["run_times"] = ("Run times", [*(_figure(path, caption("run_times")) for path in times), *tables])
    return {name: (heading, "\n".join(parts)) for name, (heading, parts) in sections.items() if parts}


def _lifting(path: Path) -> str:
    """What the lifted skeletons of each row are worth, as a table."""
    lines = read_shown(path)
    rows = [f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in line.values())}</tr>" for line in lines]
    heads = "".join(f"<th>{escape(name)}</th>" for name in lines[0])
    links = '<p class="small">Files: <a href="lifting.csv">csv</a> · <a href="lifting.md">md</a></p>'
    return (
        f'{paragraph(caption("lifting"))}<div class="box"><table><tr>{heads}</tr>{"".join(rows)}</table></div>{links}'
    )


def _gallery(name: str, found: list[tuple[re.Match[str], Path]]) -> Iterator[str]:
    """Pictures by benchmark, with the first paragraph of their captions; the other paragraphs come once, above."""
    captions = {path: caption(name, **match.groupdict()) for match, path in found}
    yield paragraph(dict.fromkeys(text for paragraphs in captions.values() for text in paragraphs[1:]))
    figures: dict[str, list[str]] = {benchmark: [] for benchmark in BENCHMARKS}
    for match, path in found:
        figures[match["benchmark"]].append(_figure(path, captions[path][:1]))
    if all(len(members) < 2 for members in figures.values()):
        yield f'<div class="gallery wide">{"".join(chain.from_iterable(figures.values()))}</div>'
        return
    for benchmark, members in figures.items():
        if members:
            yield f'<h4>{escape(benchmark)}</h4><div class="gallery">{"".join(members)}</div>'


def paragraph(paragraphs: Iterable[str]) -> str:
    return "".join(f"<p>{_coded(text)}</p>" for text in paragraphs)


def _coded(text: str) -> str:
    return re.sub(r"``(.+?)``", r"<code>\1</code>", escape(text))


def _figure(path: Path, paragraphs: list[str]) -> str:
    width, height = _size(path)
    name, alternative = escape(path.name), escape(label_of(path.stem))
    words = " ".join(map(_coded, paragraphs)) or alternative
    picture = f'<img loading="lazy" src="{name}" width="{width}" height="{height}" alt="{alternative}">'
    return f'<figure id="{escape(path.stem)}"><a href="{name}">{picture}</a><figcaption>{words}</figcaption></figure>'


def _size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, with which a page keeps a picture's place until it is loaded."""
    with path.open("rb") as file:
        head = file.read(24)
    if len(head) < 24 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        raise InputError(f"{path}: is not a PNG file, or is cut off; remove it and make it again with snakemake")
    return struct.unpack(">II", head[16:])
