"""SetSim: the sets, the loss in closed form, and the whole step against its equations written as loops."""

import math

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import IMAGES, positives_in_loops, recorded_draws, rendered, tiny_batch, tiny_method, tiny_recipe
from torch.nn import functional as F

from liftedcl.identity.errors import InputError
from liftedcl.losses.infonce import info_nce
from liftedcl.losses.set_contrast import set_contrast
from liftedcl.views.correspondence import attended, attended_pairs
from workflow.params import read_params


def unit(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, dtype=torch.float64), dim=-1)


def test_the_set_is_what_reaches_the_threshold_between_least_and_most_attention():
    """Mean squares 0, 1, 2, 4 over two equal channels, scaled to 0, 1/4, 1/2, 1."""
    features = torch.tensor([0.0, 1.0, 2.0, 4.0]).sqrt().view(1, 1, 2, 2).repeat(1, 2, 1, 1)
    features[:, 1] *= -1.0
    for threshold, cells in ((0.0, 4), (0.2, 3), (0.45, 2), (0.7, 1), (1.0, 1)):
        found = attended(features, threshold)
        assert found.shape == (1, 4)
        assert found.sum() == cells
        assert found[0, 3]
    assert torch.equal(attended(10.0 * features, 0.45), attended(features, 0.45))


def test_a_constant_map_is_attended_everywhere():
    assert attended(torch.full((2, 3, 2, 2), 0.3), 0.7).all()
    assert attended(torch.zeros(2, 3, 2, 2), 0.7).all()


def test_pairs_are_the_sets_product_but_for_unlike_cells():
    torch.manual_seed(0)
    first, second = torch.randn(2, 6, 6, 2, 3)
    found = attended_pairs(first, second, attention=0.4, similarity=0.2).numpy()
    unlike = 0
    for b in range(6):
        attentions = []
        for maps in (first, second):
            a = (maps[b].flatten(1).double().numpy() ** 2).mean(axis=0)
            attentions.append((a - a.min()) / (a.max() - a.min()))
        f, g = (maps[b].flatten(1).T.double().numpy() for maps in (first, second))
        for i in range(6):
            for j in range(6):
                alike = np.dot(f[i], g[j]) / np.linalg.norm(f[i]) / np.linalg.norm(g[j]) >= 0.2
                in_sets = attentions[0][i] >= 0.4 and attentions[1][j] >= 0.4
                assert found[b, i, j] == (in_sets and alike)
                unlike += in_sets and not alike
    assert unlike > 0 and found.any()


def test_with_one_positive_it_is_infonce():
    torch.manual_seed(0)
    queries, keys, negatives = unit(2, 5, 8), unit(2, 5, 8), unit(20, 8)
    itself = torch.eye(5, dtype=torch.bool).expand(2, 5, 5)
    expected = info_nce(queries, keys, negatives, 0.2).mean(dim=1)
    assert torch.allclose(set_contrast(queries, keys, itself, negatives, 0.2), expected)


def test_identical_and_orthogonal_vectors():
    """All alike: log(P + K). Positives like the query and orthogonal negatives: log(P + K e^(-1/tau))."""
    same = F.normalize(torch.ones(1, 3, 8), dim=2)
    pairs = torch.ones(1, 3, 3, dtype=torch.bool)
    pairs[0, 0, 1:] = False
    loss = set_contrast(same, same, pairs, same[0, :1].repeat(7, 1), 0.2)
    assert loss.item() == pytest.approx((math.log(8.0) + 2.0 * math.log(10.0)) / 3.0, rel=1e-5)
    query, negatives = torch.eye(8)[None, :1], torch.eye(8)[1:]
    loss = set_contrast(query, query.repeat(1, 3, 1), torch.ones(1, 1, 3, dtype=torch.bool), negatives, 0.2)
    assert loss.item() == pytest.approx(math.log(3.0 + 7.0 * math.exp(-5.0)), rel=1e-5)


def set_loss_in_loops(queries, keys, positives, negatives, temperature) -> list[torch.Tensor]:
    """Log-likelihood of each positive among all positives and negatives, averaged over positives, then over queries."""
    losses = []
    for b in range(len(queries)):
        of_queries = []
        for i in range(queries.shape[1]):
            chosen = [j for j in range(keys.shape[1]) if positives[b, i, j]]
            if not chosen:
                continue
            weights = [torch.exp(queries[b, i] @ keys[b, j] / temperature) for j in chosen]
            total = sum(weights) + sum(torch.exp(queries[b, i] @ key / temperature) for key in negatives)
            of_queries.append(sum(-torch.log(weight / total) for weight in weights) / len(chosen))
        losses.append(sum(of_queries) / len(of_queries) if of_queries else queries.new_zeros(()))
    return losses


def test_equals_its_equation_in_loops_with_its_gradient():
    torch.manual_seed(3)
    queries, keys, negatives = unit(3, 4, 8).requires_grad_(), unit(3, 5, 8), unit(9, 8)
    positives = torch.rand(3, 4, 5) < 0.4
    positives[0, 1], positives[2] = False, False  # a query without positives, and an image without
    found = set_contrast(queries, keys, positives, negatives, 0.2)
    expected = torch.stack(set_loss_in_loops(queries, keys, positives, negatives, 0.2))
    assert torch.allclose(found, expected, rtol=1e-10)
    assert found[2].item() == 0.0
    ours, theirs = (torch.autograd.grad(loss.sum(), queries)[0] for loss in (found, expected))
    assert ours.isfinite().all()
    assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-13)


def test_gradient_stays_out_of_keys_and_negatives():
    torch.manual_seed(0)
    queries, keys, negatives = (tensor.requires_grad_() for tensor in (unit(1, 2, 4), unit(1, 3, 4), unit(5, 4)))
    set_contrast(queries, keys, torch.ones(1, 2, 3, dtype=torch.bool), negatives, 0.2).sum().backward()
    assert queries.grad.any()
    assert keys.grad is None and negatives.grad is None


def test_a_step_equals_the_equations_written_as_loops(monkeypatch):
    recipe = tiny_recipe("setsim_in", sets={"threshold": 0.6, "weight": 0.3})
    method = tiny_method(recipe)
    method.eval()  # statistics that don't depend on the companions in the batch
    draws = recorded_draws(monkeypatch)
    torch.manual_seed(2)
    steps = method.losses(tiny_batch())
    _, terms = next(steps)
    query, key = (rendered(draw, recipe) for draw in draws)
    tau, negatives = recipe.contrast.temperature, method.queues["set"].keys.double()
    with torch.no_grad():
        features, key_features = method.backbone(query), method.key.backbone(key)
        p, k = method.heads["set"](features), method.key.heads["set"](key_features)
        vectors, keys = (F.normalize(m.double().flatten(2), dim=1).transpose(1, 2) for m in (p, k))
        in_sets = attended_pairs(features, key_features, attention=0.6, similarity=0.2)
        near = positives_in_loops(*(draw.geometry for draw in draws), (64, 48), features.shape[2:], 0.5)
        assert (near & ~in_sets.numpy()).any() and (in_sets.numpy() & ~near).any()
        losses = set_loss_in_loops(vectors, keys, in_sets | torch.from_numpy(near), negatives, tau)
    assert terms["set"].item() == pytest.approx(0.3 * sum(losses).item() / IMAGES, rel=1e-4)
    q = method.heads["invariant"](features)
    logits = torch.cat(
        [
            (q * method.key.heads["invariant"](key_features)).sum(1, keepdim=True),
            q @ method.queues["invariant"].keys.T,
        ],
        dim=1,
    )
    expected = 0.7 * F.cross_entropy(logits / tau, torch.zeros(IMAGES, dtype=torch.long))
    assert terms["inv"].item() == pytest.approx(expected.item(), rel=1e-4)
    sum(terms.values()).backward()
    for name, parameter in method.named_parameters():
        if not name.startswith("key"):
            assert parameter.grad.isfinite().all(), name
    assert next(steps, None) is None
    assert torch.allclose(method.queues["set"].keys[:IMAGES], F.normalize(k.mean(dim=(2, 3)), dim=1), atol=1e-5)


@pytest.mark.parametrize(
    ("key", "value"), [("threshold", -0.1), ("threshold", 1.1), ("similarity", 1.1), ("distance", 0), ("weight", 2)]
)
def test_a_wrong_number_is_named(key, value):
    with pytest.raises(InputError, match=f"sets.{key}"):
        read_params(REPOSITORY / "params.yaml", {"encoders": {"defaults": {"sets": {key: value}}}})
