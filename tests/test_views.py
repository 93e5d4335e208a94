"""Batched augmentation and inverse geometry against torchvision."""

import pytest
import torch
from torchvision.ops import roi_align
from torchvision.transforms.v2 import functional as tv

from liftedcl import views
from liftedcl.align import align, shared_area
from liftedcl.encoder_recipe import Views
from liftedcl.views import Geometry

RECIPE = Views(
    size=64, scale=(0.2, 1.0), flip=0.5, jitter=(0.4, 0.4, 0.4, 0.1), jitter_probability=0.8, grey=0.2,
    blur=(0.1, 2.0), blur_probability=0.5,
)  # fmt: skip


@pytest.fixture
def images():
    coarse = torch.rand(16, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    return (255 * tv.resize(coarse, [64, 48], antialias=True)).round().to(torch.uint8)


def test_resampling_equals_torchvisions_crop_and_resize(images):
    torch.manual_seed(0)
    geometry = views.random_geometry(images, RECIPE)
    ours = views.resample(images.float(), geometry, 64)
    for i, (x, y, w, h) in enumerate(geometry.boxes.int().tolist()):
        theirs = tv.resized_crop(images[i].float(), y, x, h, w, [64, 64], antialias=True)
        theirs = tv.horizontal_flip(theirs) if geometry.flips[i] else theirs
        assert (ours[i] - theirs).abs().max() < 1.0  # one grey level


def test_boxes_are_those_of_random_resized_crop(images):
    torch.manual_seed(0)
    many = images[:1].expand(20000, -1, -1, -1)
    geometry = views.random_geometry(many, RECIPE)
    x, y, w, h = geometry.boxes.unbind(1)
    assert (x >= 0).all() and (y >= 0).all() and (x + w <= 48).all() and (y + h <= 64).all()
    share = w * h / (64 * 48)
    assert share.min() > 0.17 and share.max() <= 1.0
    assert (w / h).min() > 0.70 and (w / h).max() < 1.42
    from torchvision.transforms import RandomResizedCrop

    reference = torch.tensor([RandomResizedCrop.get_params(images[0], [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)])
    theirs = reference.float()[:, [1, 0, 3, 2]]
    assert torch.allclose(geometry.boxes.mean(0), theirs.mean(0), atol=0.6)
    assert torch.allclose(geometry.boxes.std(0), theirs.std(0), atol=0.6)
    assert geometry.flips.float().mean() == pytest.approx(0.5, abs=0.02)


def test_colour_operations_equal_torchvisions(images):
    x = images.float() / 255
    for turn in (-0.1, 0.03, 0.1):
        ours = views._turn_hue(x, torch.full((len(x), 1, 1), turn))
        assert (ours - tv.adjust_hue(x, turn)).abs().max() < 1e-4
    for factor in (0.6, 1.3):
        gains = torch.full((len(x), 1, 1, 1), factor)
        grey = views._grey(x)
        assert (views._blend(x, grey, gains) - tv.adjust_saturation(x, factor)).abs().max() < 2e-3
        contrast = views._blend(x, grey.mean((2, 3), keepdim=True), gains)
        assert (contrast - tv.adjust_contrast(x, factor)).abs().max() < 2e-3


def test_blur_equals_torchvisions(images):
    x = images.float() / 255
    ours = views.gaussian_blur(x, (1.5, 1.5))
    assert (ours - tv.gaussian_blur(x, [11, 11], [1.5, 1.5])).abs().max() < 1e-3


def test_views_are_normalised_and_repeat_for_a_seed(images):
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append(views.random_views(images, RECIPE)[0])
    assert made[0].shape == (16, 3, 64, 64)
    assert torch.equal(*made)
    assert made[0].isfinite().all()
    white = views.normalise(torch.ones(1, 3, 1, 1))
    assert white.flatten().tolist() == pytest.approx([(1 - m) / s for m, s in zip(views.MEAN, views.STD, strict=True)])


def coordinates(geometry: Geometry, size: int) -> torch.Tensor:
    """A feature map that holds, at each cell, the image position of the cell's centre. (B, 2, size, size)."""
    share = (torch.arange(size) + 0.5) / size
    across = torch.where(geometry.flips[:, None], 1 - share, share)
    x = geometry.boxes[:, 0, None] + across * geometry.boxes[:, 2, None]
    y = geometry.boxes[:, 1, None] + share * geometry.boxes[:, 3, None]
    return torch.stack([x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=1)


def test_aligned_maps_of_both_views_show_the_same_spots():
    torch.manual_seed(0)
    images = torch.zeros(400, 3, 64, 48)
    first, second = (views.random_geometry(images, RECIPE) for _ in range(2))
    area, overlap = shared_area(first, second)
    assert 0.9 < overlap.float().mean() <= 1.0
    a, b = (align(coordinates(geometry, 32), geometry, area, 16)[overlap] for geometry in (first, second))
    # Cells at the rim of a view are held at its outermost centre: half a cell of at most 48/32 and 64/32 pixels.
    assert (a - b).abs().max() < 1.01
    inner = (a - b).abs()[:, :, 2:-2, 2:-2]
    assert inner.mean() < 0.01


def test_alignment_equals_roi_align():
    torch.manual_seed(1)
    geometry = views.random_geometry(torch.zeros(12, 3, 64, 48), RECIPE)
    geometry = Geometry(geometry.boxes, torch.zeros(12, dtype=torch.bool))
    start = geometry.boxes[:, :2] + 0.3 * geometry.boxes[:, 2:]
    area = torch.cat([start, 0.5 * geometry.boxes[:, 2:]], dim=1)
    features = torch.randn(12, 5, 8, 8)
    local = (area[:, :2] - geometry.boxes[:, :2]) / geometry.boxes[:, 2:] * 8
    regions = torch.cat([torch.arange(12.0)[:, None], local, local + 4.0], dim=1)
    theirs = roi_align(features, regions, output_size=4, sampling_ratio=1, aligned=True)
    assert torch.allclose(align(features, geometry, area, 4), theirs, atol=1e-5)


def test_views_without_overlap_are_seen():
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 10.0]])
    other = torch.tensor([[10.0, 0.0, 5.0, 5.0], [9.0, 9.0, 5.0, 5.0]])
    flips = torch.zeros(2, dtype=torch.bool)
    area, overlap = shared_area(Geometry(boxes, flips), Geometry(other, flips))
    assert overlap.tolist() == [False, True]
    assert area[1].tolist() == [9.0, 9.0, 1.0, 1.0]
