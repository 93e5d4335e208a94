"""HCMoCo: what enters the banks and who is compared, with modalities missing; stage 2 goes on from stage 1."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from tiny.depth.hcmoco_equations import dense_loss, joint_loss, sample_loss, subject_loss
from tiny.pretraining import ROWS
from tiny.shard import write_tiny_shard
from torch.nn import functional as F

from liftedcl.identity.errors import InputError
from liftedcl.methods import hcmoco, method_class
from liftedcl.methods.parts.depth_points import draw_points
from liftedcl.networks.encoder import build_backbone, save_state
from liftedcl.networks.memory_banks import MemoryBanks
from liftedcl.networks.skeleton_graph import SemanticGraphConv, adjacency
from liftedcl.pretrain import training_batches
from liftedcl.recipes.image_sets import require_people
from liftedcl.skeletons.common_joints import COMMON_PARENTS
from liftedcl.views.people_views import PeopleViews

STAGE_1, STAGE_2, FLAT = (
    dataclasses.replace(ROWS[name], training=dataclasses.replace(ROWS[name].training, batch_size=8))
    for name in ("hcmoco_stage1", "hcmoco", "hcmoco_2d")
)


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return write_tiny_shard(tmp_path_factory.mktemp("shard") / "images.npy", 12)


def made(recipe, shard, seed=0):
    torch.manual_seed(seed)
    return method_class("hcmoco")(recipe, build_backbone(recipe.backbone), shard, None)


def batch_of(recipe, shard, **changes):
    return dataclasses.replace(next(training_batches(recipe, shard, 0).epoch(0, 0)), **changes)


def terms_of(method, batch, seed=1):
    torch.manual_seed(seed)
    return next(method.losses(batch))[1]


def test_banks_move_by_their_momentum_and_the_last_of_a_repeated_image_counts():
    torch.manual_seed(0)
    banks = MemoryBanks({"rgb": torch.ones(4, dtype=bool)}, 8, 0.5)
    before, vectors = banks.bank_rgb.clone(), F.normalize(torch.randn(4, 8), dim=1)
    banks.update("rgb", torch.tensor([1, 3, 1, 0]), vectors, torch.tensor([True, True, True, False]))
    assert torch.equal(banks.bank_rgb[[0, 2]], before[[0, 2]])
    for row, vector in ((1, vectors[2]), (3, vectors[1])):
        assert torch.allclose(banks.bank_rgb[row], F.normalize(0.5 * before[row] + 0.5 * vector, dim=0), atol=1e-6)


def _mean(values):
    return float(np.mean(values)) if values else 0.0


def slow_terms(method, batch, view, seen):
    """The four terms one sample at a time, of the maps, nodes, vectors, draws and banks that were ``seen``."""
    rows, banks = batch.images.rows.tolist(), method.heads["banks"]
    has = {"rgb": [True] * 8, "depth": view.has_depth.tolist(), "skeleton": view.has_skeleton.tolist()}
    sample = 0.0
    for other, name in itertools.permutations(has, 2):
        bank, drawn, kept = getattr(banks, f"bank_{other}"), seen["drawn"][other].tolist(), range(0, 12, 2)
        both = [b for b in range(8) if has[name][b] and (other != "depth" or rows[b] in kept)]
        sample += _mean([sample_loss(seen["vectors"][name][b], rows[b], bank, drawn) for b in both])
    cells, places = seen["points"]
    dense = [
        dense_loss(*(seen[name][b].flatten(1).T[cells[b]] for name in ("rgb_map", "depth_map")), places[b])
        for b in range(8) if has["depth"][b]
    ]  # fmt: skip
    joint, features, there = 0.0, [], []
    for name in ("rgb", "depth"):
        x, y = ((view.joints + 0.5) / 4).floor().clamp(0, 11).long().unbind(dim=2)
        features.append(torch.stack([seen[f"{name}_map"][b][:, y[b], x[b]].T for b in range(8)]))
        there.append(view.visible & torch.tensor(has[name])[:, None])
        joint += joint_loss(features[-1], seen["graph"], there[-1] & view.has_skeleton[:, None])
    subject = subject_loss(torch.cat(features).flatten(0, 1), torch.arange(13).repeat(16), torch.cat(there).flatten())
    return {"sample": sample, "dense": _mean(dense), "joint": joint, "subject": subject}


@pytest.mark.parametrize(
    "lacking", ["half of the depth", "all depth", "all or all but one joint of some", "all joints but one"]
)
@torch.no_grad()
def test_each_term_is_its_equation_whatever_is_lacking(shard, monkeypatch, lacking):
    recipe = dataclasses.replace(STAGE_2, multimodal=dataclasses.replace(STAGE_2.multimodal, points=6))
    method, batch, seen = made(recipe, shard), batch_of(recipe, shard), {"vectors": {}, "drawn": {}}
    depth, labelled = batch.depth * (lacking != "all depth"), batch.labelled.clone()
    if lacking.startswith("all or"):
        labelled[:2], labelled[2:4, 1:] = False, False
    if lacking == "all joints but one":
        labelled[:] = torch.arange(8)[:, None] * 13 + torch.arange(13) == int(labelled.flatten().nonzero()[0])
    batch = dataclasses.replace(batch, depth=depth, labelled=labelled)
    for name in ("rgb_map", "depth_map", "graph"):
        method.heads[name].register_forward_hook(lambda _, given, out, name=name: seen.update({name: out}))
    banks, draw = method.heads["banks"], method.heads["banks"].draw
    monkeypatch.setattr(banks, "update", lambda name, rows, own, has: seen["vectors"].update({name: own}))
    monkeypatch.setattr(banks, "draw", lambda name, count: seen["drawn"].setdefault(name, draw(name, count)))
    monkeypatch.setattr(hcmoco, "draw_points", lambda *given: seen.setdefault("points", draw_points(*given)))
    torch.manual_seed(1)
    (_, terms), *_ = list(method.losses(batch))
    torch.manual_seed(1)
    view = PeopleViews(batch, recipe.views, recipe.people, torch.device("cpu"))
    expected = slow_terms(method, batch, view, seen)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert (terms["dense"] == 0) == (lacking == "all depth") and (terms["joint"] == 0) == (
        lacking == "all joints but one"
    )


def test_a_batch_without_any_depth_has_finite_terms_and_depth_takes_no_part(shard):
    method, batch = made(STAGE_2, shard), batch_of(STAGE_2, shard)
    terms = terms_of(method, dataclasses.replace(batch, depth=torch.zeros_like(batch.depth)))
    assert terms["dense"].item() == 0 and all(term.isfinite() for term in terms.values())
    sum(terms.values()).backward()
    for name, parameter in method.heads["depth_map"].named_parameters():
        assert (parameter.grad == 0).all(), name
    assert all(p.grad.isfinite().all() for p in method.backbone.parameters())


def test_one_joint_alone_and_none_at_all_are_finite(shard):
    for joints in (0, 1):
        batch = batch_of(STAGE_2, shard)
        labelled = torch.zeros_like(batch.labelled)
        labelled[:, :joints] = True
        terms = terms_of(made(STAGE_2, shard), dataclasses.replace(batch, labelled=labelled))
        assert all(term.isfinite() for term in terms.values())
        assert terms["joint"].item() == 0, "a skeleton of one joint has no nodes to find"
        assert joints or terms["subject"].item() == 0


def test_invisible_joints_change_no_term(shard):
    """Wherever a joint without a label is said to be."""
    batch = batch_of(STAGE_2, shard)
    elsewhere = torch.where(batch.labelled[..., None], batch.joints, 17.0)
    assert not torch.equal(elsewhere, batch.joints)
    first, second = (
        terms_of(made(STAGE_2, shard), dataclasses.replace(batch, joints=joints))
        for joints in (batch.joints, elsewhere)
    )
    assert {key: value.item() for key, value in first.items()} == {key: value.item() for key, value in second.items()}


def test_points_are_drawn_evenly_where_depth_is_measured():
    measured = torch.zeros(3, 1, 32, 24, dtype=bool)
    measured[0, :, 8:16, 4:12], measured[1, :, 0, 0] = True, True
    torch.manual_seed(0)
    cells, places = draw_points(measured, (8, 6), 4000)
    counts = torch.bincount(cells[0], minlength=48)
    assert set(counts.nonzero().squeeze(1).tolist()) == {13, 14, 19, 20} and counts[[13, 14, 19, 20]].min() > 900
    assert (cells[1] == 0).all() and set(cells[2].tolist()) == set(range(48))
    assert torch.equal(places[..., 1] * 6 + places[..., 0], cells.float())


def test_a_graph_convolution_is_the_sum_over_neighbours():
    torch.manual_seed(0)
    layer, x = SemanticGraphConv(3, 5, adjacency(COMMON_PARENTS)), torch.randn(2, 3, 13, 1)
    torch.nn.init.normal_(layer.strength)
    torch.nn.init.normal_(layer.bias)
    found = layer(x)
    own, near = (part.weight.detach()[:, :, 0, 0] for part in (layer.own, layer.near))
    strengths = dict(zip(map(tuple, layer.edges.nonzero().tolist()), layer.strength.tolist(), strict=True))
    for j in range(13):
        edges = [k for k in range(13) if (j, k) in strengths]
        assert set(edges) == {j, *(k for k in range(13) if COMMON_PARENTS[k] == j), *({COMMON_PARENTS[j]} - {-1})}
        total = sum(np.exp(strengths[j, k]) for k in edges)
        value = layer.bias.detach() + sum(
            np.exp(strengths[j, k]) / total * (x[0, :, k, 0] @ (own if k == j else near).T) for k in edges
        )
        assert torch.allclose(found[0, :, j, 0], value, atol=1e-5)


def test_stage_2_has_stage_1s_networks_and_banks_and_refuses_others(shard, tmp_path):
    first = made(STAGE_1, shard)
    save_state(first.heads.state_dict(), tmp_path / "heads.pt")
    second = made(STAGE_2, shard, seed=5)
    untouched = second.heads["rgb_map"].layer.weight.clone()
    second.continue_from(tmp_path / "heads.pt")
    kept = first.heads.state_dict()
    assert any(key.startswith("banks.bank_depth") for key in kept)
    assert all(torch.equal(second.heads.state_dict()[key], value) for key, value in kept.items())
    assert torch.equal(second.heads["rgb_map"].layer.weight, untouched)
    flat = made(FLAT, shard)
    save_state(flat.heads.state_dict(), tmp_path / "flat.pt")
    others = write_tiny_shard(tmp_path / "others.npy", 10)
    for method, file in ((second, "flat.pt"), (made(STAGE_2, others), "heads.pt")):
        with pytest.raises(InputError, match=r"\.pt: is not .*multimodal.continues needs a row"):
            method.continue_from(tmp_path / file)


def test_rows_without_depth_have_neither_its_encoder_nor_its_bank(shard, tmp_path):
    method = made(FLAT, shard)
    assert not any("depth" in name for name in method.state_dict())
    assert set(terms_of(method, batch_of(FLAT, shard))) == {"sample", "joint", "subject"}
    method.write_observed(tmp_path)
    assert not list(tmp_path.iterdir())
    whole = made(STAGE_2, shard)
    whole.write_observed(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"depth_encoder.pt"}


def test_a_row_whose_images_lack_what_it_reads_is_named():
    with pytest.raises(InputError, match=r"images: .*labelled joints, and h36m has none"):
        require_people(_changed(images="coco+h36m"))
    with pytest.raises(InputError, match=r"multimodal\.depth: is true, and no set of images has depth"):
        require_people(_changed(images="coco"))


def _changed(**values):
    return type("Recipe", (), {**vars(STAGE_2), **values})


@pytest.mark.parametrize("backbone", ["vit_narrow", "timm/hrnet_w18"])
def test_backbones_of_the_registry_take_part(shard, backbone):
    recipe = dataclasses.replace(STAGE_2, backbone=backbone)
    assert all(term.isfinite() for term in terms_of(made(recipe, shard), batch_of(recipe, shard)).values())
