"""How a command ends where its output or a disk fails, or a file's name is no text."""

import errno
import os
import subprocess
import sys

import pytest
from repository import REPOSITORY

from liftedcl.identity.errors import run_cli

LINES = "print('one')\n    for _ in range(9999): print('more')"


def command(body, buffered=True, **options):
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict", "PYTHONUNBUFFERED": "" if buffered else "1"}
    code = f"from liftedcl.identity.errors import InputError, run_cli\ndef main():\n    {body}\nrun_cli(main)"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (LINES, 141, ""),
        ("import time; time.sleep(0.5)\n    print('short, and written when the command ends')", 141, ""),
        ("import argparse, time; time.sleep(0.5); argparse.ArgumentParser().parse_args(['--help'])", 0, ""),
        (f"{LINES.replace('9999', '9')}\n    raise InputError('x: is not there')", 2, "error: x: is not there\n"),
    ],
)  # fmt: skip
def test_nobody_reads_on(body, status, message):
    process = command(body, stdout=subprocess.PIPE)
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == (message, status)


def test_nobody_reads_on_what_is_written_at_once():
    process = command(LINES, buffered=False, stdout=subprocess.PIPE)
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 141)


def test_all_that_is_printed_is_read_by_whoever_reads_it():
    process = command(LINES, stdout=subprocess.PIPE)
    assert process.communicate()[0].count("\n") == 10_000 and process.returncode == 0


def test_a_full_disk_under_the_output_is_named():
    with open("/dev/full", "w") as full:
        process = command("print('more')", stdout=full)
        _, errors = process.communicate()
    assert process.returncode == 2 and errors.count("\n") == 1 and "error: output: No space left" in errors


@pytest.mark.parametrize("number", [errno.EIO, errno.EPERM, errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_what_the_system_refuses_is_one_line(number, capsys):
    def main():
        raise OSError(number, os.strerror(number), "runs/x.npy")

    with pytest.raises(SystemExit) as ended:
        run_cli(main)
    line = capsys.readouterr().err
    assert ended.value.code == 2 and line.count("\n") == 1
    assert line.startswith(f"error: runs/x.npy: {os.strerror(number)}; ")


def test_faults_of_the_program_keep_their_trace():
    for fault in (OSError(errno.EBADF, "x"), ValueError("x")):
        with pytest.raises(type(fault)):
            run_cli(lambda fault=fault: (_ for _ in ()).throw(fault))
    _, errors = command("raise BrokenPipeError(32, 'of another pipe')", stdout=subprocess.PIPE).communicate()
    assert "Traceback" in errors and "of another pipe" in errors


def test_names_that_are_no_text_are_printed_but_not_written(tmp_path):
    name = os.fsdecode(b"gr\xfc\xdfe.jpg")
    process = command(f"print({name!r})", stdout=subprocess.PIPE)
    printed, _ = process.communicate()
    assert process.returncode == 0 and printed == "gr\\udcfc\\udcdfe.jpg\n"
    process = command(
        f"from liftedcl.files.atomic import write_text; write_text({str(tmp_path / 'x.csv')!r}, 'a' * 99 + {name!r})"
    )
    _, errors = process.communicate()
    assert process.returncode == 2 and errors.count("\n") == 1
    assert "gr\\udcfc\\udcdfe.jpg': a name that is not text in UTF-8; rename that file" in errors
    assert not list(tmp_path.iterdir())
