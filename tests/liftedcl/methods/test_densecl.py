"""DenseCL: the correspondence, the loss in closed form, and the whole step against the paper's equations in loops."""

import math

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import IMAGES, recorded_draws, rendered, tiny_batch, tiny_method, tiny_recipe
from torch.nn import functional as F

from liftedcl.identity.errors import InputError
from liftedcl.losses.infonce import info_nce
from liftedcl.networks.projectors import cell_vectors
from liftedcl.views.correspondence import matched, most_similar
from workflow.params import read_params


def test_identical_views_match_cell_by_cell_and_a_flip_matches_mirrored():
    torch.manual_seed(0)
    features = torch.randn(3, 16, 2, 4)
    cells = torch.arange(8).view(2, 4)
    assert torch.equal(most_similar(features, features), cells.flatten().expand(3, 8))
    assert torch.equal(most_similar(features, 5.0 * features.flip(3)), cells.flip(1).flatten().expand(3, 8))


def test_matching_is_by_angle_not_by_length():
    query = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)
    key = torch.tensor([[0.1, 10.0], [0.0, 10.0]]).view(1, 2, 1, 2)  # cells (0.1, 0) and (10, 10)
    assert most_similar(query, key).item() == 0


def test_matching_equals_loops_and_takes_no_gradient():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 2, 5, 3, 4))
    expected = np.zeros((2, 12), int)
    for b in range(2):
        for i in range(12):
            f = first[b, :, i // 4, i % 4]
            cosines = [np.dot(f, g) / np.linalg.norm(f) / np.linalg.norm(g) for g in second[b].reshape(5, 12).T]
            expected[b, i] = int(np.argmax(cosines))
    matches = most_similar(torch.from_numpy(first).requires_grad_(), torch.from_numpy(second).requires_grad_())
    assert not matches.requires_grad
    assert np.array_equal(matches.numpy(), expected)


def test_features_that_are_all_zero_match_something():
    matches = most_similar(torch.zeros(1, 4, 2, 2), torch.zeros(1, 4, 2, 2))
    assert ((matches >= 0) & (matches < 4)).all()


def test_loss_of_identical_views_and_orthogonal_negatives():
    """Each cell finds itself: log(1 + K e^(-1/tau)). Orthogonal to its match as well: log(1 + K)."""
    maps = torch.eye(12)[:4].T.reshape(1, 12, 2, 2)
    other = torch.eye(12)[4:8].T.reshape(1, 12, 2, 2)
    negatives = torch.eye(12)[8:]
    matches = most_similar(maps, maps)
    for key, expected in ((maps, math.log(1.0 + 4.0 * math.exp(-5.0))), (other, math.log(5.0))):
        loss = info_nce(cell_vectors(maps), matched(cell_vectors(key), matches), negatives, 0.2)
        assert loss.shape == (1, 4)
        assert loss.tolist()[0] == pytest.approx([expected] * 4, rel=1e-5)


@pytest.mark.parametrize("grid", [0, 3])
def test_a_step_equals_the_equations_written_as_loops(grid, monkeypatch):
    recipe = tiny_recipe("densecl_in_cc", dense={"grid": grid, "weight": 0.3})
    method = tiny_method(recipe)
    method.eval()  # statistics that don't depend on the companions in the batch
    draws = recorded_draws(monkeypatch)
    torch.manual_seed(2)
    _, terms = next(method.losses(tiny_batch()))
    query, key = (rendered(draw, recipe) for draw in draws)
    with torch.no_grad():
        features, key_features = method.backbone(query), method.key.backbone(key)
        if grid:  # 6x6 to 3x3: means of 2x2 cells
            features, key_features = (
                f.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(4, 5)) for f in (features, key_features)
            )
        r = method.heads["dense"][1](features).flatten(2)  # (B, D, S^2)
        t = method.key.heads["dense"][1](key_features).flatten(2)
        f, g = (maps.flatten(2).double().numpy() for maps in (features, key_features))
    tau, total = recipe.contrast.temperature, 0.0
    negatives = method.queues["dense"].keys.double().numpy()
    cells = r.shape[2]
    assert cells == (grid or 6) ** 2
    for b in range(IMAGES):
        for i in range(cells):
            cosines = [np.dot(f[b, :, i], g[b, :, j]) / np.linalg.norm(g[b, :, j]) for j in range(cells)]
            j = int(np.argmax(cosines))
            query_cell = F.normalize(r[b, :, i].double(), dim=0).numpy()
            positive = math.exp(query_cell @ F.normalize(t[b, :, j].double(), dim=0).numpy() / tau)
            total -= math.log(positive / (positive + np.exp(negatives @ query_cell / tau).sum()))
    assert terms["dense"].item() == pytest.approx(0.3 * total / (IMAGES * cells), rel=1e-4)
    q = F.normalize(method.heads["invariant"].layers(method.backbone(query).mean(dim=(2, 3))), dim=1)
    k = method.key.heads["invariant"](method.key.backbone(key))
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ method.queues["invariant"].keys.T], dim=1) / tau
    expected = 0.7 * F.cross_entropy(logits, torch.zeros(IMAGES, dtype=torch.long))
    assert terms["inv"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_dense_queue_gets_the_pooled_key_maps(monkeypatch):
    recipe = tiny_recipe("densecl_in_cc")
    method = tiny_method(recipe)
    method.eval()
    draws = recorded_draws(monkeypatch)
    for _, terms in method.losses(tiny_batch()):
        sum(terms.values()).backward()
    with torch.no_grad():
        maps = method.key.heads["dense"](method.key.backbone(rendered(draws[1], recipe)))
    expected = F.normalize(maps.mean(dim=(2, 3)), dim=1)
    assert torch.allclose(method.queues["dense"].keys[:IMAGES], expected, atol=1e-5)
    for name, parameter in method.named_parameters():
        if not name.startswith("key"):
            assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize(("key", "value"), [("grid", -1), ("weight", 1.5), ("weight", -0.1)])
def test_a_wrong_number_is_named(key, value):
    with pytest.raises(InputError, match=f"dense.{key}"):
        read_params(REPOSITORY / "params.yaml", {"encoders": {"defaults": {"dense": {key: value}}}})
