"""`dvc repro` that is interrupted, killed, or started twice."""

import os
import signal
import time

import pytest
from tiny.pipeline import attempt, call, is_clean, planned, set_parameter, start


def repro_at_work(copy):
    """A `dvc repro` with something to train, begun, and waited for until Snakemake below it is at work."""
    set_parameter(copy, "profiles.demo.benchmarks.mpii.epochs", 10)  # some ten seconds
    process = start(copy, "dvc", "repro")
    deadline = time.monotonic() + 120
    while not list((copy / ".snakemake/locks").glob("*.lock")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda of: of.name)
def test_after_an_interruption_the_same_command_goes_on(copy, number):
    lock = (copy / "dvc.lock").read_bytes()
    process = repro_at_work(copy)
    os.killpg(process.pid, number)
    process.communicate()
    assert process.returncode != 0 and (copy / "dvc.lock").read_bytes() == lock
    call(copy, "dvc", "repro")
    assert planned(copy) == [] and is_clean(copy)


def test_a_dvc_that_alone_was_killed_leaves_snakemake_at_work_and_says_so(copy):
    process = repro_at_work(copy)
    process.kill()
    process.wait()
    status, output = attempt(copy, "dvc", "repro")
    assert status != 0 and "cannot be locked" in output
    process.communicate()  # ends with the snakemake that has its output
    call(copy, "dvc", "repro")
    assert planned(copy) == [] and is_clean(copy)


def test_two_at_once_get_a_clear_message(copy):
    first = repro_at_work(copy)
    status, output = attempt(copy, "dvc", "repro")
    assert status != 0 and "is busy, it is being blocked by" in output and "Traceback" not in output
    status, output = attempt(copy, "snakemake", "tables")
    assert status != 0 and "cannot be locked" in output
    printed, _ = first.communicate()
    assert first.returncode == 0, printed
    assert planned(copy) == [] and is_clean(copy)
