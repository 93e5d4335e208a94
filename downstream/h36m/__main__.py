"""Human3.6M by hand: prepare and check a data folder, score predictions."""

import argparse

from downstream.h36m import check, evaluate, prepare, prepare_parsing
from liftedcl.data_sets.h36m.files import POSES
from liftedcl.identity.errors import run_cli

_COMMANDS = {
    "prepare": (prepare, "make frames and annotations from the official files"),
    "prepare-parsing": (prepare_parsing, "make frames and label maps of the parsing benchmark from the official files"),
    "check": (check, "report what is there, what is missing and what differs from the release"),
    "evaluate": (evaluate, "JDR, MPJPE or mIoU of stored predictions"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m downstream.h36m",
        description="Human3.6M: prepare, check and score. See docs/data/h36m.md.",
        epilog="example: python -m downstream.h36m evaluate --benchmark h36m_3d "
        f"--annotations data/h36m/{POSES['test']} --predictions predictions.npz",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (command, purpose) in _COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=purpose))
    arguments = parser.parse_args()
    _COMMANDS[arguments.command][0].run(arguments)


if __name__ == "__main__":
    run_cli(main)
