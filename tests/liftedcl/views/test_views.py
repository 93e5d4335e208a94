"""Views: what is drawn against torchvision's distributions, both renderers against torchvision's operations."""

import contextlib
import dataclasses
import math
import random
import types

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torchvision import transforms
from torchvision.ops import roi_align
from torchvision.transforms.v2 import functional as tv

from liftedcl.recipes.encoder_recipe import Views
from liftedcl.views import rendering
from liftedcl.views.align import align, shared_area
from liftedcl.views.rendering import render_batched, render_views
from liftedcl.views.rgb import MEAN, STD
from liftedcl.views.view_draw import Geometry, ViewDraw, draw_geometry, draw_views

RECIPE = Views(
    size=64, scale=(0.2, 1.0), flip=0.5, jitter=(0.4, 0.4, 0.4, 0.1), jitter_probability=0.8, grey=0.2,
    blur=(0.1, 2.0), blur_probability=0.5,
)  # fmt: skip
CROP = dataclasses.replace(RECIPE, jitter_probability=0.0, grey=0.0, blur_probability=0.0)
PLAIN = dataclasses.replace(CROP, scale=(1.0, 1.0), flip=0.0)
"""Of a square image of the view's size: the image itself."""
JITTER = dataclasses.replace(CROP, jitter_probability=1.0)


def random_views(images, recipe):
    """One random view of each image, and where it comes from."""
    draw = draw_views(len(images), *images.shape[2:], recipe, images.device)
    return render_views(images, draw, recipe), draw.geometry


def only(base: Views, index: int, strength: float) -> Views:
    """Every view of ``base`` jittered by one of brightness (0), contrast (1), saturation (2) and hue (3)."""
    jitter = tuple(strength if i == index else 0.0 for i in range(4))
    return dataclasses.replace(base, jitter=jitter, jitter_probability=1.0)


def pictures(count: int, height: int, width: int) -> torch.Tensor:
    """Coloured blobs with fine texture, (count, 3, H, W) uint8; the left is brighter than the right."""
    generator = torch.Generator().manual_seed(0)
    coarse = tv.resize(torch.rand(count, 3, 8, 6, generator=generator), [height, width], antialias=True)
    fine = 0.2 * (torch.rand(count, 3, height, width, generator=generator) - 0.5)
    return (255 * (coarse + fine + torch.linspace(0.1, -0.1, width))).round().clamp(0, 255).to(torch.uint8)


@pytest.fixture
def images():
    return pictures(16, 64, 48)


def draw_for(images: torch.Tensor, recipe: Views, seed: int = 0) -> ViewDraw:
    torch.manual_seed(seed)
    return draw_views(len(images), *images.shape[2:], recipe, "cpu")


def levels(rendered: torch.Tensor) -> torch.Tensor:
    """Grey levels, 0 to 255, of normalised rendering."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return 255 * (rendered * std + mean)


# ------------------------------------------------------------------ what is drawn


def assert_same_moments(ours, theirs, tolerance: float = 0.0) -> None:
    """Means and variances over draws (N, ...) agree within 4.5 standard errors of their difference, and ``tolerance``.

    4.5 is passed by chance once in 150,000 comparisons; the seeds are fixed besides.
    """
    ours, theirs = (torch.as_tensor(np.asarray(x), dtype=torch.float64) for x in (ours, theirs))
    for moment in (lambda x: x, lambda x: (x - x.mean(0)).square()):
        a, b = moment(ours), moment(theirs)
        error = (a.var(0) / len(a) + b.var(0) / len(b)).sqrt()
        assert ((a.mean(0) - b.mean(0)).abs() <= 4.5 * error + tolerance).all(), (a.mean(0), b.mean(0), error)


@pytest.mark.parametrize(("height", "width"), [(256, 192), (48, 64), (20, 200), (90, 31)])
def test_boxes_are_those_of_random_resized_crop(height, width):
    """20 x 200 and 90 x 31: nearly every and some images fall back to the largest centred crop."""
    torch.manual_seed(0)
    geometry = draw_geometry(8000, height, width, RECIPE, "cpu")
    blank = torch.zeros(3, height, width)
    reference = torch.tensor(
        [transforms.RandomResizedCrop.get_params(blank, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(3000)]
    )

    def described(boxes: torch.Tensor) -> torch.Tensor:
        x, y, w, h = boxes.double().unbind(1)
        place = [x / (width - w).clamp_min(1), y / (height - h).clamp_min(1)]
        fallback = (w == min(width, round(height * 4 / 3))) & (h == min(height, round(width * 4 / 3)))
        return torch.stack([w * h / (height * width), torch.log(w / h), *place, x, y, fallback.double()], dim=1)

    x, y, w, h = geometry.boxes.unbind(1)
    assert (x >= 0).all() and (y >= 0).all() and (x + w <= width).all() and (y + h <= height).all()
    assert torch.equal(geometry.boxes, geometry.boxes.round())
    assert_same_moments(described(geometry.boxes), described(reference[:, [1, 0, 3, 2]]), tolerance=1e-9)


@pytest.mark.parametrize(("height", "width"), [(375, 500), (600, 150)])
def test_boxes_of_a_squeezed_picture_are_those_of_the_picture(height, width):
    """Packed at 640 x 640 px, so that whole pixels hardly round; of 600 x 150 many fall back."""
    torch.manual_seed(0)
    boxes = draw_geometry(8000, 640, 640, RECIPE, "cpu", torch.full((8000,), height / width)).boxes
    blank = torch.zeros(3, height, width)
    reference = torch.tensor(
        [transforms.RandomResizedCrop.get_params(blank, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(3000)]
    )

    def described(x, y, w, h) -> torch.Tensor:
        """Of boxes in shares of the picture's sides."""
        return torch.stack([w * h, torch.log(w / h * width / height), x, y], dim=1)

    assert (boxes >= 0).all() and (boxes[:, :2] + boxes[:, 2:] <= 640).all()
    y, x, h, w = (reference.double() / torch.tensor([height, width, height, width])).unbind(1)
    assert_same_moments(described(*(boxes.double() / 640).unbind(1)), described(x, y, w, h), tolerance=4e-3)


def test_a_view_of_a_squeezed_picture_shows_what_the_view_of_the_picture_does():
    """Half as wide as it was: the box has the same place in shares of the picture, at half the detail across."""
    picture = pictures(1, 64, 128)
    squeezed = tv.resize(picture, [64, 64], antialias=True)
    torch.manual_seed(0)
    geometry = draw_geometry(12, 64, 64, RECIPE, "cpu", torch.full((12,), 0.5))
    own = Geometry(geometry.boxes * torch.tensor([2.0, 1.0, 2.0, 1.0]), geometry.flips)
    aspects = own.boxes[:, 2] / own.boxes[:, 3]
    assert (aspects > 0.7).all() and (aspects < 1.4).all()
    a, b = (
        rendering.resample(image.float().expand(12, -1, -1, -1), g, (32, 32))
        for image, g in ((squeezed, geometry), (picture, own))
    )
    assert (a - b).abs().mean() < 3.0
    other = rendering.resample(picture.float().expand(12, -1, -1, -1), geometry, (32, 32))
    assert (a - other).abs().mean() > 10.0


def test_rectangular_views_have_boxes_of_their_shape_and_both_renderers_agree(images):
    tall = dataclasses.replace(CROP, size=(64, 32))
    draw = draw_for(images, tall)
    aspects = draw.geometry.boxes[:, 2] / draw.geometry.boxes[:, 3]
    assert (aspects > 0.5 * 3 / 4 - 0.05).all() and (aspects < 0.5 * 4 / 3 + 0.05).all()
    for rendered in (render_views(images, draw, tall), render_batched(images, draw, tall)):
        assert rendered.shape == (len(images), 3, 64, 32)
        for i, (x, y, w, h) in enumerate(draw.geometry.boxes.int().tolist()):
            theirs = tv.resized_crop(images[i].float(), y, x, h, w, [64, 32], antialias=True)
            theirs = tv.horizontal_flip(theirs) if draw.geometry.flips[i] else theirs
            assert (levels(rendered[i : i + 1])[0] - theirs).abs().mean() < 1.5
    square = draw_for(images, dataclasses.replace(CROP, size=(64, 64)))
    assert torch.equal(square.geometry.boxes, draw_for(images, CROP).geometry.boxes)


def test_an_image_that_no_box_fits_gives_torchvisions_centred_crop():
    narrow = dataclasses.replace(RECIPE, scale=(1.0, 1.0))
    for height, width in ((64, 21), (21, 64), (33, 100)):
        ours = draw_geometry(5, height, width, narrow, "cpu").boxes
        y, x, h, w = transforms.RandomResizedCrop.get_params(torch.zeros(3, height, width), [1.0, 1.0], [3 / 4, 4 / 3])
        assert ours.tolist() == [[x, y, w, h]] * 5


def test_factors_are_those_of_color_jitter():
    torch.manual_seed(0)
    draw = draw_views(6000, 64, 48, RECIPE, "cpu")
    ours = torch.stack([draw.brightness, draw.contrast, draw.saturation, draw.hue], dim=1)
    ranges = [(0.6, 1.4)] * 3 + [(-0.1, 0.1)]
    theirs = torch.tensor([transforms.ColorJitter.get_params(*ranges)[1:] for _ in range(3000)])
    assert_same_moments(ours, theirs)
    correlation = torch.corrcoef(ours.T) - torch.eye(4)
    assert correlation.abs().max() < 4.5 / math.sqrt(6000)
    for factor, (low, high) in zip(ours.T, ranges, strict=True):
        assert low <= factor.min() < low + 0.01 * (high - low) and high - 0.01 * (high - low) < factor.max() <= high


def test_choices_and_sigmas_have_their_probabilities():
    torch.manual_seed(0)
    draw = draw_views(20000, 64, 48, RECIPE, "cpu")
    chosen = [draw.jittered, draw.greyed, draw.blurred, draw.geometry.flips]
    for choice, share in zip(chosen, (0.8, 0.2, 0.5, 0.5), strict=True):
        assert choice.float().mean() == pytest.approx(share, abs=4.5 * math.sqrt(share * (1 - share) / 20000))
    together = torch.corrcoef(torch.stack(chosen).float()) - torch.eye(4)
    assert together.abs().max() < 4.5 / math.sqrt(20000)
    theirs = torch.tensor([transforms.GaussianBlur.get_params(0.1, 2.0) for _ in range(3000)])
    assert_same_moments(draw.sigma, theirs)


def test_every_order_of_the_jitter_is_equally_likely():
    torch.manual_seed(0)
    seen: dict[tuple[int, ...], int] = {}
    for _ in range(1200):
        order = draw_views(1, 64, 48, RECIPE, "cpu").order
        seen[order] = seen.get(order, 0) + 1
    assert len(seen) == 24
    assert all(abs(count - 50) < 4.5 * math.sqrt(50) for count in seen.values())


def test_a_gpu_is_neither_waited_for_nor_fed_from_the_host(monkeypatch):
    """On tensors without values, reading one raises; every tensor of the second step was made on the GPU."""
    devices = set()

    class Devices(TorchDispatchMode):
        def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, torch.Tensor)]
            devices.update(x.device.type for x in tensors)
            return result

    monkeypatch.setattr(torch, "randperm", lambda count: types.SimpleNamespace(tolist=lambda: [3, 1, 0, 2]))
    rendering._per_channel.cache_clear()
    with FakeTensorMode():
        batch = torch.zeros(4, 64, 48, 3, dtype=torch.uint8, device="cuda").permute(0, 3, 1, 2)
        part = torch.arange(2, device="cuda")
        for recorder in (contextlib.nullcontext(), Devices()):  # the first step makes what later steps hold on to
            with recorder:
                draw = draw_views(4, 64, 48, RECIPE, batch.device)
                rendered = render_views(batch[part], draw.select(part), RECIPE)
    rendering._per_channel.cache_clear()
    assert rendered.shape == (2, 3, 64, 64) and devices == {"cuda"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_views_on_a_gpu_equal_those_on_a_cpu_and_do_not_synchronise(images):
    draw = draw_for(images, RECIPE)
    tensors = {name: value.cuda() for name, value in vars(draw).items() if isinstance(value, torch.Tensor)}
    geometry = Geometry(draw.geometry.boxes.cuda(), draw.geometry.flips.cuda())
    moved, batch = dataclasses.replace(draw, geometry=geometry, **tensors), images.cuda()
    rendered = render_views(batch, moved, RECIPE)
    torch.cuda.set_sync_debug_mode("error")
    try:
        random_views(batch, RECIPE)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert (levels(rendered.cpu()) - levels(render_batched(images, draw, RECIPE))).abs().max() < 0.5


# ------------------------------------------------------------------ the batched renderer against torchvision


def test_resampling_equals_torchvisions_crop_and_resize(images):
    torch.manual_seed(0)
    geometry = draw_geometry(len(images), *images.shape[2:], RECIPE, images.device)
    for size in (64, 20):  # which enlarges all boxes, and shrinks them
        ours = rendering.resample(images.float(), geometry, (size, size))
        for i, (x, y, w, h) in enumerate(geometry.boxes.int().tolist()):
            theirs = tv.resized_crop(images[i].float(), y, x, h, w, [size, size], antialias=True)
            theirs = tv.horizontal_flip(theirs) if geometry.flips[i] else theirs
            assert (ours[i] - theirs).abs().max() < 0.01  # grey levels


def test_colour_operations_equal_torchvisions_in_the_order_drawn(images):
    x = images.float() / 255
    operations = [tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, tv.adjust_hue]
    for seed in range(4):
        draw = draw_for(images, RECIPE, seed)
        ours = rendering.colour_jitter(x, draw)
        factors = torch.stack([draw.brightness, draw.contrast, draw.saturation, draw.hue]).tolist()
        for i, theirs in enumerate(x):
            for operation in draw.order:
                theirs = operations[operation](theirs, factors[operation][i])
            assert (ours[i] - theirs).abs().max() < 4e-3  # one grey level: torchvision's grey has other last digits


def test_blur_equals_torchvisions(images):
    x = images.float() / 255
    sigma = torch.linspace(0.1, 2.0, len(x))
    ours = rendering.gaussian_blur(x, sigma, 2.0)
    for i, value in enumerate(sigma.tolist()):
        assert (ours[i] - tv.gaussian_blur(x[i], [13, 13], [value, value])).abs().max() < 1e-5


def test_white_is_normalised_by_imagenets_statistics():
    white = rendering.normalise(torch.ones(1, 3, 1, 1))
    assert white.flatten().tolist() == pytest.approx([(1 - m) / s for m, s in zip(MEAN, STD, strict=True)])


# ------------------------------------------------------------------ the uint8 renderer against the batched one


@pytest.mark.parametrize(
    ("recipe", "largest", "mean"),
    [
        pytest.param(CROP, 1.01, 0.3, id="geometry"),
        pytest.param(only(CROP, 0, 0.4), 2.0, 0.4, id="brightness"),
        pytest.param(only(CROP, 1, 0.4), 2.0, 0.4, id="contrast"),
        pytest.param(only(CROP, 2, 0.4), 2.0, 0.4, id="saturation"),
        pytest.param(only(CROP, 3, 0.1), 3.0, 0.4, id="hue"),
        pytest.param(only(CROP, 3, 0.5), 3.0, 0.4, id="hue by up to half a turn"),
        pytest.param(dataclasses.replace(CROP, grey=1.0), 1.5, 0.4, id="grey"),
        pytest.param(dataclasses.replace(CROP, blur_probability=1.0), 1.5, 0.4, id="blur"),
        pytest.param(JITTER, 8.0, 0.7, id="jitter"),  # rounding to whole levels between operations adds up
        pytest.param(RECIPE, 8.0, 0.6, id="all"),
    ],
)
@pytest.mark.parametrize(("height", "width", "size"), [(64, 48, 64), (41, 63, 65), (90, 120, 41)])
def test_uint8_views_equal_batched_ones(recipe, largest, mean, height, width, size):
    """In grey levels; geometry within one, colour within two, hue within three, blur within one and a half."""
    recipe = dataclasses.replace(recipe, size=size)
    batch = pictures(16, height, width)
    for seed in range(3):
        draw = draw_for(batch, recipe, seed)
        error = (levels(render_views(batch, draw, recipe)) - levels(render_batched(batch, draw, recipe))).abs()
        assert error.max() < largest
        assert error.mean() < mean


@pytest.mark.parametrize("level", [0, 128, 255])
def test_grey_images_stay_grey(level, images):
    """Without chroma a hue is undefined, and neither it nor the saturation may colour anything."""
    textured = images[:, :1].expand(-1, 3, -1, -1)
    for batch in (textured, torch.full_like(images, level)):
        draw = draw_for(batch, JITTER)
        for render in (render_views, render_batched):
            seen = levels(render(batch, draw, JITTER))
            assert seen.isfinite().all()
            assert (seen - seen.mean(1, keepdim=True)).abs().max() < 1.0


# ------------------------------------------------------------------ both renderers

RENDERERS = pytest.mark.parametrize("render", [render_views, render_batched])


@RENDERERS
def test_without_probabilities_a_view_is_a_crop(render, images):
    recipe = dataclasses.replace(CROP, flip=0.0)
    draw = draw_for(images, recipe)
    seen = levels(render(images, draw, recipe))
    for i, (x, y, w, h) in enumerate(draw.geometry.boxes.int().tolist()):
        theirs = tv.resized_crop(images[i].float(), y, x, h, w, [64, 64], antialias=True)
        assert (seen[i] - theirs).abs().max() < 1.0


@RENDERERS
def test_a_whole_image_of_the_views_size_is_left_as_it_is(render):
    square = pictures(3, 64, 64)
    draw = draw_for(square, PLAIN)
    whole = Geometry(torch.tensor([[0.0, 0.0, 64.0, 64.0]]).expand(3, 4), torch.tensor([False, True, False]))
    seen = levels(render(square, dataclasses.replace(draw, geometry=whole), PLAIN))
    assert (seen[::2] - square[::2].float()).abs().max() < 1e-2
    assert (seen[1] - square[1].flip(2).float()).abs().max() < 1e-2


@RENDERERS
def test_a_selected_draw_renders_the_selected_views(render, images):
    draw = draw_for(images, RECIPE)
    some = torch.tensor([11, 2, 2, 7, 0])
    apart = render(images[some], draw.select(some), RECIPE)
    together = render(images, draw, RECIPE)[some]
    assert torch.allclose(apart, together, atol=0 if render is render_views else 1e-4)


@RENDERERS
def test_only_what_is_drawn_changes_a_view(render, images):
    draw = draw_for(images, dataclasses.replace(JITTER, grey=1.0, blur_probability=1.0))
    untouched = render(images, draw_for(images, CROP), CROP)
    none = torch.zeros(16, dtype=torch.bool)
    half = torch.arange(16) % 2 == 0
    for name in ("jittered", "greyed", "blurred"):
        parts = {"geometry": draw_for(images, CROP).geometry, "jittered": none, "greyed": none, "blurred": none}
        seen = render(images, dataclasses.replace(draw, **(parts | {name: half})), CROP)
        assert torch.equal(seen[~half], untouched[~half])
        assert ((seen - untouched).abs().amax(dim=(1, 2, 3))[half] > 0).all()


@RENDERERS
def test_the_memory_layout_of_the_images_does_not_matter(render, images):
    pixels = images.permute(0, 2, 3, 1).contiguous()
    before = pixels.clone()
    draw = draw_for(images, RECIPE)
    seen = render(pixels.permute(0, 3, 1, 2), draw, RECIPE)
    assert seen.shape == (16, 3, 64, 64) and seen.dtype == torch.float32
    assert seen.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(seen, render(images, draw, RECIPE))
    assert torch.equal(pixels, before)


def test_views_repeat_for_a_seed_and_differ_between_calls(images):
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append([random_views(images, RECIPE) for _ in range(2)])
    for (first, geometry), (again, same) in zip(*made, strict=True):
        assert torch.equal(first, again) and torch.equal(geometry.boxes, same.boxes)
    assert not torch.equal(made[0][0][0], made[0][1][0])


# ------------------------------------------------------------------ pixels against torchvision's random transforms


class PILBlur:
    """MoCo-v2's blur: PIL's, with a radius uniform in (0.1, 2)."""

    def __call__(self, image: Image.Image) -> Image.Image:
        return image.filter(ImageFilter.GaussianBlur(radius=random.uniform(0.1, 2.0)))


def statistics(seen: torch.Tensor) -> torch.Tensor:
    """What transforms change in views (N, 3, S, S) of levels: means, spread, colourfulness, detail, left and right."""
    half = seen.shape[3] // 2
    means = seen.mean(dim=(2, 3))
    chroma = (seen.amax(1) - seen.amin(1)).mean(dim=(1, 2))
    detail = [seen.diff(dim=axis).abs().mean(dim=(1, 2, 3)) for axis in (2, 3)]
    sides = (seen[..., :half] - seen[..., half:]).mean(dim=(1, 2, 3))
    rest = torch.stack([seen.std(dim=(1, 2, 3)), chroma, *detail, sides], dim=1)
    return torch.cat([means, rest], dim=1)


@pytest.mark.parametrize(
    ("recipe", "transform"),
    [
        pytest.param(
            dataclasses.replace(CROP, flip=0.0), transforms.RandomResizedCrop(64, scale=(0.2, 1.0)), id="crop"
        ),
        pytest.param(dataclasses.replace(PLAIN, flip=0.5), transforms.RandomHorizontalFlip(), id="flip"),
        pytest.param(only(PLAIN, 0, 0.4), transforms.ColorJitter(brightness=0.4), id="brightness"),
        pytest.param(only(PLAIN, 1, 0.4), transforms.ColorJitter(contrast=0.4), id="contrast"),
        pytest.param(only(PLAIN, 2, 0.4), transforms.ColorJitter(saturation=0.4), id="saturation"),
        pytest.param(only(PLAIN, 3, 0.1), transforms.ColorJitter(hue=0.1), id="hue"),
        pytest.param(
            dataclasses.replace(PLAIN, jitter_probability=0.8),
            transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            id="jitter",
        ),
        pytest.param(dataclasses.replace(PLAIN, grey=0.2), transforms.RandomGrayscale(0.2), id="grey"),
        pytest.param(
            dataclasses.replace(PLAIN, blur_probability=0.5), transforms.RandomApply([PILBlur()], p=0.5), id="blur"
        ),
    ],
)
def test_pixels_have_the_moments_of_torchvisions_random_transforms(recipe, transform):
    """400 draws each way of one image; 0.3 levels of tolerance, since PIL cuts off fractions."""
    square = pictures(1, 64, 64)
    torch.manual_seed(0)
    random.seed(0)
    # Small batches, since the order of the jitter is drawn once a batch.
    ours = torch.cat([random_views(square.expand(4, -1, -1, -1), recipe)[0] for _ in range(100)])
    image = Image.fromarray(square[0].permute(1, 2, 0).numpy())
    theirs = torch.stack([tv.pil_to_tensor(transform(image)) for _ in range(400)]).float()
    assert_same_moments(statistics(levels(ours)), statistics(theirs), tolerance=0.3)


# ------------------------------------------------------------------ alignment


def coordinates(geometry: Geometry, size: int) -> torch.Tensor:
    """A feature map that holds, at each cell, the image position of the cell's centre. (B, 2, size, size)."""
    share = (torch.arange(size) + 0.5) / size
    across = torch.where(geometry.flips[:, None], 1 - share, share)
    x = geometry.boxes[:, 0, None] + across * geometry.boxes[:, 2, None]
    y = geometry.boxes[:, 1, None] + share * geometry.boxes[:, 3, None]
    return torch.stack([x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=1)


def test_aligned_maps_of_both_views_show_the_same_spots():
    torch.manual_seed(0)
    first, second = (draw_geometry(400, 64, 48, RECIPE, "cpu") for _ in range(2))
    area, overlap = shared_area(first, second)
    assert 0.9 < overlap.float().mean() <= 1.0
    a, b = (align(coordinates(geometry, 32), geometry, area, 16)[overlap] for geometry in (first, second))
    # Cells at the rim of a view are held at its outermost centre: half a cell of at most 48/32 and 64/32 pixels.
    assert (a - b).abs().max() < 1.01
    inner = (a - b).abs()[:, :, 2:-2, 2:-2]
    assert inner.mean() < 0.01


def test_alignment_equals_roi_align():
    torch.manual_seed(1)
    geometry = draw_geometry(12, 64, 48, RECIPE, "cpu")
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
