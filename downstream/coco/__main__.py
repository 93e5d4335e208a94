"""COCO by hand: check a data folder, score a results file. ``python -m downstream.coco check|evaluate``."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from downstream.coco.annotations import file_names, read_annotations
from downstream.coco.plausible import SIZE
from downstream.coco.reader import check_pictures, detected_boxes
from downstream.coco.results import read_predictions
from downstream.coco.scores import score
from downstream.reading.data_check import Finding, count_finding, percent, problem, report, tried
from downstream.reading.entries import Entries
from liftedcl.data_sets.coco.data_set import DATA_SET
from liftedcl.data_sets.coco.files import DETECTIONS, REMEDY, SPLITS, annotation_path, image_folder
from liftedcl.files.atomic import read_json, write_json
from liftedcl.files.image_listing import is_text, list_images
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
    content = read_json(path, REMEDY)
    try:
        content = read_annotations(path)
        names = set(file_names(content, path).values())
    except InputError as error:
        yield problem(error)
        if not all(isinstance(_listed(content, key), list) for key in ("images", "annotations")):
            return
        names = set()
    images, people = (_listed(content, key) for key in ("images", "annotations"))
    yield count_finding(f"{path.name}: images", len(images), _COUNTS["pictures"][split])
    yield count_finding(f"{path.name}: people", len(people), _COUNTS["people"][split])
    if names:
        usable = sum(bool(person["num_keypoints"] and not person["iscrowd"]) for person in people)
        expected = _COUNTS["people with keypoints that are no crowd"][split]
        yield count_finding(f"{path.name}: people to train or test on", usable, expected)
    folder = image_folder(root, split)
    yield count_finding(f"{folder}: pictures", len(list_images(folder).images), _COUNTS["pictures"][split])
    yield tried(f"{split} pictures", lambda: _pictures(folder, images, path))


def _listed(content: Any, key: str) -> Any:
    return content.get(key) if isinstance(content, dict) else None


def _pictures(folder: Path, images: list[Any], path: Path) -> str:
    """Look at the header of every image that is listed with a name and a size, and decode some of them."""
    kept = [n for n, image in enumerate(images) if _is_described(image)]
    if not kept:
        raise InputError(f"{path}: lists no image with a name and a size; {REMEDY}")
    names = [images[n]["file_name"] for n in kept]
    sizes = np.array([(images[n]["width"], images[n]["height"]) for n in kept])
    turned = check_pictures(folder, names, sizes, path, kept, most=len(names))
    entries = Entries(path, REMEDY, kept, names)
    chosen, _ = entries.decoded_sizes(folder, _PICTURES_READ)
    entries.finish()
    return f"{len(names):,} in {path.name} are there in its sizes, {len(chosen)} read" + (
        f"; {turned}" if turned else ""
    )


def _is_described(image: Any) -> bool:
    name = image.get("file_name") if isinstance(image, dict) else None
    if not isinstance(name, str) or not is_text(name):
        return False
    return all(type(image.get(key)) is int and 0 < image[key] <= SIZE.high for key in ("width", "height"))


def _detection_findings(root: Path) -> Iterator[Finding]:
    detected = detected_boxes(root)
    if detected is None:
        yield Finding(
            "differs", f"{root / DETECTIONS}: not found; people are then tested in their annotated boxes only"
        )
    else:
        yield count_finding(f"{DETECTIONS}: boxes", len(detected[0]), _COUNTS["detections"]["val"])


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
