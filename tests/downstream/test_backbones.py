"""Every benchmark trains and is scored with a transformer, frozen and fine-tuned, and with each family of backbones."""

import dataclasses
import json

import pytest
import torch
from tiny.coco import RECIPE as COCO
from tiny.coco import write_tiny_coco
from tiny.data_of_benchmarks import DATA
from tiny.tasks import scores_of, task_of, train

from downstream.heatmap_pose.simple_pose import SimplePose
from downstream.registry import BENCHMARKS
from downstream.training.norm_groups import group_norms
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_a_plain_transformer_is_trained_and_scored(benchmark, frozen, tmp_path):
    write, recipe = DATA[benchmark]
    if hasattr(recipe, "milestones"):  # one epoch is enough where epochs have no meaning of their own
        recipe = dataclasses.replace(recipe, epochs=1, milestones=())
    root = write(tmp_path / "data")
    task = task_of(benchmark, recipe, root, frozen=frozen, backbone="vit_narrow")
    group_norms(task.module, recipe)
    prefix = next(key for key in task.module.state_dict() if key.endswith("pos_embed")).removesuffix("pos_embed")
    before = {key: value.clone() for key, value in task.module.state_dict().items() if key.startswith(prefix)}
    run = tmp_path / "run"
    run.mkdir()
    train(task, run)
    after = task.module.state_dict()
    moved = {key for key, value in before.items() if not torch.equal(after[key], value)}
    assert moved == (set() if frozen else set(before))
    task.write_predictions(run)
    scores = scores_of(benchmark, recipe, root, run)
    json.dumps(scores, allow_nan=False)
    assert scores["samples"] > 0 and scores.get("resolution_scalars", 12) == 12


@pytest.mark.parametrize("name", ["timm/convnext_atto", "timm/efficientnet_b0"])
@pytest.mark.parametrize("benchmark", ["mpii", "lip", "pw3d"])
def test_a_backbone_with_stages_takes_a_step_on_each_kind_of_head(benchmark, name, tmp_path):
    write, recipe = DATA[benchmark]
    task = task_of(benchmark, recipe, write(tmp_path / "data"), backbone=name)
    group_norms(task.module, recipe)
    losses = [term for _, terms in task.losses(next(iter(task.batches(0, 0)))) for term in terms.values()]
    sum(losses).backward()
    lacking = [key for key, part in task.module.named_parameters() if part.requires_grad and part.grad is None]
    assert torch.isfinite(sum(losses)) and not lacking


def test_the_simple_decoder_is_vitposes():
    """ReLU, bilinear by four, one 3x3 convolution: 64x48 heatmaps of a map of 16x12 cells."""
    torch.manual_seed(0)
    network = SimplePose(build_backbone("vit_s16"), joints=17, size=(192, 256), stride=4, width=256)
    assert network.size == (48, 64) and sum(part.numel() for part in network.head.parameters()) == 17 * (9 * 384 + 1)
    features = torch.randn(2, 384, 16, 12)
    convolution = network.head[-1]
    larger = torch.nn.Upsample(scale_factor=4, mode="bilinear", align_corners=False)(features.clamp_min(0))
    torch.testing.assert_close(network.head(features), convolution(larger))


def test_heatmaps_have_their_stride_whatever_the_patches():
    """Patches of 8 px don't divide the picture: the decoder's cells are 4 px all the same."""
    backbone = build_backbone("vit_narrow")
    network = SimplePose(backbone, joints=3, size=(52, 60), stride=4, width=8)
    assert network(torch.randn(1, 3, 60, 52)).shape == (1, 3, 15, 13)


def test_a_backbone_that_does_not_fit_ends_in_one_line(tmp_path):
    root, recipe = write_tiny_coco(tmp_path / "coco"), dataclasses.replace(COCO, input_width=48, input_height=64)
    with pytest.raises(InputError, match="48x64 is not divisible by the backbone's stride, 32"):
        task_of("coco", recipe, root, backbone="timm/convnext_atto")
