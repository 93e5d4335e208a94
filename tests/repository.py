"""Where the repository is, a copy of it to run the DAG in, and ways to run it there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2", "--max-jobs-per-timespan", "100/1s"]  # ends sooner
TINY = ["--configfile", "tests/tiny/tiny.yaml"]
TABLE = "results/table4.csv"


def start(copy, *arguments):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*SNAKEMAKE, *arguments], cwd=copy, env=environment, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def run(copy, *arguments):
    process = start(copy, *arguments)
    output, _ = process.communicate()
    return process.returncode, output


def planned(copy, *arguments):
    """The jobs of a dry run, as (rule, row) pairs."""
    status, output = run(copy, "-n", *(arguments or (TABLE, *TINY)))
    assert status == 0, output
    return jobs_in(output)


def jobs_in(output):
    """(rule, row) of each job that Snakemake announces in what it printed."""
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", ungrouped(output), flags=re.MULTILINE)
    rows = [(rule, re.search(r"wildcards: .*\brow=(\w+)", details)) for rule, details in jobs]
    return sorted((rule, row.group(1) if row else "") for rule, row in rows)


def ungrouped(output):
    """What Snakemake printed, with jobs that would share a submission as if each were alone: a dry run indents them."""
    lines, inside = [], False
    for line in output.splitlines(keepends=True):
        if line.startswith(("[", "Job stats")):
            inside = "] Group job " in line
        lines.append(line.removeprefix("    ") if inside else line)
    return "".join(lines)


def copy_to(folder):
    """A copy of the repository without anything it has made."""
    folder.mkdir()
    for name in ("liftedcl", "downstream", "synthetic", "workflow", "profiles", "tests", "Snakefile", "params.yaml"):
        source = REPOSITORY / name
        copying = shutil.copytree if source.is_dir() else shutil.copy
        copying(source, folder / name)
    return folder


def keep_rows(copy, rows, names=tuple(f"table{number}" for number in range(1, 7))):
    """Tables with those of ``rows`` alone; one from each kind is enough for a test."""
    file = copy / "workflow" / "tables" / "tables.yaml"
    tables = yaml.safe_load(file.read_text())
    for name in names:
        kept = [row for row in tables[name]["rows"] if row["encoder"] in rows]
        tables[name] |= {"rows": kept, "baseline": rows[0], "differences": []}
    file.write_text(yaml.safe_dump(tables, sort_keys=False))
