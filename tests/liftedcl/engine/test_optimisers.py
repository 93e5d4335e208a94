"""AdamW in pre-training: rates of a batch and a layer, decay, and rows that have it or don't."""

import dataclasses
import math

import pytest
import torch
from repository import REPOSITORY
from tiny.shard import write_tiny_shard

from liftedcl.engine.optimisers import adamw_rate
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone
from liftedcl.pretrain import training_batches
from liftedcl.recipes.adamw_recipe import AdamWPretraining
from workflow.params import read_params

PARAMS = REPOSITORY / "params.yaml"
ADAMW = {"base_rate": 1e-3, "weight_decay": 0.05, "betas": [0.9, 0.95], "warmup_epochs": 0}


def row(**changes):
    """A row of the demo with values of its own."""
    rows = {"mine": {"method": "mae", "backbone": "vit_narrow", "images": "h36m", **changes}}
    return read_params(PARAMS, {"profile": "demo", "encoders": {"rows": rows}}).encoders["mine"]


def test_the_rate_rises_in_a_line_and_falls_as_half_a_cosine():
    """MAE's formula, in steps: base_rate * batch / 256 after the warm-up."""
    recipe = row(training={"epochs": 10, "batch_size": 64}, adamw={**ADAMW, "warmup_epochs": 2})
    rate, top = adamw_rate(recipe, 5), 1e-3 * 64 / 256
    assert [rate(step) for step in range(10)] == pytest.approx([top * (0.1 + 0.9 * step / 10) for step in range(10)])
    for step in range(10, 50):
        assert rate(step) == pytest.approx(top * 0.5 * (1 + math.cos(math.pi * (step - 10) / 40)))
    longer = dataclasses.replace(recipe, adamw=dataclasses.replace(recipe.adamw, cosine_epochs=20))
    assert adamw_rate(longer, 5)(49) == pytest.approx(top * 0.5 * (1 + math.cos(math.pi * 39 / 90)))
    short = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, epochs=1))
    assert 0 < adamw_rate(short, 5)(4) < top  # a run that ends in its warm-up


def test_matrices_alone_decay_and_rates_fall_from_block_to_block(tmp_path):
    recipe = row(adamw={**ADAMW, "layer_decay": 0.5, "gradient_clip": 1.0})
    shard = write_tiny_shard(tmp_path / "images.npy", 8)
    method = method_class("mae")(recipe, build_backbone("vit_narrow"), shard, None)
    player = method.players(recipe, 10)["encoder"]
    assert player.gradient_clip == 1.0 and not player.clip_apart
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    groups = {names[id(part)]: group for group in player.optimiser.param_groups for part in group["params"]}
    assert groups.keys() == set(names.values())
    for name, parameter in method.named_parameters():
        undecayed = parameter.ndim == 1 or name in ("backbone.pos_embed", "backbone.cls_token")
        assert groups[name]["weight_decay"] == (0.0 if undecayed else 0.05), name
        assert groups[name]["betas"] == (0.9, 0.95)
    for name, share in (("backbone.patch_embed.proj.weight", 0.5**7), ("backbone.blocks.5.mlp.fc1.weight", 0.5),
                        ("backbone.pos_embed", 0.5**7), ("heads.decoder.predict.weight", 1.0)):  # fmt: skip
        assert groups[name]["lr_scale"] == share, name


def test_any_method_that_trains_may_have_adamw_and_the_critic_then_has_it_too(tmp_path):
    recipe = row(method="liftedcl", backbone="resnet18_narrow", adamw=ADAMW)
    recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, batch_size=8))
    shard = write_tiny_shard(tmp_path / "images.npy", 8)
    method = method_class("liftedcl")(recipe, build_backbone("resnet18_narrow"), shard, torch.randn(9, 17, 3).numpy())
    players = method.players(recipe, 5)
    assert {type(player.optimiser) for player in players.values()} == {torch.optim.AdamW}
    assert players["critic"].learning_rate(3) == recipe.lifting.critic_learning_rate
    for name, terms in method.losses(next(training_batches(recipe, shard, 0).epoch(0, 0))):
        sum(terms.values()).backward()
        players[name].optimiser.step()


def test_rows_without_the_sections_keep_their_json():
    rows = read_params(PARAMS, {"profile": "demo"}).encoders
    for name in ("moco_v2_in_cc", "random"):
        assert not {"adamw", "masking", "pairs"} & set(to_json(rows[name]).split('"'))
    assert row().training.momentum is None and '"adamw"' in to_json(row())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": {"learning_rate": 0.1}}, r"training\.learning_rate: is SGD's, and this row has a section adamw"),
        ({"method": "moco_v2", "training": {"momentum": None}}, r"training\.momentum: is missing, SGD needs it"),
        ({"method": "random", "images": None, "adamw": ADAMW}, r"adamw: random does not read this section"),
        ({"adamw": {"base_rate": 0.0}}, r"adamw\.base_rate: 0\.0 is not above 0"),
        ({"adamw": {"cosine_epochs": 40, "warmup_epochs": 40}}, r"adamw\.cosine_epochs: 40 is not above warmup_epochs"),
        ({"training": {"epochs": 9}, "adamw": {"cosine_epochs": 8}}, r"adamw\.cosine_epochs: 8 is below training"),
        ({"adamw": 3}, r"adamw: 3 is not a mapping"),
        ({"training": 3}, r"training: 3 is not a mapping"),
        ({"masking": {"ratio": 1.0}}, r"masking\.ratio: 1 is not between 0 and 1"),
        ({"masking": {"width": 66}}, r"masking\.width: 66 is no multiple of 4"),
        ({"masking": {"heads": 5}}, r"masking\.heads: 5 heads do not divide a width of 128"),
        ({"method": "croco", "pairs": {"kinds": ["pose", "pose"]}}, r"pairs\.kinds: .* is empty or has repeats"),
        ({"method": "croco", "pairs": {"kinds": ["flow"]}}, r"pairs\.kinds: 'flow' is not one of view, pose"),
        ({"pairs": {"kinds": ["view"]}}, r"pairs: mae does not read this section"),
        ({"views": {"size": [64, 24]}}, r"views\.size: \(64, 24\) is below 32"),
        ({"views": {"size": [64]}}, r"views\.size: \[64\] needs 2 values"),
        ({"views": {"size": "64"}}, r"views\.size: '64' is not of type int"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_name_their_key(changes, message):
    with pytest.raises(InputError, match=r"params\.yaml: encoders\.(rows\.)?mine\." + message) as error:
        row(**changes)
    assert "\n" not in str(error.value)


def test_a_base_rate_is_needed():
    with pytest.raises(TypeError):
        AdamWPretraining(weight_decay=0.05)
