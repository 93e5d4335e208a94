"""Kills at random moments, a full disk, a read-only folder: the same command again ends with the same bytes.

Minutes long: `make test-faults` runs it, `make test` does not.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from repository import TABLE, TINY, planned, run, start
from tiny.run import finished_run, tiny_repository

KILLS = 24
KILLS_A_ROUND = 8  # each round from the first job on, so that kills fall into every stage


def products(copy):
    """Bytes of everything that a table is made of, by path; records of time and machine are not among them."""
    found = sorted(copy.glob("results/table4.*")) + sorted(copy.glob("runs/demo/**/*"))
    kept = (".csv", ".md", ".tex", ".npy", ".pt", ".png")
    return {
        str(path.relative_to(copy)): path.read_bytes()
        for path in found
        if (path.suffix in kept or path.name in ("metrics.json", "predictions.npz", "reference.json"))
        and path.name != "examples.png"  # drawn for another target
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    made = products(finished_run(tmp_path_factory.mktemp("undisturbed") / "repository"))
    assert len(made) > 20 and any(name.endswith("encoder.pt") for name in made)
    return made


def trainers(group):
    """Process ids of the jobs' own commands in a session; not snakemake's, nor the shells'."""
    command = r"^\S*python\S* -m (liftedcl|downstream|synthetic|workflow)\b"
    found = subprocess.run(["pgrep", "-s", str(group), "-f", command], capture_output=True)
    return [int(word) for word in found.stdout.split()]


def spared(copy):
    """No half-written file stands under a name that anything reads."""
    assert not list(copy.rglob("*.pt.part")) and not list((copy / "results").glob("*.part"))


def test_kills_at_random_moments_end_in_the_same_bytes(undisturbed, tmp_path):
    rng, hit, rounds = random.Random(0), {"trainer": 0, "snakemake": 0}, 0
    while sum(hit.values()) < KILLS:
        copy = tiny_repository(tmp_path / f"round{rounds}")
        rounds += 1
        for _ in range(KILLS_A_ROUND):
            process = start(copy, TABLE, *TINY)
            time.sleep(rng.uniform(2, 12))
            if process.poll() == 0:
                break  # it was done before
            jobs = trainers(process.pid)
            if jobs and hit["trainer"] <= hit["snakemake"]:
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    os.kill(rng.choice(jobs), signal.SIGKILL)
                hit["trainer"] += 1
                time.sleep(rng.uniform(1, 3))  # snakemake goes on with the others, and is then killed as well
            else:
                hit["snakemake"] += 1
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        status, output = run(copy, TABLE, *TINY)
        assert status == 0, output
        assert products(copy) == undisturbed
        assert planned(copy) == []
    assert min(hit.values()) >= 5, hit


@pytest.fixture
def mounted(tmp_path):
    """A copy, and a way to put a file system of its own at one of its folders: mount(name, options)."""
    copy, folders = tiny_repository(tmp_path / "repository"), set()

    def mount(name, options):
        folder = copy / name
        folder.mkdir(exist_ok=True)
        again = "remount," if folder in folders else ""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", again + options, "tmpfs", str(folder)], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"a file system can't be mounted here: {done.stderr.strip()}")
        folders.add(folder)

    yield copy, mount
    for folder in folders:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_nothing_is_lost(undisturbed, mounted):
    copy, mount = mounted
    mount("runs", "size=3m")
    status, output = run(copy, TABLE, *TINY)
    assert status != 0
    assert "No space left on device; free some space and run the same command again" in output
    spared(copy)
    mount("runs", "size=1g")
    status, output = run(copy, TABLE, *TINY)
    assert status == 0, output
    assert products(copy) == undisturbed


@pytest.mark.parametrize("name", ["runs", "results"])
def test_a_read_only_folder_is_named_and_nothing_is_lost(undisturbed, mounted, name):
    copy, mount = mounted
    mount(name, "size=1g")
    status, output = run(copy, "runs/demo/encoders/random/seed0/encoder.pt", *TINY)
    assert status == 0, output
    mount(name, "ro")
    status, output = run(copy, TABLE, *TINY)
    assert status != 0 and "ead-only file system" in output
    spared(copy)
    mount(name, "rw")
    status, output = run(copy, TABLE, *TINY)
    assert status == 0, output
    assert products(copy) == undisturbed


def test_a_job_that_vanishes_is_run_again_by_the_same_command(undisturbed, tmp_path):
    """As on a node that is gone: the shell and all below it, at once; snakemake lives and tells which job."""
    copy = tiny_repository(tmp_path / "repository")
    process = start(copy, TABLE, *TINY)
    deadline = time.monotonic() + 300
    victim: list[int] = []
    while not victim and process.poll() is None and time.monotonic() < deadline:
        victim = [job for job in trainers(process.pid) if "liftedcl.pretrain" in _command(job)]
        time.sleep(0.1)
    for job in victim:
        os.kill(job, signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode != 0 and "Error in rule" in output
    status, output = run(copy, TABLE, *TINY)
    assert status == 0, output
    assert products(copy) == undisturbed


def test_a_job_that_fails_by_chance_leaves_a_table_that_the_next_run_makes_whole(undisturbed, tmp_path):
    """Nothing is edited in between, and the table of what there was is newer than all that it was made of."""
    copy = tiny_repository(tmp_path / "repository")
    in_the_way = copy / "runs/demo/encoders/liftedcl_in_cc/seed0/last.pt"  # where its checkpoint stands
    in_the_way.mkdir(parents=True)
    status, output = run(copy, TABLE, *TINY)
    assert status != 0 and "results/table4.csv: 1 of 4 runs are missing" in output
    assert "is missing" in (copy / "results/table4.md").read_text()
    in_the_way.rmdir()
    status, output = run(copy, TABLE, *TINY)
    assert status == 0, output
    assert products(copy) == undisturbed


def _command(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
