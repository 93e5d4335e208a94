"""One process or two: the same global batch goes through the same arithmetic, for every method (gloo, on the CPU)."""

import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import METHODS, ROWS

from liftedcl.checks.method_checks import noise_in, small
from liftedcl.checks.several_processes import compare, in_processes
from liftedcl.identity.recipe import to_json


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What tests/tiny/several_processes.py stored: of one process, and of each of two."""
    folder = tmp_path_factory.mktemp("world")
    noise_in(folder)
    recipes = [small(next(row for row in ROWS.values() if row.method == method)) for method in METHODS]
    (folder / "recipes.txt").write_text("\n".join(map(to_json, recipes)))
    found = []
    for processes in (1, 2):
        out = folder / str(processes)
        out.mkdir()
        script = str(REPOSITORY / "tests" / "tiny" / "several_processes.py")
        in_processes(processes, [script, "--recipes", str(folder / "recipes.txt"), "--out", str(out)])
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
def test_a_method_has_the_same_losses_and_ends_in_the_same_state(method, results):
    """Queues too, which are never sent: every process pushes the same keys."""
    compare(*(result[method] for result in results))
