"""Table 8 on a real Slurm, with jobs killed in the middle of their training. Run by `make test-cluster`, as root."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from repository import copy_to, keep_rows

FOLDER = Path(__file__).resolve().parent
SNAKEMAKE = [
    sys.executable, "-m", "snakemake", "--profile", "profiles/slurm",
    "--configfile", "tests/tiny/tiny.yaml", "tests/slurm/shrunken.yaml",
    "--slurm-init-seconds-before-status-checks", "3",
]  # fmt: skip
ROWS = ("supervised_in", "moco_v2_in_cc", "liftedcl_inv_equiv", "liftedcl_in_cc")
ENCODERS = Path("runs/demo/encoders")
MINUTES = 60


@pytest.fixture(scope="module", autouse=True)
def slurm():
    """The daemons; what the script needs and doesn't find is the reason to skip."""
    started = subprocess.run(["bash", FOLDER / "up.sh"], capture_output=True, text=True)
    if started.returncode == 2:
        pytest.skip(started.stderr.strip())
    assert started.returncode == 0, started.stderr
    yield
    subprocess.run(["bash", FOLDER / "down.sh"], check=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = copy_to(tmp_path_factory.mktemp("slurm") / "repository")
    keep_rows(folder, ROWS, ["table8"])
    return folder


def jobs():
    """Every job that Slurm remembers, as dictionaries of scontrol's fields."""
    lines = subprocess.run(["scontrol", "show", "jobs", "--oneliner"], capture_output=True, text=True).stdout
    return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines.splitlines() if line.startswith("JobId=")]


def jobs_of(row):
    """The jobs that pre-trained a row, one for each attempt, in their order."""
    found = [job for job in jobs() if re.fullmatch(rf"rule_pretrain\w*_wildcards_{row}_0", job["Comment"])]
    return sorted(found, key=lambda job: int(job["JobId"]))


def gpus(job):
    """The number of GPUs that a job asked for."""
    found = re.search(r"gpu:(\d+)", job.get("TresPerJob", ""))
    return int(found.group(1)) if found else 0


def training_process(copy, row):
    """Number of the process that pre-trains a row in this copy."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().split("\0")
            here = (folder / "cwd").samefile(copy)
        except OSError:  # it has just ended
            continue
        trains = Path(words[0]).name.startswith("python") and words[1:3] == ["-m", "liftedcl.pretrain"]
        if here and trains and words[words.index("--out") + 1] == str(ENCODERS / row / "seed0"):
            return int(folder.name)
    return None


def wait_for(condition, process, minutes):
    deadline = time.monotonic() + minutes * MINUTES
    while not condition():
        assert process.poll() is None, "snakemake ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def output(copy, slurm):
    """What snakemake said while it made table 8 and lost two of its jobs, one to scancel and one to SIGKILL."""
    said = copy / "said.txt"
    with open(said, "w") as file:
        process = subprocess.Popen(
            [*SNAKEMAKE, "results/table8.csv"], cwd=copy, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        row = "liftedcl_inv_equiv"
        wait_for((copy / ENCODERS / row / "seed0/last.pt").exists, process, minutes=10)
        subprocess.run(["scancel", jobs_of(row)[-1]["JobId"]], check=True)
        row = "liftedcl_in_cc"
        wait_for((copy / ENCODERS / row / "seed0/last.pt").exists, process, minutes=10)
        os.kill(training_process(copy, row), signal.SIGKILL)
        process.wait(15 * MINUTES)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        print(said.read_text())
    assert process.returncode == 0
    return said.read_text()


def test_the_table_is_complete(copy, output):
    with open(copy / "results/table8.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 + len(ROWS)  # the trivial predictor, the bound and the encoders
    for row in rows:
        assert row["jdr"] and row["pa_mpjpe_mm"] and not row["missing"], row


@pytest.mark.parametrize(("row", "state"), [("liftedcl_inv_equiv", "CANCELLED"), ("liftedcl_in_cc", "FAILED")])
def test_a_killed_job_goes_on_from_its_checkpoint(copy, output, row, state):
    first, second = jobs_of(row)
    assert (first["JobState"], second["JobState"]) == (state, "COMPLETED")
    log = (copy / ENCODERS / row / "seed0/log.txt").read_text()
    assert int(re.search(r"going on from step (\d+)", log).group(1)) > 0, log
    assert re.search(rf"^\[{row}\]\s+1/", log, flags=re.MULTILINE) is None
    assert not (copy / ENCODERS / row / "seed0/last.pt").exists()


def test_a_job_gets_what_params_yaml_says_and_more_when_it_is_tried_again(output):
    first, second = jobs_of("liftedcl_in_cc")
    assert "mem=2000M" in first["TRES"] and "mem=4000M" in second["TRES"]
    assert {gpus(first), gpus(second)} == {1}
    assert {job["Partition"] for job in jobs_of("liftedcl_in_cc")} == {"gpu"}
    assert {job["Requeue"] for job in jobs()} == {"1"}


def test_a_training_and_its_scores_share_a_submission_with_a_gpu(output):
    shared = [job for job in jobs() if re.fullmatch(r"rule_finetuning_score_(\w+)_train_\1", job["Comment"])]
    assert len(shared) == 2 * len(ROWS)  # two benchmarks
    assert {gpus(job) for job in shared} == {1} and {job["Partition"] for job in shared} == {"gpu"}


def test_short_jobs_share_a_submission_and_none_asks_for_a_gpu(output):
    groups = [job for job in jobs() if job["Comment"].startswith("rule_references")]
    assert len(groups) == 1
    assert gpus(groups[0]) == 0


def test_what_failed_keeps_its_log(copy, output):
    number = jobs_of("liftedcl_in_cc")[0]["JobId"]
    assert list((copy / "logs/slurm").rglob(f"{number}.log"))


def test_nothing_is_left_to_do(copy, output):
    again = subprocess.run([*SNAKEMAKE, "results/table8.csv"], cwd=copy, capture_output=True, text=True)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_torchrun_takes_the_gpus_of_a_node(copy, output):
    target = str(ENCODERS / "liftedcl_cc/seed0")
    done = subprocess.run(
        [*SNAKEMAKE, f"{target}/encoder.pt", "--config", "compute={threads: 1, workers: 0, gpus: 2}"],
        cwd=copy, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((copy / target / "provenance.json").read_text())["hardware"]["device"] == "2 x cpu"
    assert gpus(jobs_of("liftedcl_cc")[0]) == 2
