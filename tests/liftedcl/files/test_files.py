"""Nothing half-written: what a failing write leaves, and what the user reads."""

import errno
import json
import subprocess
import sys

import pytest
import torch
from repository import REPOSITORY

from liftedcl.files import tensor_file
from liftedcl.files.atomic import atomic_path, read_json, write_json
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import load_state


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    with pytest.raises(OSError, match=r"a.json") as error, atomic_path(path) as part:
        part.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert error.value.filename == str(path)
    assert json.loads(path.read_text()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_is_overwritten(tmp_path):
    path = tmp_path / "a.json"
    (tmp_path / ".a.json.part").write_text("what a killed run left")
    write_json(path, [1])
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_wrote_nothing_leaves_no_empty_file(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(RuntimeError, match=r"a\.json: nothing was written"), atomic_path(path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", '{"images": [', "[1, 2", "\0\0\0"])
def test_broken_json_is_named(tmp_path, content):
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"broken.json: not valid JSON.*; get it again"):
        read_json(path, "get it again")


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"mpjpe_mm": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_in_one_line(tmp_path):
    """The limit on file sizes stands in for a full disk: the write fails in the middle of the tensors."""
    code = (
        "import resource, signal, torch\nfrom liftedcl.files import tensor_file\n"
        "from liftedcl.identity.errors import run_cli\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"run_cli(lambda: tensor_file.save({{'a': torch.zeros(1000, 1000)}}, {str(tmp_path / 'encoder.pt')!r}))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith(f"error: {tmp_path / 'encoder.pt'}: File too large")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_python_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "objects.pt"
    torch.save({"a": subprocess.run}, path)
    with pytest.raises(InputError, match="could run code"):
        tensor_file.load(path)


@pytest.mark.parametrize("content", [b"hello\n", b"", b"\x80\x02K\x01.", b"\0" * 100, b"PK\x03\x04junk"])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content):
    path = tmp_path / "encoder.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"encoder.pt: not a"):
        load_state(path)
