"""What every pre-training method must do, whichever it is; and what LiftedCL's parts must leave alone."""

import dataclasses

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import METHODS

from liftedcl.checks.method_checks import (
    check_gradients,
    check_momentum,
    check_shapes,
    first_batch,
    made,
    noise_in,
    play,
)
from liftedcl.identity.errors import InputError
from liftedcl.images.batches import ShardBatches
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.methods.liftedcl import LiftedCL
from liftedcl.networks.encoder import build_backbone
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.method_entries import method_entries
from liftedcl.views import view_pair
from liftedcl.views.rendering import render_views
from liftedcl.views.view_draw import Geometry, draw_views
from workflow.params import read_params

ROWS = read_params(REPOSITORY / "params.yaml", {"profile": "demo"}).encoders


def recipe_of(method: str, **lifting: float) -> EncoderRecipe:
    """The first row of the demo that is made with ``method``, with a small batch."""
    row = next(recipe for recipe in ROWS.values() if recipe.method == method)
    training = dataclasses.replace(row.training, batch_size=8, epochs=1)
    changed = {"lifting": dataclasses.replace(row.lifting, **lifting)} if lifting else {}
    return dataclasses.replace(row, training=training, **changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shard")


@pytest.fixture(scope="module")
def shard(folder):
    return noise_in(folder)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("check", [check_shapes, check_gradients, check_momentum])
def test_every_method_passes(check, name, folder, shard):
    check(recipe_of(name), folder)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_contrasts_has_a_momentum_copy_in_key_and_one_with_negatives_a_queue(name, shard):
    keys, sections = made(recipe_of(name), shard).state_dict(), set(method_entries()[name].sections)
    assert any(key.startswith("key") for key in keys) == bool({"contrast", "propagation"} & sections)
    assert any(key.endswith("keys") and "queue" in key for key in keys) == ("contrast" in sections)


@pytest.mark.parametrize("start", [None, "another"])
@pytest.mark.parametrize("name", [name for name in METHODS if recipe_of(name).backbone.startswith("resnet")])
def test_blocks_begin_as_the_identity_where_that_is_published_and_weights_are_random(name, start, shard):
    recipe = dataclasses.replace(recipe_of(name), start=start)
    method = made(recipe, shard)
    last = torch.cat([block.bn2.weight for stage in range(1, 5) for block in getattr(method.backbone, f"layer{stage}")])
    assert (last == (0 if start is None and name in ("liftedcl", "pixpro") else 1)).all()
    assert (method.backbone.layer1[0].bn1.weight == 1).all()


def test_the_encoders_step_leaves_the_critic_alone(shard):
    recipe = recipe_of("liftedcl")
    method = made(recipe, shard)
    before = [parameter.clone() for parameter in method.critic.parameters()]
    play(method, recipe, first_batch(recipe, shard), stop_before="critic")
    for old, new in zip(before, method.critic.parameters(), strict=True):
        assert torch.equal(old, new)
        assert new.grad is None


@pytest.mark.parametrize(
    ("weights", "heads"),
    [
        ({"inv": 0.5, "equiv": 0.0, "adv": 0.0}, {"invariant"}),
        ({"inv": 0.5, "equiv": 0.5, "adv": 0.0}, {"invariant", "equivariant"}),
        ({"inv": 0.0, "equiv": 0.0, "adv": 0.5}, {"lifting"}),
        ({"inv": 0.5, "equiv": 0.5, "adv": 0.5}, {"invariant", "equivariant", "lifting"}),
    ],
)
def test_a_loss_of_weight_zero_has_no_networks(weights, heads, shard):
    recipe = recipe_of("liftedcl", **weights)
    method = made(recipe, shard)
    assert set(method.heads) == heads
    play(method, recipe, first_batch(recipe, shard))


def test_pairs_that_share_nothing_poison_neither_loss_nor_queue(shard):
    recipe = recipe_of("liftedcl")
    tiny = dataclasses.replace(recipe, views=dataclasses.replace(recipe.views, scale=(0.02, 0.05)))
    method = made(tiny, shard)
    batch = first_batch(recipe, shard)
    for seed in range(4):
        torch.manual_seed(seed)
        for _, terms in method.losses(batch):
            assert all(term.isfinite() for term in terms.values())
    assert set(method.queues) == {"invariant", "equivariant"}
    for queue in method.queues.values():
        assert queue.position == 32
        assert torch.allclose(queue.keys.norm(dim=1), torch.ones(len(queue.keys)), atol=1e-5)


def test_without_any_overlap_the_equivariant_loss_is_zero(shard, monkeypatch):
    """Query views are cut from the left half of each image, key views from the right."""
    recipe = recipe_of("liftedcl")
    method = made(recipe, shard)
    calls = 0

    def one_half(count, *others):
        nonlocal calls
        boxes = torch.tensor([[24.0 * (calls % 2), 0.0, 24.0, 64.0]]).expand(count, 4)
        calls += 1
        geometry = Geometry(boxes, torch.zeros(count, dtype=torch.bool))
        return dataclasses.replace(draw_views(count, *others), geometry=geometry)

    monkeypatch.setattr(view_pair, "draw_views", one_half)
    for name, terms in method.losses(first_batch(recipe, shard)):
        if name == "encoder":
            assert terms["equiv"].item() == 0.0
            sum(terms.values()).backward()
    assert calls == 2
    assert all(not parameter.grad.any() for parameter in method.heads["equivariant"].parameters())
    assert all(parameter.grad.isfinite().all() for parameter in method.backbone.parameters())
    pushed = method.queues["equivariant"].keys[:8]
    assert torch.allclose(pushed.norm(dim=1), torch.ones(8), atol=1e-5)


def test_the_queue_gets_the_momentum_networks_vectors_of_the_key_views(shard, monkeypatch):
    """Keys in evaluation mode, where a vector doesn't depend on its companions in the batch, and so can be repeated."""
    recipe = recipe_of("liftedcl")
    method = made(recipe, shard)
    method.key.eval()
    for parameter in method.key.parameters():
        parameter.data.mul_(1.1)  # apart from the query's, so that a mix-up shows
    draws = []

    def recorded(*arguments):
        draws.append(draw_views(*arguments))
        return draws[-1]

    monkeypatch.setattr(view_pair, "draw_views", recorded)
    batch = first_batch(recipe, shard)
    for _ in method.losses(batch):
        pass
    pushed = method.queues["invariant"].keys[:8]
    query_views, key_views = (render_views(batch.images, draw, recipe.views) for draw in draws)
    with torch.no_grad():
        query, key = (method.key(views)["invariant"] for views in (query_views, key_views))
        other = method.heads["invariant"].eval()(method.backbone.eval()(key_views))
    assert torch.allclose(pushed, key, atol=1e-5)
    assert not torch.allclose(pushed, query, atol=1e-2)
    assert not torch.allclose(pushed, other, atol=1e-2)


def test_missing_skeletons_and_labels_are_named(shard, tmp_path):
    with pytest.raises(InputError, match="--skeletons"):
        LiftedCL(recipe_of("liftedcl"), build_backbone("resnet18_narrow"), shard, None)
    with ShardWriter(tmp_path / "plain.npy", 64, 48, ("file",)) as writer:
        writer.append(np.zeros((64, 48, 3), np.uint8), ("a",))
    with pytest.raises(InputError, match="no labels"):
        made(recipe_of("supervised"), open_shard(tmp_path / "plain.npy"))


def test_epochs_are_permutations_and_resume_in_the_middle(shard):
    batches = ShardBatches(shard, batch_size=8, seed=3)
    rows = torch.cat([batch.rows for batch in batches.epoch(0, 0)])
    assert batches.steps_per_epoch == 2
    assert len(set(rows.tolist())) == 16
    assert torch.equal(next(batches.epoch(0, 1)).rows, rows[8:])
    assert not torch.equal(next(batches.epoch(1, 0)).rows, rows[:8])
    with pytest.raises(InputError, match="less than one batch"):
        ShardBatches(shard, batch_size=64, seed=0)
