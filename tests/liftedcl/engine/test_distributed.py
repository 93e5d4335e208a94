"""One process or two: the same global batch goes through the same arithmetic, for every method (gloo, on the CPU)."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import METHODS

from liftedcl.identity.recipe import to_json
from liftedcl.images.shard import ShardWriter
from workflow.params import read_params


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What tests/tiny/several_processes.py stored: of one process, and of each of two."""
    folder = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(0)
    with ShardWriter(folder / "images.npy", 64, 48, ("file", "label")) as writer:
        for i in range(16):
            # Finer than the pixels of a view: in flat areas rounding decides which of equal cells a pooling takes.
            writer.append(rng.integers(0, 256, (64, 48, 3), dtype=np.uint8), (f"{i}.jpg", i % 3))
    encoders = {"defaults": {"contrast": {"queue": 64}}}
    params = read_params(REPOSITORY / "params.yaml", {"profile": "demo", "encoders": encoders})
    defaults = read_sections(params)
    (folder / "recipe.json").write_text(defaults)
    found = []
    for processes in (1, 2):
        out = folder / str(processes)
        out.mkdir()
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        script = [str(REPOSITORY / "tests" / "tiny" / "several_processes.py")]
        options = ["--recipe", folder / "recipe.json", "--images", folder / "images.npy", "--out", out]
        command = [sys.executable, *(launcher if processes > 1 else []), *script, *map(str, options)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr[-2000:]
        found += [torch.load(out / f"{rank}of{processes}.pt", weights_only=True) for rank in range(processes)]
    return found


def read_sections(params) -> str:
    """The demo's LiftedCL row with the sections of every other method: a recipe that all methods take theirs from."""
    base = params.encoders["liftedcl_in_cc"]
    for recipe in params.encoders.values():
        missing = {
            field.name: getattr(recipe, field.name)
            for field in dataclasses.fields(recipe)
            if getattr(base, field.name) is None and dataclasses.is_dataclass(getattr(recipe, field.name))
        }
        base = dataclasses.replace(base, **missing)
    return to_json(dataclasses.replace(base, start=None))


def test_messages(results):
    one, first, second = (result["messages"] for result in results)
    assert torch.equal(one["rows"], torch.arange(12.0).view(6, 2) * 10)
    for two in (first, second):
        for name in ("rows", "total", "mean"):
            assert torch.equal(two[name], one[name]), name
        assert two["agreed"].tolist() == [True, False]  # the first process's answers, on both


def test_batch_norms_see_the_same_groups(results):
    one, first, second = (result["norms"] for result in results)
    assert any(key.endswith("running_var") for key in one)
    for two in (first, second):
        for key in one:
            assert torch.allclose(two[key].float(), one[key].float(), atol=1e-5), key


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_curve_is_the_same(method, results):
    one, first, second = (result[method] for result in results)
    assert first["history"] == second["history"]
    for here, there in zip(one["history"], first["history"], strict=True):
        assert here.keys() == there.keys()
        for name in here:  # in four steps, a change of 1e-6 in the first weights changes these as much
            assert there[name] == pytest.approx(here[name], rel=1e-2 if name.startswith("features/") else 1e-3), name


@pytest.mark.parametrize("method", METHODS)
def test_both_processes_end_in_the_same_state(method, results):
    """Queues too, which are never sent: every process pushes the same keys."""
    _, first, second = (result[method]["state"] for result in results)
    for key in first:
        assert torch.equal(first[key], second[key]), key
    one = results[0][method]["state"]
    for key in (key for key in one if key.endswith("keys")):
        assert torch.allclose(one[key], first[key], atol=2e-3), key
