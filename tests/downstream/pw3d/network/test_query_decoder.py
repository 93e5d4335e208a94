"""HMR2's head: the layers against torch's own attention, what trains, and where the regression starts."""

import dataclasses
import json

import pytest
import torch
from tiny.pw3d import RECIPE, write_tiny_pw3d
from tiny.tasks import scores_of, task_of, train
from torch import nn

from downstream.pw3d.network.query_decoder import QueryDecoder
from downstream.pw3d.network.shape_network import OneStepRegressor, rotations_from_6d
from downstream.pw3d.recipe import PW3D, QueryDecoderRecipe
from downstream.training.training_recipe import TransformerTraining
from downstream.training.transformer_training import train_as_transformer
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import read_recipe, to_json

SIZES = QueryDecoderRecipe(depth=2, width=24, heads=3, head_width=8, hidden=20)
WITH_QUERY = dataclasses.replace(RECIPE, decoder=SIZES, epochs=2, later_batch_sizes=())


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_pw3d(tmp_path_factory.mktemp("pw3d"))


def attention(queries, keys, values, out, heads):
    """torch's attention with these weights. Width and inner width are one here, which torch asks for."""
    width = queries.in_features
    module = nn.MultiheadAttention(
        width, heads, batch_first=True, kdim=keys.in_features, vdim=values.in_features, bias=True
    )
    weights = {"in_proj_bias": torch.zeros(3 * width), "out_proj.weight": out.weight, "out_proj.bias": out.bias}
    if keys.in_features == width:
        weights["in_proj_weight"] = torch.cat([queries.weight, keys.weight, values.weight])
    else:
        weights |= {
            f"{name}_proj_weight": part.weight for name, part in zip("qkv", (queries, keys, values), strict=True)
        }
    module.load_state_dict(weights)
    return module


def test_it_is_a_pre_norm_decoder_of_self_attention_cross_attention_and_mlp():
    """torch's attention over the query, with any queries and keys, then over the map's cells, then the MLP."""
    torch.manual_seed(0)
    decoder, features = QueryDecoder(10, SIZES), torch.randn(4, 10, 3, 5)
    for parameter in decoder.parameters():
        nn.init.normal_(parameter, std=0.3)
    with torch.no_grad():
        query = decoder.query.expand(4, 1, 24)
        cells = features.permute(0, 2, 3, 1).reshape(4, 15, 10)
        for layer in decoder.layers:
            value, out = layer.own
            token = nn.functional.layer_norm(query, (24,), layer.norm1.weight, layer.norm1.bias)
            alone = attention(nn.Linear(24, 24), nn.Linear(24, 24), value, out, heads=3)
            query = query + alone(token, token, token)[0]
            token = nn.functional.layer_norm(query, (24,), layer.norm2.weight, layer.norm2.bias)
            across = attention(layer.queries, layer.keys, layer.values, layer.out, heads=3)
            query = query + across(token, cells, cells)[0]
            token = nn.functional.layer_norm(query, (24,), layer.norm3.weight, layer.norm3.bias)
            first, _, second = layer.mlp
            hidden = token @ first.weight.mT + first.bias
            query = query + second(0.5 * hidden * (1 + torch.erf(hidden / 2**0.5)))
        torch.testing.assert_close(decoder(features), query[:, 0], atol=1e-5, rtol=1e-5)


def test_its_vector_depends_on_the_cells_and_on_nothing_else_of_the_map():
    """The map's own places count for nothing: a transformer's tokens carry theirs."""
    torch.manual_seed(0)
    decoder, features = QueryDecoder(10, SIZES), torch.randn(2, 10, 4, 4)
    shuffled = features.flatten(2)[..., torch.randperm(16)].unflatten(2, (2, 8))
    torch.testing.assert_close(decoder(shuffled), decoder(features))
    changed = features.clone()
    changed[0, :, 3, 3] += 5
    moved = (decoder(changed) - decoder(features)).abs().amax(dim=1)
    assert moved[0] > 1e-3 and moved[1] == 0


def test_three_linear_layers_correct_the_mean_once():
    torch.manual_seed(0)
    mean = torch.randn(157)
    regressor = OneStepRegressor(24, mean=(mean[:144].numpy(), mean[144:154].numpy(), mean[154:].numpy()))
    features = torch.randn(5, 24)
    pose, betas, camera = regressor.heads
    rotations, found_betas, cameras = regressor(features)
    torch.testing.assert_close(rotations, rotations_from_6d(mean[:144] + pose(features)))
    torch.testing.assert_close(found_betas, mean[144:154] + betas(features))
    torch.testing.assert_close(cameras, mean[154:] + camera(features))


def test_the_published_sizes():
    """4D-Humans: 6 layers of width 1024, 8 heads of 64; without the unused queries and keys of self-attention."""
    published = QueryDecoderRecipe(depth=6, width=1024, heads=8, head_width=64, hidden=1024)
    with torch.device("meta"):
        layer = QueryDecoder(1280, dataclasses.replace(published, depth=1)).layers[0]
    own, cross = 2 * 1024 * 512 + 1024, 2 * 1024 * 512 + 1024 + 2 * 1280 * 512
    expected = own + cross + 2 * (1024 * 1024 + 1024) + 3 * 2 * 1024
    assert sum(parameter.numel() for parameter in layer.parameters()) == expected


@pytest.mark.parametrize(("backbone", "frozen"), [("resnet18_narrow", True), ("vit_narrow", False)])
def test_a_backbone_of_either_kind_is_trained_and_scored(backbone, frozen, root, tmp_path):
    task = task_of("pw3d", WITH_QUERY, root, frozen=frozen, backbone=backbone)
    before = {name: value.clone() for name, value in task.module.state_dict().items()}
    train(task, tmp_path)
    after = task.module.state_dict()
    still = {name for name, parameter in task.module.named_parameters() if torch.equal(after[name], before[name])}
    inside = {name for name, _ in task.module.named_parameters() if name.startswith("encoder.")}
    assert still == (inside if frozen else set())
    task.write_predictions(tmp_path)
    scores = scores_of("pw3d", WITH_QUERY, root, tmp_path)
    json.dumps(scores, allow_nan=False)
    assert scores["resolution_scalars"] == (12 if backbone == "vit_narrow" else 8)


def test_adamw_takes_it_as_part_of_the_head(root):
    """The full rate, and no decay of the query, which is a place among the tokens."""
    recipe = dataclasses.replace(WITH_QUERY, transformer=TransformerTraining(weight_decay=0.1, layer_decay=0.5))
    task = task_of("pw3d", recipe, root, backbone="vit_narrow")
    train_as_transformer(task, task.module.encoder.backbone, recipe)
    names = {id(parameter): name for name, parameter in task.module.named_parameters()}
    groups = {
        names[id(part)]: group for group in task.players["shape"].optimiser.param_groups for part in group["params"]
    }
    assert {group["lr_scale"] for name, group in groups.items() if name.startswith("decoder.")} == {1.0}
    assert (
        groups["decoder.query"]["weight_decay"] == 0 and groups["decoder.layers.0.keys.weight"]["weight_decay"] == 0.1
    )


def test_runs_without_it_keep_their_recipe():
    """Its key isn't in the JSON of a recipe without it, so no run is stale because there is one."""
    assert "decoder" not in json.loads(to_json(RECIPE)) and read_recipe(PW3D, to_json(RECIPE)) == RECIPE
    assert read_recipe(PW3D, to_json(WITH_QUERY)) == WITH_QUERY
    wrong = json.loads(to_json(WITH_QUERY))
    wrong["decoder"]["heads"] = 0
    with pytest.raises(InputError, match=r"decoder\.heads: 0 is below 1"):
        read_recipe(PW3D, json.dumps(wrong))
