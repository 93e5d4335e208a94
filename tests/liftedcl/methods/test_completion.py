"""What MAE and CroCo are made of beyond their networks: parts of the loss, what is seen, and whose box is hidden."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny.shard import write_tiny_shard

from liftedcl.engine import distributed
from liftedcl.identity.errors import InputError
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.losses.masked_mean import masked_mean
from liftedcl.losses.patch_error import hidden_errors
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone
from liftedcl.pretrain import training_batches
from liftedcl.recipes.adamw_recipe import AdamWPretraining
from liftedcl.recipes.completion_recipe import Masking, Pairs
from liftedcl.recipes.encoder_recipe import EncoderRecipe, Training, Views
from liftedcl.views.random_view import RandomView

SHARED = {
    "backbone": "vit_narrow", "images": "h36m", "adamw": AdamWPretraining(base_rate=1e-3, weight_decay=0.05),
    "training": Training(epochs=1, batch_size=6, learning_rate=None, momentum=None, weight_decay=None),
    "views": Views(size=(64, 48), scale=(0.4, 1.0), flip=0.5, jitter=(0.4, 0.4, 0.4, 0.1), jitter_probability=0.8,
                   grey=0.2, blur=(0.1, 0.4), blur_probability=0.5),
    "masking": Masking(ratio=0.75, person=0.0, width=32, depth=1, heads=2, normalise=True),
}  # fmt: skip
MAE = EncoderRecipe(method="mae", **SHARED)
CROCO = EncoderRecipe(method="croco", **SHARED, pairs=Pairs(kinds=("view", "pose")))


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return write_tiny_shard(tmp_path_factory.mktemp("shard") / "images.npy", 12)


def made(recipe, shard):
    torch.manual_seed(0)
    return method_class(recipe.method)(recipe, build_backbone(recipe.backbone), shard, None)


@pytest.fixture(scope="module")
def mae(shard):
    return made(MAE, shard)


@pytest.fixture(scope="module")
def croco(shard):
    return made(CROCO, shard)


def with_masking(recipe, **changes):
    return dataclasses.replace(recipe, masking=dataclasses.replace(recipe.masking, **changes))


def batch_of(recipe, shard):
    return next(training_batches(recipe, shard, 0).epoch(0, 0))


@torch.no_grad()
def test_the_loss_is_the_sum_of_the_kinds_means(shard, croco):
    """By hand from the same draws: each kind's mean over its own pairs and their hidden patches."""
    method, batch = croco, batch_of(CROCO, shard)
    torch.manual_seed(5)
    _, terms = next(method.losses(batch))
    torch.manual_seed(5)
    first, second = (RandomView(part, method._views, torch.device("cpu")) for part in (batch.first, batch.second))
    hidden, visible = method.masks(first)
    predicted, targets = method.complete(first.mine(), visible, second.mine()), method.targets(first.mine())
    for place, kind in enumerate(("view", "pose")):
        squares = [
            (predicted[row, patch] - targets[row, patch]).square().mean()
            for row in range(6) if batch.kinds[row] == place
            for patch in hidden[row]
        ]  # fmt: skip
        assert len(squares) == 3 * 36
        assert torch.allclose(terms[kind], torch.stack(squares).mean(), atol=1e-5)
    assert set(terms) == {"view", "pose"}
    only = dataclasses.replace(CROCO, pairs=Pairs(kinds=("pose",)))
    assert set(next(made(only, shard).losses(batch_of(only, shard)))[1]) == {"pose"}


def test_a_kinds_mean_is_right_however_its_pairs_are_spread_over_processes(monkeypatch):
    errors, chosen = torch.tensor([0.0, 3.0, 5.0, 7.0, 6.0, 9.0]), torch.tensor([True, True, False, False, True, False])
    monkeypatch.setattr(distributed, "size", lambda: 2)
    monkeypatch.setattr(distributed, "total", lambda _: chosen.sum())
    shares = [masked_mean(errors[part], chosen[part]) for part in (slice(0, 3), slice(3, 6))]
    assert torch.stack(shares).mean() == errors[chosen].mean()


@torch.no_grad()
def test_the_second_picture_is_seen_whole_and_the_first_only_where_it_is_visible(croco):
    method = croco.eval()
    first, second = torch.randn(2, 2, 3, 64, 48)
    visible = torch.arange(12).expand(2, -1)  # the two upper rows of patches
    before = method.complete(first, visible, second)
    other = first.clone()
    other[:, :, 16:] += 1.0
    assert torch.equal(method.complete(other, visible, second), before)
    for place in (0, 5, 21, 47):  # corners and the middle of the second picture
        row, column = 8 * (place // 6), 8 * (place % 6)
        changed = second.clone()
        changed[0, :, row : row + 8, column : column + 8] += 1.0
        after = method.complete(first, visible, changed)
        assert not torch.equal(after[0], before[0]) and torch.equal(after[1], before[1])


@torch.no_grad()
def test_the_person_is_hidden_where_the_index_says_it_is(shard):
    """Crops of 96x128 px from (20, 40), packed at half the size; people of 40x100 px from (30 + i, 50)."""
    method = made(with_masking(MAE, person=5.0, ratio=0.5), shard)
    assert method.people[3].tolist() == [(33 - 20) / 2, 5.0, 20.0, 50.0]
    batch = batch_of(MAE, shard)
    torch.manual_seed(1)
    view = RandomView(batch, method._views, torch.device("cpu"))
    hidden, visible = method.masks(view)
    assert hidden.shape == visible.shape == (6, 24)
    for row, (x, y, w, h) in enumerate(view.draw.geometry.boxes.tolist()):
        left, top = (30 + int(view.rows[row]) - 20) / 2, 5.0
        centres = [((place % 6 + 0.5) * w / 6, (place // 6 + 0.5) * h / 8) for place in hidden[row].tolist()]
        if view.draw.geometry.flips[row]:
            centres = [(w - across, down) for across, down in centres]
        near = [
            left - w / 6 < x + across < left + 20 + w / 6 and top - h / 8 < y + down < top + 50 + h / 8
            for across, down in centres
        ]
        assert sum(near) >= min(24, round(20 * 50 / (w * h) * 48 * 0.5))


@torch.no_grad()
def test_the_error_that_is_watched_is_1_for_the_mean_and_0_for_the_truth(shard, mae, croco, monkeypatch):
    for method in (mae, made(with_masking(MAE, normalise=False), shard), croco):
        found = method.errors()
        assert found == method.errors() and all(np.isfinite(value) and value > 0 for value in found.values())
        assert found.keys() == ({"completion/view", "completion/pose"} if method is croco else {"completion/error"})
        told = {}
        monkeypatch.setattr(method, "complete", lambda views, *_: told["answer"](method.targets(views)))  # noqa: B023
        for expected, answer in ((0.0, lambda x: x), (1.0, lambda x: x.mean(dim=2, keepdim=True).expand_as(x))):
            told["answer"] = answer
            assert list(method.errors().values()) == pytest.approx([expected] * len(found), abs=1e-6)


@torch.no_grad()
def test_views_of_mae_are_only_cropped_and_of_croco_never_flipped(mae, croco):
    mae, croco = mae._views, croco._views
    assert (mae.flip, mae.jitter_probability, mae.grey, mae.blur_probability) == (0.5, 0.0, 0.0, 0.0)
    assert (croco.flip, croco.jitter_probability, croco.grey, croco.blur_probability) == (0.0, 1.0, 0.0, 0.0)
    assert croco.jitter == (0.4, 0.4, 0.4, 0.0) and mae.size == croco.size == (64, 48)


def test_what_cannot_be_completed_is_named_in_one_line(shard, tmp_path):
    def error(recipe, other=shard):
        with pytest.raises(InputError) as raised:
            made(recipe, other)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    def viewed(size):
        return dataclasses.replace(MAE, views=dataclasses.replace(MAE.views, size=size))

    assert error(viewed((60, 48))).startswith("views.size: 60x48 is not whole patches of vit_narrow, 8x8 px")
    assert error(with_masking(MAE, ratio=0.02)).startswith("masking.ratio: 0.02 hides none of 48 patches")
    assert error(dataclasses.replace(MAE, backbone="resnet18_narrow")).startswith("backbone: resnet18_narrow: mae")
    with ShardWriter(tmp_path / "plain.npy", 64, 48, ("file",)) as writer:
        for i in range(6):
            writer.append(np.zeros((64, 48, 3), np.uint8), (f"{i}.jpg",))
    plain = open_shard(tmp_path / "plain.npy")
    assert "plain.npy: its index has no box_x" in error(with_masking(MAE, person=1.0), plain)
    assert "plain.npy: has no list of pairs" in error(CROCO, plain)
    made(MAE, plain)  # which needs neither


@torch.no_grad()
def test_square_views_and_rectangular_ones_are_completed(shard):
    for size, grid in ((48, (6, 6)), ((32, 64), (4, 8))):
        recipe = dataclasses.replace(CROCO, views=dataclasses.replace(CROCO.views, size=size))
        method, batch = made(recipe, shard), batch_of(recipe, shard)
        view = RandomView(batch.first, method._views, torch.device("cpu"))
        hidden, visible = method.masks(view)
        views = view.mine()
        assert views.shape[2:] == (8 * grid[0], 8 * grid[1]) and hidden.shape[1] == 0.75 * grid[0] * grid[1]
        predicted = method.complete(views, visible, views)
        assert predicted.shape == method.targets(views).shape == (6, grid[0] * grid[1], 192)
        assert hidden_errors(predicted, method.targets(views), hidden).isfinite().all()
