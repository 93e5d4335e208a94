"""LIP by hand: check a data folder, score parsing results. Needs no torch."""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from downstream.lip.data_set import DATA_SET
from downstream.lip.files import LABELS, PICTURES, REMEDY, SPLITS, image_path, list_path
from downstream.lip.reader import examine, read_names
from downstream.lip.scores import score_folders
from downstream.reading.data_check import Finding, count_finding, problem, report, tried
from downstream.reading.entries import WrongEntriesError
from downstream.reading.frames import read_picture
from liftedcl.files.atomic import write_json
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError, run_cli

_READ = 20
_NAMED = 8


def check(data: Path) -> Iterator[Finding]:
    """Findings about LIP in the folder ``data``: lists, images, label maps, and a few samples that are read."""
    for split in SPLITS:
        path, expected = list_path(data, split), DATA_SET.counts["samples"][split]
        try:
            names = read_names(path)
        except InputError as error:
            yield problem(error)
            names = []
        else:
            yield count_finding(f"{path}, samples", len(names), expected)
        for folder, extension in ((PICTURES[split], ".jpg"), (LABELS[split], ".png")):
            there = {file.stem for file in (data / folder).glob(f"*{extension}")}
            yield count_finding(f"{data / folder}, *{extension}", len(there), expected)
            if absent := [name for name in names if name not in there]:
                first = data / folder / f"{absent[0]}{extension}"
                others = f", then {', '.join(absent[1:_NAMED])}" if len(absent) > 1 else ""
                yield Finding("missing", f"{len(absent):,} files that {path} names, the first is {first}{others}")
                names = [name for name in names if name in there]
        if names:
            yield tried(f"{data}, {split}", partial(_samples, data, split, names))


def _samples(data: Path, split: str, names: list[str]) -> str:
    sizes, problems, unclear = examine(data, split, names)
    chosen = evenly_spread(len(names), _READ)
    for i in chosen:
        try:
            read_picture(image_path(data, split, names[i]), REMEDY)
        except InputError as error:
            problems.append(str(error).removesuffix(f"; {REMEDY}"))
    if problems:
        raise WrongEntriesError(list(dict.fromkeys(problems)), REMEDY)
    return f"{len(sizes):,} label maps of their pictures' sizes, {len(chosen)} pictures read" + (
        f"; {unclear}" if unclear else ""
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.lip",
        description="LIP human parsing: check the data, score results. See docs/data/lip.md.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="what is there, what is missing, what doesn't match the release")
    checking.add_argument("--data", type=Path, required=True, help="folder with train_id.txt, train_images/ ...")
    evaluating = commands.add_parser("evaluate", help="pixel accuracy, mean accuracy and mIoU of parsing results")
    add = evaluating.add_argument
    add("--annotations", type=Path, required=True, help="folder of label maps, for instance val_segmentations")
    add(
        "--predictions",
        type=Path,
        required=True,
        help="folder of results: a PNG of class numbers a picture, same names",
    )
    add("--out", type=Path, help="JSON to write the scores to")
    arguments = parser.parse_args()
    if arguments.command == "check":
        report(f"LIP in {arguments.data}", check(arguments.data))
        return
    scores = score_folders(arguments.annotations, arguments.predictions)
    if arguments.out is not None:
        write_json(arguments.out, scores)
    for name, row in scores["per_class"].items():
        print(f"{name:<14} IoU {row['iou']:6.2f}  accuracy {row['accuracy']:6.2f}")
    print(f"pixel accuracy {scores['pixel_accuracy']:.2f}  mean accuracy {scores['mean_accuracy']:.2f}", end="  ")
    print(f"mIoU {scores['miou']:.2f}  {scores['samples']:,} samples")


if __name__ == "__main__":
    run_cli(main)
