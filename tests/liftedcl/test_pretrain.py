"""Pre-training from the command line: killed and resumed it gives the same encoder; wrong inputs give one line."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import ROWS

from liftedcl.files import atomic
from liftedcl.files.array_file import write_array
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from liftedcl.images.shard import ShardWriter
from liftedcl.networks.encoder import build_backbone, load_encoder, save_encoder
from liftedcl.pretrain import main


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    with ShardWriter(folder / "images.npy", 48, 36, ("file", "label")) as writer:
        for i in range(120):
            writer.append(rng.integers(0, 256, (48, 36, 3), dtype=np.uint8), (f"{i}.jpg", i % 3))
    skeletons = rng.normal(size=(50, 17, 3)).astype(np.float32)
    skeletons -= skeletons[:, :1]
    np.save(folder / "skeletons.npy", skeletons / np.linalg.norm(skeletons.reshape(50, -1), axis=1)[:, None, None])
    torch.manual_seed(0)
    save_encoder(build_backbone("resnet18_narrow"), folder / "start.pt")
    return folder


def command(data, out, row="liftedcl_in_cc", **changes):
    options = {
        "recipe": to_json(ROWS[row]), "seed": 0, "images": data / "images.npy", "skeletons": data / "skeletons.npy",
        "start": data / "start.pt", "out": out,
    } | changes  # fmt: skip
    given = [(f"--{name}", str(value)) for name, value in options.items() if value is not None]
    return [sys.executable, "-m", "liftedcl.pretrain", *(word for pair in given for word in pair)]


def run(arguments):
    return subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True)


@pytest.mark.long
def test_killed_at_any_moment_the_encoder_is_the_same(data, tmp_path):
    whole = tmp_path / "whole" / "seed0"
    assert run(command(data, whole)).returncode == 0
    killed = tmp_path / "killed" / "seed0"
    # Checkpoints every step, so that a kill finds one to go on from.
    eager = "import liftedcl.engine.loop as e; e._SECONDS_BETWEEN_CHECKPOINTS = 0; import runpy, sys; " \
        "sys.argv[0] = 'pretrain'; runpy.run_module('liftedcl.pretrain', run_name='__main__')"  # fmt: skip
    arguments = [sys.executable, "-c", eager, *command(data, killed)[3:]]
    for kill in (signal.SIGKILL, signal.SIGTERM):
        process = subprocess.Popen(arguments, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        before = os.stat(killed / "last.pt").st_mtime_ns if (killed / "last.pt").exists() else 0
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if (killed / "last.pt").exists() and os.stat(killed / "last.pt").st_mtime_ns > before:
                time.sleep(0.3)
                break
            time.sleep(0.01)
        process.send_signal(kill)
        process.communicate()
    assert not (killed / "encoder.pt").exists()
    result = run(arguments)
    assert result.returncode == 0, result.stderr
    assert "going on from step" in result.stdout
    for name in ("encoder.pt", "heads.pt", "history.csv", "lifted.npz"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    left = {path.name for path in killed.iterdir()} - {".claim"}
    assert left == {"encoder.pt", "heads.pt", "history.csv", "lifted.npz", "provenance.json"}


@pytest.mark.long
def test_random_rows_differ_by_seed_and_carry_provenance(tmp_path):
    digests = set()
    for seed in (0, 0, 1):
        out = tmp_path / "random" / f"seed{seed}"
        arguments = ["--recipe", to_json(ROWS["random"]), "--seed", str(seed), "--out", str(out)]
        assert run([sys.executable, "-m", "liftedcl.pretrain", *arguments]).returncode == 0
        digests.add((out / "encoder.pt").read_bytes())
    assert len(digests) == 2
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["seed"] == 1
    assert provenance["recipe"]["method"] == "random"
    assert provenance["packages"]["torch"] == torch.__version__.split("+")[0] or "+" in provenance["packages"]["torch"]


def test_another_architecture_is_refused(tmp_path):
    save_encoder(build_backbone("resnet18"), tmp_path / "encoder.pt")
    for name in ("resnet50", "resnet18_narrow"):
        with pytest.raises(InputError, match=rf"encoder.pt: is not a {name}"):
            load_encoder(tmp_path / "encoder.pt", name)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"start": "{data}/other.pt"}, "other.pt: is not a resnet18_narrow"),
        ({"start": "{data}/cut.pt"}, "cut.pt: not a readable checkpoint"),
        ({"start": "{data}/none.pt"}, "none.pt: not found"),
        ({"start": None}, "--start"),
        ({"skeletons": "{data}/flat.npy"}, "flat.npy: holds"),
        ({"skeletons": "{data}/none.npy"}, "none.npy: not found"),
        ({"skeletons": "{data}/bit.npy"}, "bit.npy: not a plain array (its checksum differs)"),
        ({"images": "{data}/none.npy"}, "none.json: not found"),
        ({"images": None}, "--images"),
        ({"recipe": '{"method": "moco", "backbone": "resnet18"}'}, "'moco' is not one of"),
        ({"recipe": '{"method": '}, "not valid JSON"),
        ({"threads": 0}, "--threads"),
    ],
)
def test_wrong_inputs_are_named_and_leave_nothing(changes, named, data, tmp_path):
    save_encoder(build_backbone("resnet18"), data / "other.pt")
    (data / "cut.pt").write_bytes((data / "start.pt").read_bytes()[:5000])
    np.save(data / "flat.npy", np.zeros((3, 51), np.float32))
    write_array(data / "bit.npy", np.load(data / "skeletons.npy"))
    (data / "bit.npy").write_bytes((data / "bit.npy").read_bytes().replace(b"\x3e", b"\x3f", 1))
    out = tmp_path / "run" / "seed0"
    filled = {key: str(value).format(data=data) if key != "recipe" and value is not None else value
              for key, value in changes.items()}  # fmt: skip
    with pytest.raises(InputError) as error:
        main(command(data, out, **filled)[3:])
    assert named in str(error.value)
    assert not out.exists() or {path.name for path in out.iterdir()} <= {".claim"}


def test_a_mistake_ends_in_one_line_on_stderr(data, tmp_path):
    result = run(command(data, tmp_path / "seed0", start=data / "none.pt"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_two_processes_never_work_on_one_run(data, tmp_path, monkeypatch):
    out = tmp_path / "run" / "seed0"
    monkeypatch.setattr(atomic, "_PATIENCE", 0.1)
    with atomic.exclusive(out), pytest.raises(InputError, match="another process"):
        main(command(data, out)[3:])
