"""What every pre-training method must do, whichever it is; and what LiftedCL's parts must leave alone."""

import dataclasses

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import METHODS
from tiny.shard import write_tiny_shard

from liftedcl.identity.errors import InputError
from liftedcl.images.batches import ShardBatches
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.methods import method_class
from liftedcl.methods.liftedcl import LiftedCL
from liftedcl.networks.encoder import build_backbone
from liftedcl.pretrain import training_batches
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.recipes.method_entries import method_entries
from liftedcl.skeletons.skeleton import NUM_JOINTS
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
def shard(tmp_path_factory):
    return write_tiny_shard(tmp_path_factory.mktemp("shard") / "images.npy", 20)


@pytest.fixture
def skeletons():
    joints = np.random.default_rng(1).normal(size=(64, NUM_JOINTS, 3)).astype(np.float32)
    joints -= joints[:, :1]
    return joints / np.linalg.norm(joints.reshape(64, -1), axis=1)[:, None, None]


def make(recipe, shard, skeletons):
    torch.manual_seed(0)
    return method_class(recipe.method)(recipe, build_backbone(recipe.backbone), shard, skeletons)


def first_batch(recipe, shard):
    return next(training_batches(recipe, shard, 0).epoch(0, 0))


def step(method, recipe, batch, stop_before: str | None = None):
    """One round of all players as the engine plays it."""
    players = method.players(recipe, 10)
    for name, terms in method.losses(batch):
        if name == stop_before:
            return
        players[name].optimiser.zero_grad()
        sum(terms.values()).backward()
        players[name].optimiser.step()


@pytest.mark.parametrize("name", METHODS)
def test_a_step_moves_the_backbone_and_gradients_stay_out_of_the_keys(name, shard, skeletons):
    recipe = recipe_of(name)
    method = make(recipe, shard, skeletons)
    before = {key: value.clone() for key, value in method.state_dict().items()}
    batch = first_batch(recipe, shard)
    step(method, recipe, batch)
    after = method.state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in after if key.startswith("backbone."))
    trained = {id(p) for player in method.players(recipe, 10).values() for p in player.parameters}
    for key, parameter in method.named_parameters():
        if key.startswith("key"):
            assert not parameter.requires_grad and parameter.grad is None, key
        else:
            assert id(parameter) in trained, f"{key} is never stepped"
            assert parameter.grad is not None, f"{key} gets no gradient"
    queues = [
        key for key in after if key.endswith("queue.keys") or (key.startswith("queues.") and key.endswith("keys"))
    ]
    assert bool(queues) == ("contrast" in method_entries()[name].sections)
    for key in queues:
        changed = (before[key] != after[key]).any(dim=1)
        assert changed.sum() == 8, "a step must queue one key an image"
        assert torch.allclose(after[key].norm(dim=1), torch.ones(len(after[key])), atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_a_momentum_copy_is_used(name, shard, skeletons):
    """Breaking the key network must change the loss, and a step must move the key network a little."""
    recipe = recipe_of(name)
    batch = first_batch(recipe, shard)
    keys = [key for key, _ in make(recipe, shard, skeletons).named_parameters() if key.startswith("key")]
    contrasts = {"contrast", "propagation"} & set(method_entries()[name].sections)
    assert bool(keys) == bool(contrasts), "a method that contrasts learns from a momentum network, kept in `key`"
    if not keys:
        return
    losses = []
    for broken in (False, True):
        method = make(recipe, shard, skeletons)
        if broken:
            for key, parameter in method.named_parameters():
                if key.startswith("key"):
                    parameter.data.neg_()
        torch.manual_seed(5)
        _, terms = next(method.losses(batch))
        losses.append(sum(terms.values()).item())
    assert losses[0] != losses[1]


@pytest.mark.parametrize("start", [None, "another"])
@pytest.mark.parametrize("name", [name for name in METHODS if recipe_of(name).backbone.startswith("resnet")])
def test_blocks_begin_as_the_identity_where_that_is_published_and_weights_are_random(name, start, shard, skeletons):
    recipe = dataclasses.replace(recipe_of(name), start=start)
    method = make(recipe, shard, skeletons)
    last = torch.cat([block.bn2.weight for stage in range(1, 5) for block in getattr(method.backbone, f"layer{stage}")])
    assert (last == (0 if start is None and name in ("liftedcl", "pixpro") else 1)).all()
    assert (method.backbone.layer1[0].bn1.weight == 1).all()


def test_the_encoders_step_leaves_the_critic_alone(shard, skeletons):
    recipe = recipe_of("liftedcl")
    method = make(recipe, shard, skeletons)
    before = [parameter.clone() for parameter in method.critic.parameters()]
    step(method, recipe, first_batch(recipe, shard), stop_before="critic")
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
def test_a_loss_of_weight_zero_has_no_networks(weights, heads, shard, skeletons):
    recipe = recipe_of("liftedcl", **weights)
    method = make(recipe, shard, skeletons)
    assert set(method.heads) == heads
    step(method, recipe, first_batch(recipe, shard))


def test_pairs_that_share_nothing_poison_neither_loss_nor_queue(shard, skeletons):
    recipe = recipe_of("liftedcl")
    tiny = dataclasses.replace(recipe, views=dataclasses.replace(recipe.views, scale=(0.02, 0.05)))
    method = make(tiny, shard, skeletons)
    batch = first_batch(recipe, shard)
    for seed in range(4):
        torch.manual_seed(seed)
        for _, terms in method.losses(batch):
            assert all(term.isfinite() for term in terms.values())
    assert set(method.queues) == {"invariant", "equivariant"}
    for queue in method.queues.values():
        assert queue.position == 32
        assert torch.allclose(queue.keys.norm(dim=1), torch.ones(len(queue.keys)), atol=1e-5)


def test_without_any_overlap_the_equivariant_loss_is_zero(shard, skeletons, monkeypatch):
    """Query views are cut from the left half of each image, key views from the right."""
    recipe = recipe_of("liftedcl")
    method = make(recipe, shard, skeletons)
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


def test_the_queue_gets_the_momentum_networks_vectors_of_the_key_views(shard, skeletons, monkeypatch):
    """Keys in evaluation mode, where a vector doesn't depend on its companions in the batch, and so can be repeated."""
    recipe = recipe_of("liftedcl")
    method = make(recipe, shard, skeletons)
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
        make(recipe_of("supervised"), open_shard(tmp_path / "plain.npy"), None)


def test_epochs_are_permutations_and_resume_in_the_middle(shard):
    batches = ShardBatches(shard, batch_size=8, seed=3)
    rows = torch.cat([batch.rows for batch in batches.epoch(0, 0)])
    assert batches.steps_per_epoch == 2
    assert len(set(rows.tolist())) == 16
    assert torch.equal(next(batches.epoch(0, 1)).rows, rows[8:])
    assert not torch.equal(next(batches.epoch(1, 0)).rows, rows[:8])
    with pytest.raises(InputError, match="less than one batch"):
        ShardBatches(shard, batch_size=64, seed=0)
