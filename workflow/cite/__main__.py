"""``python -m workflow.cite results/table4.csv``: BibTeX of the methods, backbones, data and tools that it used."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from downstream.registry import BENCHMARKS
from liftedcl.identity.errors import run_cli
from liftedcl.identity.strict_text import read_yaml
from liftedcl.recipes.outside_method import OUTSIDE
from liftedcl.recipes.weight_sources import SOURCES
from workflow.benchmark_recipes import benchmark_of
from workflow.tables.made_table import read_made_table
from workflow.tables.recorded_runs import damage_named, finished
from workflow.tables.table_text import not_the_papers, one_line, tex_text

_FOLDER = Path(__file__).resolve().parent
USES: dict[str, dict[str, list[str]]] = read_yaml(_FOLDER / "uses.yaml")
"""Kind of use -> what is used -> keys of `REFERENCES`."""
REFERENCES: dict[str, str] = dict(
    re.findall(r"^(?=@\w+\{([^,]+),)(@.*)$", (_FOLDER / "references.bib").read_text(encoding="utf-8"), re.MULTILINE)
)
"""Key -> entry, in one line."""


def bibliography(table: Path) -> Iterator[str]:
    """BibTeX entries, each once, with a comment that says what it is cited for; then what nobody can be cited for.

    Raises:
        InputError: the table is missing or damaged.
    """
    made = read_made_table(table)
    used: set[tuple[str, str]] = set()
    encoders: list[dict[str, Any]] = []
    with damage_named(table.with_suffix(".provenance.json")):
        for _, benchmark, kind, _, record in finished(made.provenance):
            used |= {("packages", name) for name in record.get("packages", {})}
            if kind == "encoder":
                encoders.append(record["recipe"])
                used.update(_of_encoder(record["recipe"]))
            else:
                used.update(_of_finetuning(benchmark_of(benchmark), record["recipe"]))
    warning = not_the_papers(made.profile)
    yield _comment(f"{made.title}. {warning}")
    if warning:
        yield "% A data set stands for its format as well: without a folder of its own, a profile generates people."
    cited: dict[str, list[str]] = {}
    for kind, name in ((kind, name) for kind, names in USES.items() for name in names if (kind, name) in used):
        for key in USES[kind][name]:
            cited.setdefault(key, []).append(f"{kind.removesuffix('s')} {name}")
    for key, reasons in cited.items():
        yield f"\n{_comment(', '.join(reasons))}\n{REFERENCES[key]}"
    yield from _others(encoders)


def _of_encoder(recipe: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "methods", str(recipe.get("source") or recipe.get("method"))
    yield "backbones", next(filter(str(recipe.get("backbone")).startswith, USES["backbones"]), "")
    yield from (("data", name) for name in str(recipe.get("images")).split("+"))
    if recipe.get("source") in SOURCES:
        yield "data", "imagenet"


def _of_finetuning(benchmark: str, recipe: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "benchmarks", benchmark
    if benchmark in BENCHMARKS:
        yield "data", BENCHMARKS[benchmark].data.name
    if recipe.get("mpii"):
        yield "data", "mpii"


def _others(recipes: list[dict[str, Any]]) -> Iterator[str]:
    """Entries of methods from outside, and words about encoders whose source only the user knows."""
    outside = {(of.get("repository"), of.get("commit"), of["module"]) for of in recipes if of.get("method") == OUTSIDE}
    for number, (repository, commit, module) in enumerate(sorted(outside, key=str), start=1):
        where = f"{repository}, commit {commit}, file {module}" if repository else str(module)
        fields = f"title = {{{tex_text(module)}}}, howpublished = {{{tex_text(where)}}}"
        yield f"\n% cite the paper of this method too, if there is one\n@misc{{outside{number}, {fields}}}"
    for file in sorted({str(of.get("file")) for of in recipes if of.get("method") == "own"}):
        yield f"\n{_comment(file)}: your own encoder; cite where it comes from"


def _comment(text: str) -> str:
    """``text`` as a comment, in which no sign begins an entry or a new line."""
    return f"% {one_line(text).replace('@', '(at)')}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.cite", description="Print BibTeX of what a table was made with."
    )
    parser.add_argument("table", type=Path, help="results/TABLE.csv")
    print(*bibliography(parser.parse_args().table), sep="\n")


if __name__ == "__main__":
    run_cli(main)
