"""``python -m downstream.h36m evaluate``: scores of stored predictions. Needs no images and no torch."""

import argparse
from pathlib import Path

from downstream.h36m.parsing import scores as scores_parsing
from downstream.h36m.pose_2d import scores as scores_2d
from downstream.h36m.pose_3d import scores as scores_3d
from liftedcl.data_sets.h36m.files import JOINTS, POSES
from liftedcl.data_sets.h36m.parsing_files import PARSING
from liftedcl.files.atomic import write_json

_ANNOTATIONS = JOINTS["test"], POSES["test"], PARSING["test"]
_PARSING_STRIDE = 25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-command's arguments."""
    add = parser.add_argument
    add("--benchmark", required=True, choices=("h36m_2d", "h36m_3d", "h36m_parsing"), help="which benchmark")
    add("--annotations", type=Path, required=True, help=f"of the test set: {', '.join(_ANNOTATIONS)}")
    add(
        "--predictions",
        type=Path,
        required=True,
        help="npz: joints (N, 17, 2) px or poses (N, 17, 3) mm, and images; h36m_parsing: a folder of label maps",
    )
    add("--head-size", type=float, help="h36m_2d: in px of the frames (default: the predictions', or else 25.6)")
    add(
        "--stride",
        type=int,
        help="h36m_2d: test_stride of the recipe (default: the predictions', or else 64); h36m_parsing: likewise (25)",
    )
    add("--out", type=Path, help="JSON to write the scores to")


def run(arguments: argparse.Namespace) -> None:
    """Print the scores, and write them to ``--out`` where it is given."""
    files = arguments.annotations, arguments.predictions
    if arguments.benchmark == "h36m_2d":
        head_size, stride = scores_2d.settings_of(arguments.predictions, arguments.head_size, arguments.stride)
        protocol = f", head size {head_size or scores_2d.PAPER['head_size']:g} px, stride {stride}"
        scores = scores_2d.score_file(*files, head_size, stride)
    elif arguments.benchmark == "h36m_parsing":
        stride = arguments.stride or _PARSING_STRIDE
        scores, protocol = scores_parsing.score_list(*files, stride), f", stride {stride}"
    else:
        scores, protocol = scores_3d.score_file(*files), ""
    if arguments.out is not None:
        write_json(arguments.out, scores)
    numbers = "  ".join(f"{key} {value:.2f}" for key, value in scores.items() if isinstance(value, float))
    print(f"{numbers}  {scores['samples']} samples{protocol}")
