"""One process or two: the same global batch goes through the same arithmetic, for every method (gloo, on the CPU)."""

import dataclasses
import os
import subprocess
import sys

import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import METHODS
from tiny.shard import write_tiny_shard

from liftedcl.identity.recipe import to_json
from workflow.params import read_params


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What tests/tiny/several_processes.py stored: of one process, and of each of two."""
    folder = tmp_path_factory.mktemp("world")
    write_tiny_shard(folder / "images.npy", 16)
    encoders = {"defaults": {"contrast": {"queue": 64}}}
    rows = read_params(REPOSITORY / "params.yaml", {"profile": "demo", "encoders": encoders}).encoders.values()
    recipes = {method: next(row for row in rows if row.method == method) for method in METHODS}
    lines = [to_json(dataclasses.replace(recipe, start=None)) for recipe in recipes.values()]
    (folder / "recipes.txt").write_text("\n".join(lines))
    found = []
    for processes in (1, 2):
        out = folder / str(processes)
        out.mkdir()
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        script = [str(REPOSITORY / "tests" / "tiny" / "several_processes.py")]
        options = ["--recipes", folder / "recipes.txt", "--images", folder / "images.npy", "--out", out]
        command = [sys.executable, *(launcher if processes > 1 else []), *script, *map(str, options)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr[-2000:]
        found += [torch.load(out / f"{rank}of{processes}.pt", weights_only=True) for rank in range(processes)]
    return found


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
