"""What a run needs of each data set on disk, and the message about what is missing.

``python -m workflow.data_sets`` prints the table of docs/data.md.
"""

from collections.abc import Iterable
from pathlib import Path

from downstream.registry import BENCHMARKS, DATA_SETS
from liftedcl.files.image_listing import ANY_IMAGE, holds_image
from liftedcl.identity.errors import run_cli
from liftedcl.recipes.weight_sources import SOURCES
from workflow.layout import is_generated
from workflow.params import Params


def needed_data(params: Params, encoders: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Data set -> what ``encoders`` and the benchmarks need of it, relative to its folder, besides its images."""
    uses = {name: DATA_SETS[name].pretraining for name in params.data}
    needs = {name: [*use.files, *use.pictures] for name, use in uses.items()}
    for entry in BENCHMARKS.values():
        needs[entry.data.name] += [*entry.needs.files, *entry.needs.pictures]
    rows = [params.encoders[name] for encoder in encoders for name in params.chain(encoder)]
    needs["weights"] += sorted({SOURCES[recipe.source].file for recipe in rows if recipe.source})
    trained_on = {name for recipe in rows for name in (recipe.images or "").split("+")}
    for name in {"people", "ntu"} - trained_on:
        del needs[name]
    return {name: tuple(dict.fromkeys(files)) for name, files in needs.items()}


def missing_data(params: Params, needed: dict[str, tuple[str, ...]]) -> list[str]:
    """One paragraph for each data set that is missing or incomplete and that no rule makes.

    ``needed`` is data set -> files that must be there, relative to its folder, besides its images.
    """
    paragraphs = []
    for name, files in needed.items():
        if is_generated(params, name):
            continue
        root, data_set = params.data[name], DATA_SETS[name]
        patterns = (*files, *data_set.pictures)
        found = {names: any(_is_there(Path(root), name) for name in names.split(" or ")) for names in patterns}
        if all(found.values()):
            continue
        lines = [f"{name}: {data_set.title} ({data_set.size})"]
        lines += [f"  {'found   ' if there else 'missing '} {root}/{names}" for names, there in found.items()]
        lines += [f"  from     {data_set.source}", f"  licence  {data_set.licence}"]
        paragraphs.append("\n".join([*lines, f"  or give the folder it is in: --config {name}=FOLDER"]))
    return paragraphs


def _is_there(root: Path, pattern: str) -> bool:
    """Whether ``root`` holds a file that matches ``pattern``; see `liftedcl.data_sets.description.DataSet`."""
    if not pattern.endswith(ANY_IMAGE):
        return any(root.glob(pattern))
    above = pattern.removesuffix(ANY_IMAGE).rstrip("/")
    return any(map(holds_image, root.glob(above) if above else (root,)))


def markdown_table() -> str:
    """What docs/data.md says about each data set, as a Markdown table."""
    rows = [
        (f"[`{name}`](data/{name}.md)", data_set.title, data_set.licence, data_set.size, data_set.used_for)
        for name, data_set in DATA_SETS.items()
    ]
    lines = [("name", "what", "licence", "size", "used for"), ("---",) * 5, *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    run_cli(lambda: print(markdown_table(), end=""))
