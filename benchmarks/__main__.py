"""Command line: run benchmarks, each in a process of its own, and render the table of benchmarks/README.md."""

import argparse
import multiprocessing
import sys
from pathlib import Path

from benchmarks import NAMES
from benchmarks.report import RESULTS, run_and_print, write_report
from liftedcl.identity.errors import run_cli


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time each part of pre-training, the published way of doing it, the best library peer and a floor. "
        "Exits with 1 when a result is wrong, never because one is slow.",
        epilog="example: python -m benchmarks crop dense_nce; python -m benchmarks report only renders the table again",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all), or report")
    parser.add_argument("--smoke", action="store_true", help="small sizes, one repeat; writes nothing without --out")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for the JSON files (default: benchmarks/results)")
    arguments = parser.parse_args()
    names = arguments.names or list(NAMES)
    if names == ["report"]:
        write_report()
        return
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(NAMES)}, report")
    out = arguments.out or (None if arguments.smoke else RESULTS)
    wrong = []
    for name in names:
        # Each runs in a new process: the memory, threads and caches of one benchmark must not reach the next.
        process = multiprocessing.get_context("spawn").Process(target=run_and_print, args=(name, arguments.smoke, out))
        process.start()
        process.join()
        if process.exitcode != 0:
            wrong.append(name)
    if out == RESULTS:
        write_report()
    if wrong:
        print(f"error: {', '.join(wrong)}: wrong or broken, see above", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run_cli(main)
