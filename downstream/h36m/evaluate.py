"""``python -m downstream.h36m evaluate``: scores of stored predictions. Needs no pictures and no torch."""

import argparse
from pathlib import Path
from typing import Any

from downstream.h36m import scores_2d, scores_3d
from downstream.h36m.reader_2d import read_joints
from downstream.h36m.reader_3d import read_poses
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command's arguments."""
    add = parser.add_argument
    add("--benchmark", required=True, choices=("h36m_2d", "h36m_3d"), help="which benchmark")
    add("--annotations", type=Path, required=True, help="h36m_validation.pkl, or Sample_64_test_..._protocol_2.json")
    add("--predictions", type=Path, required=True, help="npz: joints (N, 17, 2) px or poses (N, 17, 3) mm, and images")
    add("--head-size", type=float, help="h36m_2d: in px of the frames (default: the predictions', or else 25.6)")
    add("--stride", type=int, help="h36m_2d: test_stride of the recipe (default: the predictions', or else 64)")
    add("--out", type=Path, help="JSON to write the scores to")


def run(arguments: argparse.Namespace) -> None:
    """Print the scores, and write them where asked.

    Raises:
        InputError: a file that is missing or damaged, or predictions for other pictures.
    """
    scores, protocol = _score_2d(arguments) if arguments.benchmark == "h36m_2d" else (_score_3d(arguments), "")
    if arguments.out is not None:
        write_json(arguments.out, scores)
    numbers = "  ".join(f"{key} {value:.2f}" for key, value in scores.items() if isinstance(value, float))
    print(f"{numbers}  {scores['samples']} samples{protocol}")


def _score_2d(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The scores, and a few words about what they depend on."""
    head_size, stride = scores_2d.read_settings(arguments.predictions)
    head_size = head_size if arguments.head_size is None else arguments.head_size
    stride = stride if arguments.stride is None else arguments.stride
    if stride < 1 or not 0 < head_size < float("inf"):
        raise InputError("--stride, --head-size: must be above 0; see the recipe the predictions were made with")
    joints = read_joints(arguments.annotations, stride)
    predicted = scores_2d.read_predictions(arguments.predictions, joints)
    return scores_2d.score(predicted, joints, head_size), f", head size {head_size:g} px, stride {stride}"


def _score_3d(arguments: argparse.Namespace) -> dict[str, Any]:
    poses = read_poses(arguments.annotations)
    return scores_3d.score(scores_3d.read_predictions(arguments.predictions, poses), poses)
