"""PixPro: positives by place, the propagation module and its loss, in closed form and against the paper in loops."""

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.pretraining import IMAGES, positives_in_loops, recorded_draws, rendered, tiny_batch, tiny_method, tiny_recipe
from torch.nn import functional as F

from liftedcl.identity.errors import InputError
from liftedcl.methods.pixpro import rising
from liftedcl.networks.pixel_propagation import PixelPropagation, consistency_loss
from liftedcl.views import view_pair
from liftedcl.views.correspondence import close_in_image
from liftedcl.views.view_draw import Geometry
from workflow.params import read_params


def geometry(*boxes, flips=None) -> Geometry:
    boxes = torch.tensor(boxes, dtype=torch.float32)
    return Geometry(boxes, torch.tensor(flips or [False] * len(boxes)))


def test_positives_equal_equation_1_on_random_views_of_crops():
    """Crops of 256 x 192 px, as stage II has, whose pairs differ from those by distances in pixels, and of squares."""
    rng = np.random.default_rng(0)
    for image, different in (((256, 192), True), ((256, 256), False)):
        extents = rng.integers(60, 190, (2, 24, 2))
        corners = rng.integers(0, np.array(image[::-1]) - extents + 1)
        boxes = np.concatenate([corners, extents], axis=-1).astype(np.float32)
        first, second = (Geometry(torch.from_numpy(b), torch.from_numpy(rng.random(24) < 0.5)) for b in boxes)
        for size in ((8, 8), (3, 5)):
            found = close_in_image(first, second, image, size, 0.7).numpy()
            assert np.array_equal(found, positives_in_loops(first, second, image, size, 0.7))
            # The draw covers all cases: pairs of views with and without positives.
            assert {True, False} == set(found.any(axis=(1, 2)))
        in_pixels = close_in_image(first, second, (1000, 1000), (8, 8), 0.7).numpy()
        found = close_in_image(first, second, image, (8, 8), 0.7).numpy()
        assert (found != in_pixels).any() == different


def test_a_pair_of_a_high_crop_worked_out_by_hand():
    """Views of one cell in a crop of 256 x 192 px; pixels are 1/191 apart across, 1/255 down.

    Both have 96 columns and 128 rows, 95/191 and 127/255 of the crop, so that the diagonal is 0.7038. Centres 64 px
    apart down are 64/255 = 0.3566 diagonals apart; 64 px across are 64/191 = 0.4761 of them.
    """
    view, below, beside = geometry((0, 0, 96, 128)), geometry((0, 64, 96, 128)), geometry((64, 0, 96, 128))
    for other, distance in ((below, 0.3566), (beside, 0.4761)):
        assert close_in_image(view, other, (256, 192), (1, 1), distance + 1e-3).all()
        assert not close_in_image(view, other, (256, 192), (1, 1), distance - 1e-3).any()


def test_identical_views_pair_each_cell_with_itself_and_a_flip_with_its_mirror_image():
    """With square cells the next centre is 1 / sqrt(2) = 0.707 diagonals away, just beyond 0.7."""
    view, flipped = geometry((3, 5, 16, 16)), geometry((3, 5, 16, 16), flips=[True])
    cells, around = torch.arange(16).view(4, 4), ((32, 32), (4, 4))
    assert torch.equal(close_in_image(view, view, *around, 0.7)[0], torch.eye(16, dtype=torch.bool))
    mirrored = F.one_hot(cells.flip(1).flatten(), 16).bool()
    assert torch.equal(close_in_image(view, flipped, *around, 0.7)[0], mirrored)
    assert torch.equal(close_in_image(flipped, flipped, *around, 0.7)[0], torch.eye(16, dtype=torch.bool))
    assert close_in_image(view, view, *around, 0.71)[0].sum() == 16 + 2 * 24  # and the four neighbours


def test_a_distance_of_exactly_the_threshold_is_no_positive():
    """Of 65 px, a view spans 24/64 and 32/64 and so has a diagonal of 40/64; the other is 12/64 and 16/64 away."""
    first, second = geometry((0, 0, 25, 33)), geometry((12, 16, 25, 33))
    assert not close_in_image(first, second, (65, 65), (1, 1), 0.5).any()
    assert close_in_image(first, second, (65, 65), (1, 1), 0.5001).all()


def test_distances_are_in_diagonals_of_the_larger_cell():
    small, large = geometry((0, 0, 4, 5)), geometry((1, 0, 31, 41))
    assert close_in_image(small, large, (65, 65), (1, 1), 0.5).all()  # centres 22.8 apart, the larger diagonal is 50
    assert close_in_image(large, small, (65, 65), (1, 1), 0.5).all()
    assert not close_in_image(small, large, (65, 65), (1, 1), 0.4).any()


def propagation(dimension: int, sharpness: float) -> PixelPropagation:
    torch.manual_seed(0)
    return PixelPropagation(dimension, sharpness=sharpness).double()


def test_orthogonal_cells_keep_to_themselves_and_identical_cells_add_up():
    module = propagation(4, 2.0)
    orthogonal = 3.0 * torch.eye(4, dtype=torch.float64).view(1, 4, 2, 2)
    assert torch.allclose(module(orthogonal), F.normalize(module.transform(orthogonal), dim=1))
    identical = torch.ones(1, 4, 2, 2, dtype=torch.float64)
    assert torch.allclose(module(identical), 4.0 * F.normalize(module.transform(identical), dim=1))
    assert torch.allclose(module(identical).norm(dim=1), torch.tensor(4.0, dtype=torch.float64))  # of 4 unit vectors
    opposite = torch.tensor([1.0, -1.0], dtype=torch.float64).view(1, 1, 1, 2).expand(1, 4, 1, 2)
    assert torch.allclose(module(opposite), F.normalize(module.transform(opposite), dim=1))


@pytest.mark.parametrize("sharpness", [1.0, 2.0, 3.5])
def test_propagation_equals_equations_3_and_4(sharpness):
    module = propagation(5, sharpness)
    torch.manual_seed(1)
    maps = torch.randn(2, 5, 3, 2, dtype=torch.float64)
    found = module(maps).flatten(2)
    weight, bias = module.transform.weight[:, :, 0, 0], module.transform.bias
    x = maps.flatten(2)
    for b in range(2):
        for i in range(6):
            y = torch.zeros(5, dtype=torch.float64)
            for j in range(6):
                cosine = x[b, :, i] @ x[b, :, j] / x[b, :, i].norm() / x[b, :, j].norm()
                value = weight @ x[b, :, j] + bias
                y = y + max(cosine.item(), 0.0) ** sharpness * value / value.norm()
            assert torch.allclose(found[b, :, i], y)


def test_loss_of_equal_and_of_orthogonal_cells():
    maps = torch.eye(4).view(1, 4, 2, 2)
    itself, all_pairs = torch.eye(4, dtype=torch.bool)[None], torch.ones(1, 4, 4, dtype=torch.bool)
    assert consistency_loss(7.0 * maps, maps, itself).item() == pytest.approx(-1.0)
    assert consistency_loss(-7.0 * maps, maps, itself).item() == pytest.approx(1.0)
    assert consistency_loss(maps, maps, all_pairs).item() == pytest.approx(-0.25)  # 4 of the 16 pairs agree
    assert consistency_loss(maps, maps, all_pairs & ~itself).item() == 0.0


def test_loss_equals_equation_5_and_leaves_out_images_without_positives():
    torch.manual_seed(0)
    propagated, keys = (torch.randn(3, 5, 2, 3, requires_grad=True) for _ in range(2))
    positives = torch.rand(3, 6, 6) < 0.3
    positives[1] = False
    found = consistency_loss(propagated, keys.detach(), positives)
    for b in range(3):
        cosines = [
            F.cosine_similarity(propagated[b].flatten(1)[:, i], keys[b].flatten(1)[:, j], dim=0).item()
            for i in range(6)
            for j in range(6)
            if positives[b, i, j]
        ]
        assert found[b].item() == pytest.approx(-sum(cosines) / max(len(cosines), 1), abs=1e-6)
    assert found[1].item() == 0.0
    found.sum().backward()
    assert propagated.grad.isfinite().all()
    assert not propagated.grad[1].any()
    assert propagated.grad[0].any()


def test_a_step_equals_twice_the_equations_written_as_loops(monkeypatch):
    recipe = tiny_recipe("pixpro_in_cc")
    method = tiny_method(recipe)
    method.eval()  # statistics that don't depend on the companions in the batch
    draws = recorded_draws(monkeypatch)
    torch.manual_seed(4)
    _, terms = next(method.losses(tiny_batch()))
    views = [rendered(draw, recipe) for draw in draws]
    with torch.no_grad():
        y = [method.heads["propagation"](method.heads["projector"](method.backbone(v))) for v in views]
        x = [method.key.heads["projector"](method.key.backbone(v)) for v in views]
    size = tuple(y[0].shape[2:])
    y, x = ([F.normalize(m.flatten(2), dim=1).double().numpy() for m in maps] for maps in (y, x))
    geometries = (draw.geometry for draw in draws)
    positives = positives_in_loops(*geometries, (64, 48), size, recipe.propagation.threshold)
    total = 0.0
    for b in range(IMAGES):
        pairs = np.argwhere(positives[b])
        pair_losses = [-y[0][b][:, i] @ x[1][b][:, j] - y[1][b][:, j] @ x[0][b][:, i] for i, j in pairs]
        total += sum(pair_losses) / max(len(pairs), 1)
    assert terms["consistency"].item() == pytest.approx(2 * total / IMAGES, rel=1e-4, abs=1e-6)
    assert positives.any()


def test_views_that_share_nothing_cost_nothing(monkeypatch):
    """One view of each image from its left, the other from its right."""
    recipe = tiny_recipe("pixpro_in_cc")
    method = tiny_method(recipe)
    original, calls = view_pair.draw_views, []

    def one_side(*arguments):
        draw = original(*arguments)
        draw.geometry.boxes.copy_(torch.tensor([32.0 * len(calls), 0.0, 16.0, 64.0]).expand(IMAGES, 4))
        calls.append(draw)
        return draw

    monkeypatch.setattr(view_pair, "draw_views", one_side)
    _, terms = next(method.losses(tiny_batch()))
    assert terms["consistency"].item() == 0.0
    terms["consistency"].backward()
    assert all(parameter.grad.isfinite().all() for parameter in method.heads.parameters())
    assert len(calls) == 2


def test_the_key_momentum_rises_to_1():
    momentum = rising(0.99, steps=100)
    assert [momentum(step) for step in (0, 50, 100)] == pytest.approx([0.99, 0.995, 1.0])
    recipe = tiny_recipe("pixpro_in_cc", propagation={"key_momentum": 0.9})
    for step, share in ((0, 0.1), (5, 0.05), (10, 0.0)):
        method = tiny_method(recipe)
        method.players(recipe, 10)
        before = method.key.backbone.conv1.weight.clone()
        next(method.losses(tiny_batch(step)))
        expected = torch.lerp(before, method.backbone.conv1.weight, share)
        assert torch.allclose(method.key.backbone.conv1.weight, expected, atol=1e-6)


def test_statistics_are_those_of_the_whole_batch():
    method = tiny_method(tiny_recipe("pixpro_in_cc"))
    maps = torch.randn(IMAGES, 16, 5, 5) * torch.arange(1.0, IMAGES + 1).view(-1, 1, 1, 1)
    plain = F.batch_norm(maps, None, None, training=True)
    assert torch.allclose(method.backbone.bn1.train()(maps), plain, atol=1e-5)
    assert type(method.heads["projector"].layers[1]) is type(method.backbone.bn1)
    assert type(method.key.heads["projector"].layers[1]) is type(method.backbone.bn1)


@pytest.mark.parametrize(
    ("key", "value"), [("threshold", -0.7), ("threshold", 0), ("sharpness", 0.5), ("key_momentum", 1.1), ("hidden", 0)]
)
def test_a_wrong_number_is_named(key, value):
    with pytest.raises(InputError, match=f"propagation.{key}"):
        read_params(
            REPOSITORY / "params.yaml", {"profile": "paper", "encoders": {"defaults": {"propagation": {key: value}}}}
        )
