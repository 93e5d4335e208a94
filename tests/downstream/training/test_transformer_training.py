"""AdamW for transformers: which rate and which decay each parameter has, warm-up, drop path."""

import dataclasses

import pytest
import torch
from tiny.mpii import RECIPE, write_tiny_mpii
from tiny.tasks import task_of, train

from downstream.training.training_recipe import TransformerTraining
from downstream.training.transformer_training import train_as_transformer
from liftedcl.engine.schedule import constant, warmed_up
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone, load_encoder, save_encoder

OPTIONS = TransformerTraining(weight_decay=0.1, layer_decay=0.75, warmup_steps=4, gradient_clip=1.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_mpii(tmp_path_factory.mktemp("mpii"))


def tuned(root, options=OPTIONS, backbone="vit_narrow", **changes):
    recipe = dataclasses.replace(RECIPE, transformer=options, **changes)
    task = task_of("mpii", recipe, root, frozen=recipe.probe, backbone=backbone)
    train_as_transformer(task, task.module.backbone, recipe)
    return task


def groups_of(task):
    """Parameter name -> its group."""
    names = {id(parameter): name for name, parameter in task.module.named_parameters()}
    groups = task.players["pose"].optimiser.param_groups
    found = {names[id(parameter)]: group for group in groups for parameter in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(found) == len(task.players["pose"].parameters)
    return found


def test_rates_fall_from_block_to_block_and_matrices_alone_decay(root):
    """ViTPose's rule for L blocks: 0.75^(L + 1 - layer); patches and places are layer 0, the head is L + 1."""
    task = tuned(root)
    groups = groups_of(task)
    assert set(groups) == {name for name, _ in task.module.named_parameters()}
    for name, parameter in task.module.named_parameters():
        parts = name.removeprefix("backbone.").split(".")
        layer = int(parts[1]) + 1 if parts[0] == "blocks" else 0
        layer = {"norm": 6, "head": 7}.get(parts[0], layer)
        assert groups[name]["lr_scale"] == pytest.approx(0.75 ** (7 - layer)), name
        undecayed = parameter.ndim == 1 or parts[0] in ("pos_embed", "cls_token")
        assert groups[name]["weight_decay"] == (0.0 if undecayed else 0.1), name


def test_of_a_frozen_encoder_the_head_alone_is_stepped(root):
    assert set(groups_of(tuned(root, probe=True))) == {"head.1.weight", "head.1.bias"}


def test_without_the_section_the_optimiser_stays(root):
    assert type(tuned(root, None).players["pose"].optimiser) is torch.optim.Adam


def test_each_step_takes_its_share_of_the_rate(root, tmp_path):
    """Adam's first step is the rate: a parameter of the first layer moves by its share of the head's way."""
    options = dataclasses.replace(OPTIONS, weight_decay=0.0, warmup_first=1.0)
    task = tuned(root, options, epochs=1, milestones=(), batch_size=12)
    assert task.steps_per_epoch == 1 and task.players["pose"].gradient_clip == 1.0
    before = {name: parameter.detach().clone() for name, parameter in task.module.named_parameters()}
    train(task, tmp_path)
    after = dict(task.module.named_parameters())
    for name, share in (("head.1.weight", 1.0), ("backbone.blocks.5.mlp.fc2.weight", 0.75),
                        ("backbone.patch_embed.proj.weight", 0.75**7)):  # fmt: skip
        step = (after[name].detach() - before[name]).abs().max()
        assert float(step) == pytest.approx(share * RECIPE.learning_rate, rel=0.05), name


def test_the_warm_up_is_a_line_to_the_rate():
    rate = warmed_up(constant(2.0), steps=4, first=0.25)
    assert [rate(step) for step in range(6)] == pytest.approx([0.5, 0.875, 1.25, 1.625, 2.0, 2.0])


def test_layer_wise_rates_of_a_resnet_are_refused_and_equal_ones_are_not(root):
    with pytest.raises(InputError, match=r"transformer\.layer_decay: 0\.75 needs a backbone of timm"):
        tuned(root, backbone="resnet18_narrow")
    groups = groups_of(tuned(root, dataclasses.replace(OPTIONS, layer_decay=1.0), backbone="resnet18_narrow"))
    assert {group["lr_scale"] for group in groups.values()} == {1.0}
    assert groups["backbone.conv1.weight"]["weight_decay"] == 0.1 and not groups["backbone.bn1.weight"]["weight_decay"]


def test_branches_are_skipped_in_training_alone(tmp_path):
    torch.manual_seed(0)
    save_encoder(build_backbone("vit_narrow"), tmp_path / "encoder.pt")
    plain, dropping = (load_encoder(tmp_path / "encoder.pt", "vit_narrow", drop_path=rate) for rate in (0.0, 0.5))
    shares = [getattr(block.drop_path1, "drop_prob", 0.0) for block in dropping.blocks]
    assert shares == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    images = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(plain.eval()(images), dropping.eval()(images))
        assert torch.equal(plain.train()(images), plain.eval()(images))
        assert not torch.equal(dropping.train()(images), dropping(images))
    with pytest.raises(InputError, match=r"drop_path: 0\.1: resnet18_narrow skips no branches"):
        build_backbone("resnet18_narrow", drop_path=0.1)
    with pytest.raises(InputError, match="skips no branches"):
        build_backbone("timm/hrnet_w18_small", drop_path=0.1)
