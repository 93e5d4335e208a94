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
from workflow.tables.recorded_runs import damage_named, stages
from workflow.tables.table_text import not_the_papers, tex_text

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
    used: dict[tuple[str, str], None] = {}
    recipes: list[dict[str, Any]] = []
    with damage_named(table.with_suffix(".provenance.json")):
        for benchmark, chains in (item for row in made.provenance["rows"].values() for item in row.items()):
            for kind, _, record in (stage for chain in chains for stage in stages(chain) if stage[2] is not None):
                used |= {("packages", name): None for name in record.get("packages", {})}
                if kind == "encoder":
                    recipes.append(record["recipe"])
                    used |= dict.fromkeys(_of_encoder(record["recipe"]))
                else:
                    used |= {("benchmarks", benchmark_of(benchmark)): None} | dict.fromkeys(_data_of(benchmark, record))
    warning = not_the_papers(made.profile)
    yield f"% {one_line(f'{made.title}. {warning}')}"
    if warning:
        yield "% A data set stands for its format as well: without a folder of its own, a profile generates people."
    cited: dict[str, list[str]] = {}
    for kind in USES:
        for of, name in (use for use in used if use[0] == kind):
            for key in USES[of].get(_entry_of(of, name), []):
                cited.setdefault(key, []).append(f"{of.removesuffix('s')} {name}")
    for key, reasons in cited.items():
        yield f"\n% {one_line(', '.join(reasons))}\n{REFERENCES[key]}"
    yield from _others(recipes)


def _of_encoder(recipe: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "methods", str(recipe.get("source") or recipe.get("method"))
    yield "backbones", str(recipe.get("backbone"))
    yield from (("data", name) for name in str(recipe.get("images") or "").split("+") if name)
    if recipe.get("source") in SOURCES:
        yield "data", "imagenet"


def _data_of(benchmark: str, record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if (entry := BENCHMARKS.get(benchmark_of(benchmark))) is not None:
        yield "data", entry.data.name
    if record["recipe"].get("mpii"):
        yield "data", "mpii"


def _entry_of(kind: str, name: str) -> str:
    """The name in uses.yaml: of a backbone the beginning of its own."""
    return next((begins for begins in USES[kind] if name.startswith(begins)), "") if kind == "backbones" else name


def _others(recipes: list[dict[str, Any]]) -> Iterator[str]:
    """Entries of methods from outside, and words about encoders whose source only the user knows."""
    outside = {(of.get("repository"), of.get("commit"), of["module"]) for of in recipes if of.get("method") == OUTSIDE}
    for number, (repository, commit, module) in enumerate(sorted(outside, key=str), start=1):
        where = f"{repository}, commit {commit}, file {module}" if repository else str(module)
        fields = f"title = {{{tex_text(module)}}}, howpublished = {{{tex_text(where)}}}"
        yield f"\n% cite the paper of this method too, if there is one\n@misc{{outside{number}, {fields}}}"
    for file in sorted({str(of.get("file")) for of in recipes if of.get("method") == "own"}):
        yield f"\n% {one_line(file)}: your own encoder; cite where it comes from"


def one_line(text: str) -> str:
    """``text`` as a comment, in which no sign begins an entry or a new line."""
    return " ".join(text.split()).replace("@", "(at)")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.cite", description="Print BibTeX of what a table was made with."
    )
    parser.add_argument("table", type=Path, help="results/TABLE.csv")
    print(*bibliography(parser.parse_args().table), sep="\n")


if __name__ == "__main__":
    run_cli(main)
