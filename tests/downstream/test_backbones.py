"""Every benchmark trains and is scored with a transformer, frozen and fine-tuned, and with each family of backbones."""

import contextlib
import dataclasses
import itertools
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
from downstream.training.training_recipe import TransformerTraining
from downstream.training.transformer_training import train_as_transformer
from liftedcl.engine.loop import train_step
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone

VIT, SWIN, CONVNEXT, HRNET, EFFICIENTNET = FAMILIES = (
    "timm/vit_tiny_patch16_224", "timm/swin_tiny_patch4_window7_224", "timm/convnext_atto", "timm/hrnet_w18_small",
    "timm/efficientnet_b0",
)  # fmt: skip
FEW = [("coco", HRNET), ("mpii", EFFICIENTNET), ("h36m_2d", CONVNEXT), ("h36m_3d", SWIN), ("pw3d", CONVNEXT),
       ("lip", EFFICIENTNET), ("h36m_parsing", HRNET)]  # fmt: skip
"""Each family and each benchmark once at least; `make test-long` has the other pairs."""
PAIRS = [
    pytest.param(*pair, marks=() if pair in FEW else pytest.mark.long)
    for pair in itertools.product(BENCHMARKS, FAMILIES)
]


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


@pytest.mark.parametrize(("benchmark", "name"), PAIRS)
def test_each_family_takes_a_step_on_each_benchmark_and_is_scored(benchmark, name, tmp_path):
    """With AdamW and rates by layer, which timm names."""
    write, recipe = DATA[benchmark]
    recipe = dataclasses.replace(recipe, transformer=TransformerTraining(weight_decay=0.1, layer_decay=0.75))
    if benchmark == "coco":  # its tiny crops are no multiple of the usual stride, 32
        recipe = dataclasses.replace(recipe, input_width=64)
    root = write(tmp_path / "data")
    task = task_of(benchmark, recipe, root, backbone=name)
    group_norms(task.module, recipe)
    backbone = next(part for part in task.module.modules() if hasattr(part, "map_stages"))
    train_as_transformer(task, backbone, recipe)
    losses = train_step(task, next(iter(task.batches(0, 0))), 0, contextlib.nullcontext())
    gradients = [part.grad for part in backbone.parameters() if part.requires_grad]
    assert all(part is not None and torch.isfinite(part).all() for part in (*losses.values(), *gradients))
    task.write_predictions(tmp_path)
    json.dumps(scores_of(benchmark, recipe, root, tmp_path), allow_nan=False)


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
