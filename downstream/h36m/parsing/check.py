"""Findings about the parsing benchmark's files: published numbers of frames, sizes, each label map. No torch."""

from collections.abc import Iterator
from pathlib import Path

from downstream.h36m.parsing.reader import REMEDY, ParsingSamples, examine
from downstream.reading.data_check import Finding, count_finding, problem, tried
from downstream.reading.entries import Entries, WrongEntriesError
from liftedcl.data_sets.h36m.data_set import DATA_SET
from liftedcl.data_sets.h36m.parsing_files import PARSING
from liftedcl.files.image_files import process_images
from liftedcl.identity.errors import InputError

_STRIDE = 25
"""Of the published lists, in frames of the videos."""
_PICTURES_READ = 20


def findings(root: Path) -> Iterator[Finding]:
    """Read both lists, the sizes of all their files, and every label map; one finding a line."""
    if not (root / PARSING["train"]).parent.is_dir():
        yield Finding("ok", f"parsing: not made; only h36m_parsing needs it, and {REMEDY}")
        return
    for split, (official, _) in DATA_SET.counts["frames for parsing"].items():
        title = f"parsing, {split}"
        try:
            samples, entries = examine(root, split, _STRIDE)
        except InputError as error:
            yield problem(error)
            continue
        yield count_finding(f"{title}: {root / PARSING[split]}, every {_STRIDE}th frame", len(samples), official)
        yield tried(f"{title}: files", lambda samples=samples, entries=entries: _files(samples, entries))


def _files(samples: ParsingSamples, entries: Entries) -> str:
    entries.finish()

    def fault(i: int) -> str | None:
        try:
            samples.label(i)
        except InputError as error:
            return str(error).removesuffix(f"; {REMEDY}")
        return None

    rows = range(len(samples))
    faults = [told for told in process_images(fault, rows, workers=None, title="h36m_parsing: checking") if told]
    if faults:
        raise WrongEntriesError(faults, REMEDY)
    _, sizes = entries.decoded_sizes(samples.root, _PICTURES_READ)
    entries.finish()
    return f"{len(samples):,} label maps read, of their pictures' sizes; {len(sizes)} pictures read"
