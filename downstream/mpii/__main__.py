"""MPII by hand: check a data folder, convert the official release, score predictions."""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from downstream.mpii.reader import MpiiPeople, check_images, examine, read_entries, to_people
from downstream.mpii.release import ReleasePerson, read_release, split, truth_arrays
from downstream.mpii.scores import score_file
from downstream.mpii.truth import check_same_people, read_truth
from downstream.reading.data_check import Finding, count_finding, percent, problem, report, tried
from downstream.reading.entries import Entries
from liftedcl.data_sets.mpii.data_set import DATA_SET
from liftedcl.data_sets.mpii.files import ANNOTATIONS, SPLITS, TRUTH, annotation_path, truth_path
from liftedcl.files.atomic import write_json
from liftedcl.files.mat_file import write_mat
from liftedcl.identity.errors import InputError, run_cli

_PICTURES_READ = 20


def check(data: Path) -> Iterator[Finding]:
    """Findings about the data set in folder ``data``; every annotation and some images are read."""
    whole: dict[str, MpiiPeople] = {}  # the splits without a fault in the annotations
    for name in SPLITS:
        try:
            people, entries = examine(data, name)
        except InputError as error:
            yield problem(error)
            continue
        yield count_finding(f"people of {name}", len(people), DATA_SET.counts["people"][name])
        try:
            entries.finish()
        except InputError as error:
            yield problem(error)
        else:
            whole[name] = people
            yield Finding("ok", f"{ANNOTATIONS[name]}: {len(people):,} people, all joints, places and scales in order")
        yield tried(f"pictures of {name}", partial(_pictures, people, entries))
    yield tried(TRUTH, lambda: _about_truth(data, whole.get("valid")))
    for name in ("trainval", "test"):  # no run needs them
        path = annotation_path(data, name)
        if path.is_file():
            try:
                entries = read_entries(path)
            except InputError as error:
                yield problem(error)
                continue
            yield Finding("ok", f"{ANNOTATIONS[name]}: {len(entries):,} people")
            yield count_finding(f"people of {name}", len(entries), DATA_SET.counts["people"][name])


def _about_truth(data: Path, people: MpiiPeople | None) -> str:
    truth = read_truth(truth_path(data))
    if people is None:
        return f"{len(truth):,} people, not compared with valid.json"
    odd = check_same_people(truth, people)
    unlike = int((truth.visible != people.visible).any(axis=1).sum())
    return f"{len(truth):,} people, in valid.json's order; {odd} lie elsewhere, {unlike} have other joints there"


def _pictures(people: MpiiPeople, entries: Entries) -> str:
    check_images(people, entries)
    chosen, sizes = entries.decoded_sizes(people.root / "images", _PICTURES_READ)
    entries.finish()
    centres = to_people(people, 1.0).people.centres[chosen]
    outside = int(((centres < 0) | (centres > sizes)).any(axis=1).sum())
    return f"all {len(set(people.names)):,} there, {len(chosen)} read, {outside} people's centres outside"


def prepare(release_file: Path, out: Path, validation: Path | None) -> None:
    """Write ``out/annot/`` from the official release.

    Raises:
        InputError: a damaged release, a wrong list, or a file to write that is already there.
    """
    print(f"reading {release_file} (a minute)", flush=True)
    labelled, test, left_out = read_release(release_file)
    files = {"trainval": [person.entry for person in labelled], "test": test}
    valid: list[ReleasePerson] = []
    if validation is not None:
        train, valid = split(labelled, validation)
        files |= {"train": [person.entry for person in train], "valid": [person.entry for person in valid]}
    targets = [*(annotation_path(out, name) for name in files), *([truth_path(out)] if valid else [])]
    for path in targets:
        if path.exists():
            raise InputError(f"{path}: already exists; remove it, or name another folder with --out")
    for name, entries in files.items():
        write_json(annotation_path(out, name), entries)
        print(f"{annotation_path(out, name)}: {len(entries):,} people", flush=True)
    if valid:
        write_mat(truth_path(out), truth_arrays(valid))
        print(f"{truth_path(out)}: {len(valid):,} people", flush=True)
    print(f"{left_out:,} people of training pictures lack joints, position, scale or head box: left out")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.mpii",
        description="MPII Human Pose: check, convert and score. See docs/data/mpii.md.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("check", help="say what is there, what is missing and what differs").add_argument
    add("--data", type=Path, required=True, help="folder with annot/ and images/")
    add = commands.add_parser("prepare", help="convert mpii_human_pose_v1_u12_1.mat into the JSON files").add_argument
    add("--release", type=Path, required=True, help="mpii_human_pose_v1_u12_1.mat")
    add(
        "--validation",
        type=Path,
        help="text file, a line per validation person: PICTURE NUMBER, or PICTURE for all in it",
    )
    add("--out", type=Path, required=True, help="folder of the data set; annot/ is written into it")
    add = commands.add_parser("evaluate", help="PCKh of stored predictions").add_argument
    add("--annotations", type=Path, required=True, help="gt_valid.mat")
    add("--predictions", type=Path, required=True, help="Matlab file: preds (people, 16, 2), 1-based px")
    add("--out", type=Path, help="JSON to write the scores to")
    arguments = parser.parse_args()
    if arguments.command == "check":
        report(f"MPII in {arguments.data}", check(arguments.data))
    elif arguments.command == "prepare":
        prepare(arguments.release, arguments.out, arguments.validation)
    else:
        scores = score_file(arguments.annotations, arguments.predictions)
        if arguments.out is not None:
            write_json(arguments.out, scores)
        for key in ("pckh_50", "pckh_10"):
            parts = "  ".join(f"{part} {percent(row[key])}" for part, row in scores["per_part"].items())
            print(f"PCKh@0.{key[-2]}  mean {scores[key]:.2f}  {parts}  ({scores['samples']:,} people)")


if __name__ == "__main__":
    run_cli(main)
