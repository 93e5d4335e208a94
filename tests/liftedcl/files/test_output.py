"""Where a result is written: one writer at a time, links are followed, and only a file is ever replaced or read."""

import multiprocessing
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from repository import REPOSITORY

from liftedcl.files import atomic
from liftedcl.files.array_file import read_array, read_arrays
from liftedcl.files.atomic import atomic_path, exclusive, read_json, write_json
from liftedcl.files.tensor_file import load
from liftedcl.identity.errors import InputError


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(atomic, "_PATIENCE", 0.1)


def test_a_second_writer_is_refused_and_disturbs_nothing(tmp_path, impatient):
    path = tmp_path / "a.json"
    with atomic_path(path) as part:
        part.write_text("the first one's, half")
        with pytest.raises(InputError, match=r"a\.json: another process is writing this file"):
            write_json(path, "the second one's")
        assert not path.exists() and part.read_text() == "the first one's, half"
        part.write_text("the first one's, whole")
    assert path.read_text() == "the first one's, whole"
    write_json(path, [1])
    assert read_json(path, "") == [1] and list(tmp_path.iterdir()) == [path]


def write_long(path, digit, begun):
    with atomic_path(path) as part, part.open("w") as file:
        begun.set()
        for _ in range(50):
            file.write(digit * 1000)
            file.flush()
            time.sleep(0.002)


def test_only_whole_content_of_one_writer_ever_stands_under_the_name(tmp_path):
    """Writers that wait for each other, each of which begins as soon as the one before has renamed its file."""
    context, path = multiprocessing.get_context("fork"), tmp_path / "a.txt"
    begun = context.Event()
    writers = [context.Process(target=write_long, args=(path, digit, begun)) for digit in "123"]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            seen.add(path.read_text())
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert seen | {path.read_text()} <= {digit * 50_000 for digit in "123"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_claim_is_waited_for_while_a_killed_runs_workers_end(tmp_path):
    code = (
        "import os, signal, sys, time\nfrom liftedcl.files.atomic import exclusive\n"
        "with exclusive(sys.argv[1]):\n"
        "    if os.fork() == 0:\n        time.sleep(1); os._exit(0)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY).returncode == -9
    started = time.monotonic()
    with exclusive(tmp_path):
        assert time.monotonic() - started > 0.2  # the worker that outlived its run still had it


def test_a_link_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for target in (tmp_path / "elsewhere" / "old.json", tmp_path / "elsewhere" / "new.json"):
        link = tmp_path / f"link_to_{target.name}"
        link.symlink_to(target)
    (tmp_path / "elsewhere" / "old.json").write_text("old")
    for name in ("old.json", "new.json"):
        write_json(tmp_path / f"link_to_{name}", [name])
        assert (tmp_path / f"link_to_{name}").is_symlink()
        assert read_json(tmp_path / "elsewhere" / name, "") == [name]
    assert len(list(tmp_path.rglob("*"))) == 5


def test_a_pipe_and_a_device_are_neither_replaced_nor_waited_for(tmp_path):
    pipe, device = tmp_path / "pipe.json", tmp_path / "device.json"
    os.mkfifo(pipe)
    device.symlink_to(os.devnull)
    for path, kind in ((pipe, "pipe"), (device, "device")):
        with pytest.raises(InputError, match=rf"{path.name}: is a {kind}, and only a file"):
            write_json(path, [1])
        readers = (read_json, load, read_array, lambda name, remedy: read_arrays(name, (), remedy))
        for reader in readers:
            with pytest.raises(InputError, match=rf"{path.name}: is a {kind}, not a file"):
                reader(path, "get it again") if reader is not load else reader(path)
    assert pipe.is_fifo() and device.is_symlink() and len(list(tmp_path.iterdir())) == 2


def test_a_folder_is_no_input(tmp_path):
    for reader in (read_json, read_array):
        with pytest.raises(InputError, match="is a folder, not a file; get it again"):
            reader(tmp_path, "get it again")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 251])
def test_a_name_that_is_too_long_ends_in_one_line(tmp_path, name):
    """251 letters could be the file's name, but leave no room for that of the unfinished one."""
    code = (
        "import sys\nfrom liftedcl.files.atomic import write_json\nfrom liftedcl.identity.errors import run_cli\n"
        "run_cli(lambda: write_json(sys.argv[1], 1))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / name)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "too long for the file system, choose a shorter one" in result.stderr


def test_json_may_begin_with_a_mark_and_have_any_line_ends(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{\r\n"a": 1\r\n}\r\n')
    assert read_json(tmp_path / "a.json", "") == {"a": 1}


def test_arrays_of_numpy_are_still_read(tmp_path):
    for array in (np.arange(6).reshape(2, 3), np.zeros((0, 3)), np.array(2.5), np.array(["a", "bc"])):
        np.save(tmp_path / "x.npy", array)
        np.testing.assert_array_equal(read_array(tmp_path / "x.npy", ""), array)
        np.save(tmp_path / "x.npy", np.asfortranarray(array))
        np.testing.assert_array_equal(read_array(tmp_path / "x.npy", ""), array)
