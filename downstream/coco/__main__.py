"""COCO by hand: check a data folder, score a results file. ``python -m downstream.coco check|evaluate``."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from downstream.coco.annotations import read_annotations
from downstream.coco.reader import read_detections, read_people
from downstream.coco.results import read_predictions
from downstream.coco.scores import score
from downstream.reading.data_check import Finding, count_finding, percent, problem, report, tried
from downstream.reading.frames import read_picture
from liftedcl.data_sets.coco.data_set import DATA_SET
from liftedcl.data_sets.coco.files import DETECTIONS, SPLITS, annotation_path, image_folder
from liftedcl.files.atomic import write_json
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError, run_cli

_COUNTS = DATA_SET.counts
_PICTURES_READ = 16


def _findings(root: Path) -> Iterator[Finding]:
    told = set()
    for part in (*(_split_findings(root, split) for split in SPLITS), _detection_findings(root)):
        for finding in _until_broken(part):
            if finding not in told:  # the detections need the val annotations and images again
                yield finding
            told.add(finding)


def _until_broken(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings up to the first thing that can't be read, which is the last finding."""
    try:
        yield from findings
    except InputError as error:
        yield problem(error)


def _split_findings(root: Path, split: str) -> Iterator[Finding]:
    path = annotation_path(root, split)
    content = read_annotations(path)
    yield count_finding(f"{path.name}: images", len(content["images"]), _COUNTS["pictures"][split])
    yield count_finding(f"{path.name}: people", len(content["annotations"]), _COUNTS["people"][split])
    people = read_people(root, split)
    usable = _COUNTS["people with keypoints that are no crowd"][split]
    yield count_finding(f"{path.name}: people to train or test on", len(people), usable)
    folder = image_folder(root, split)
    there = sum(1 for entry in folder.iterdir() if entry.suffix == ".jpg")
    yield count_finding(f"{folder}: pictures", there, _COUNTS["pictures"][split])
    names = [people.boxes.names[n] for n in evenly_spread(len(people), _PICTURES_READ)]

    def read() -> str:
        for name in names:
            read_picture(folder / name, "copy it again")
        return f"{len(names)} read"

    yield tried(f"{split} pictures", read)


def _detection_findings(root: Path) -> Iterator[Finding]:
    detected = read_detections(root)
    if detected is None:
        yield Finding(
            "differs", f"{root / DETECTIONS}: not found; people are then tested in their annotated boxes only"
        )
    else:
        yield count_finding(f"{DETECTIONS}: boxes", len(detected), _COUNTS["detections"]["val"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m downstream.coco", description="COCO 2D pose: data and scores.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check",
        help="what is there, what is missing, what differs from the official release",
        epilog="example: python -m downstream.coco check --data data/coco",
    )
    check.add_argument("--data", type=Path, required=True, help="folder of the data set (docs/data/coco.md)")
    evaluate = commands.add_parser(
        "evaluate",
        help="OKS AP and AR of a results file, in percent",
        epilog="example: python -m downstream.coco evaluate --annotations person_keypoints_val2017.json "
        "--predictions predictions.json",
    )
    evaluate.add_argument("--annotations", type=Path, required=True, help="person_keypoints_*.json")
    evaluate.add_argument("--predictions", type=Path, required=True, help="keypoints in COCO's results format")
    evaluate.add_argument("--out", type=Path, help="JSON to write the scores to")
    arguments = parser.parse_args()
    if arguments.command == "check":
        report(f"COCO keypoints in {arguments.data}", _findings(arguments.data))
        return
    scores = score(arguments.annotations, read_predictions(arguments.predictions, arguments.annotations))
    if arguments.out is not None:
        write_json(arguments.out, scores)
    print("  ".join(f"{name} {percent(scores[name])}" for name in scores))


if __name__ == "__main__":
    run_cli(main)
