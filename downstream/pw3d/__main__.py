"""3DPW by hand: ``python -m downstream.pw3d {check,prepare,evaluate}``."""

import argparse
from pathlib import Path

from downstream.pw3d.check import findings
from downstream.pw3d.prepare import prepare_sequences, prepare_smpl
from downstream.pw3d.scores import score_file
from downstream.reading.data_check import report
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError, run_cli

_DATA = "folder with dataset_extras/, images/ and smpl/ (docs/data/pw3d.md)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m downstream.pw3d", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser(
        "check", help="report what is there, what is missing, and what differs from the release"
    )
    command.add_argument("--data", type=Path, required=True, help=_DATA)
    command.set_defaults(run=lambda arguments: report(f"3DPW in {arguments.data}", findings(arguments.data)))

    command = commands.add_parser(
        "prepare", help="convert SMPL's and 3DPW's official pickles to npz; nothing in them is run"
    )
    command.add_argument("--out", type=Path, required=True, metavar="ROOT", help=_DATA)
    command.add_argument("--smpl-pickles", type=Path, metavar="FOLDER", help="folder with the three SMPL pickles")
    command.add_argument("--sequences", type=Path, metavar="FOLDER", help="3DPW's sequenceFiles")
    command.set_defaults(run=_prepare)

    command = commands.add_parser("evaluate", help="score stored predictions; needs no images and no torch")
    command.add_argument("--annotations", type=Path, required=True, help="3dpw_test.npz, or another file in its format")
    command.add_argument("--body", type=Path, required=True, metavar="FOLDER", help="smpl/ with bodies and regressors")
    command.add_argument("--predictions", type=Path, required=True, help="predictions.npz of a run")
    command.add_argument("--out", type=Path, help="JSON to write the scores to")
    command.set_defaults(run=_evaluate)

    arguments = parser.parse_args()
    arguments.run(arguments)


def _prepare(arguments: argparse.Namespace) -> None:
    if arguments.smpl_pickles is None and arguments.sequences is None:
        raise InputError("nothing to prepare: name --smpl-pickles FOLDER, --sequences FOLDER or both")
    if arguments.smpl_pickles is not None:
        for path in prepare_smpl(arguments.smpl_pickles, arguments.out):
            print(f"{path}: written", flush=True)
    if arguments.sequences is not None:
        path, count, left_out = prepare_sequences(arguments.sequences, arguments.out)
        print(f"{path}: {count:,} people; {left_out} with fewer than two 2D joints left out", flush=True)


def _evaluate(arguments: argparse.Namespace) -> None:
    scores = score_file(arguments.annotations, arguments.body, arguments.predictions)
    if arguments.out is not None:
        write_json(arguments.out, scores)
    lines = {"reconstruction error": "pa_mpjpe_mm", "MPJPE": "mpjpe_mm", "PVE": "pve_mm"}
    print("  ".join(f"{name} {scores[key]:.2f} mm" for name, key in lines.items()), f" {scores['samples']} people")


if __name__ == "__main__":
    run_cli(main)
