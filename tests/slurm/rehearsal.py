"""What snakemake itself costs at scale: planning 1,000 runs, planning finished ones, and empty jobs through Slurm.

PYTHONPATH=tests python tests/slurm/rehearsal.py [--jobs 100]: empty jobs need the Slurm of tests/slurm/up.sh.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from repository import copy_to, ungrouped

SLURM = ["--profile", "profiles/slurm"]
TEN_SEEDS = ["--config", "seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"]
# The whole workflow is read for each of them, as it is for a real job.
EMPTY_JOBS = """
include: "Snakefile"

rule empty:
    output: "empty/{number}"
    resources: **PARAMS.cluster.resources("short"),
    shell: "touch {output}"
"""


def snakemake(folder: Path, *arguments: str) -> tuple[float, str]:
    """Seconds that a call took, and what it said."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    return time.monotonic() - started, done.stdout


def number_of_jobs(output: str) -> int:
    return int(re.search(r"^total +(\d+)$", output, flags=re.MULTILINE).group(1))


def plan(folder: Path) -> None:
    seconds, output = snakemake(folder, "-n", "tables", *SLURM, *TEN_SEEDS)
    print(f"planning {number_of_jobs(output):,} jobs: {seconds:.1f} s", flush=True)
    if seconds > 60:
        sys.exit("error: planning took more than a minute; python -m cProfile -m snakemake -n ... shows where")


def stand_in(folder: Path, name: str) -> None:
    """An empty file, or a folder with one, of this name; ``*`` is anything."""
    path = folder / name.split(" or ")[0].replace("*", "0")
    path = path if path.suffix else path / "0"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def plan_what_is_done(folder: Path) -> None:
    """Everything of profile paper is there, as empty files that snakemake takes for up to date."""
    paper = ["tables", "--config", "profile=paper"]
    said = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", *paper], cwd=folder, capture_output=True, text=True
    ).stderr
    for name in re.findall(r"^  missing  (.+)$", said, flags=re.MULTILINE):
        stand_in(folder, name)
    _, output = snakemake(folder, "-n", *paper)
    for names in re.findall(r"^    output: (.+)$", ungrouped(output), flags=re.MULTILINE):
        for name in names.split(", "):
            stand_in(folder, name)
    snakemake(folder, "--touch", *paper)
    seconds, again = snakemake(folder, "-n", *paper)
    if "Nothing to be done" not in again:
        sys.exit(again[-3000:])
    print(f"finding {number_of_jobs(output)} jobs of profile paper done: {seconds:.1f} s", flush=True)


def empty_jobs(folder: Path, count: int) -> None:
    (folder / "empty.smk").write_text(EMPTY_JOBS)
    targets = [f"empty/{number}" for number in range(count)]
    alone, _ = snakemake(folder, "--snakefile", "empty.smk", *SLURM, "empty/alone")
    seconds, _ = snakemake(folder, "--snakefile", "empty.smk", *SLURM, *targets)
    print(f"1 empty job through Slurm: {alone:.0f} s")
    print(f"{count} empty jobs through Slurm: {seconds:.0f} s, {seconds / count:.2f} s each", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100, help="number of empty jobs; 0: planning only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = copy_to(Path(scratch, "repository"))
        plan(folder)
        plan_what_is_done(folder)
        if arguments.jobs:
            empty_jobs(folder, arguments.jobs)


if __name__ == "__main__":
    main()
