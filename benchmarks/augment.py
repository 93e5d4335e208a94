"""Two views of each person crop: the published way transforms PIL images one by one.

The published way starts from JPEG files and ours from packed pixels; a variant without decoding shows how much of the
difference comes from that.
"""

import dataclasses
import functools
import importlib.util
import io
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from benchmarks.parts import published
from benchmarks.random_data import jpeg, pictures
from benchmarks.recipes import PAPER
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Variant, timed
from liftedcl.recipes.encoder_recipe import Views
from liftedcl.views.rendering import render_views
from liftedcl.views.rgb import MEAN, STD
from liftedcl.views.view_draw import draw_views

CORES = 1

_PAPER_VIEWS = PAPER.encoders["liftedcl_in_cc"].views

TwoViews = Callable[[], list[Tensor]]


def cases(smoke: bool) -> Iterator[Case]:
    count = 4 if smoke else 32
    views = dataclasses.replace(_PAPER_VIEWS, size=64) if smoke else _PAPER_VIEWS
    packed = pictures(np.random.default_rng(0), count, PAPER.crops.height, PAPER.crops.width)
    files, decoded = [jpeg(picture) for picture in packed], [Image.fromarray(picture) for picture in packed]
    images = torch.from_numpy(packed).permute(0, 3, 1, 2)  # channels last in memory, as a batch of a shard is
    torch.manual_seed(0)
    transform = published.PilView(views)
    ways: dict[tuple[str, str], TwoViews] = {
        (OURS, "liftedcl.views.rendering"): lambda: [_view(images, views) for _ in range(2)],
        (PUBLISHED, "PIL, JPEG decoded"): lambda: _pil([Image.open(io.BytesIO(file)) for file in files], transform),
        (PEER, "PIL without decoding"): lambda: _pil(decoded, transform),
        (PEER, "torchvision v2 on tensors"): functools.partial(_one_by_one, images, _torchvision(views)),
    }
    if importlib.util.find_spec("kornia"):
        ways[PEER, "kornia, in batch"] = functools.partial(_kornia, images, views)
    written = torch.rand(count, 3, views.size, views.size)
    out = torch.empty_like(written)
    variants = [Variant(role, name, timed(way)) for (role, name), way in ways.items()]
    yield Case(
        name="two views of 256x256",
        variants=[*variants, Variant(FLOOR, "writing the views, no more", timed(lambda: [out.copy_(written)] * 2))],
        items=count,
        unit="images",
        check=functools.partial(check, ways, count, views.size),
        goal=5.0,
    )


def _view(images: Tensor, views: Views) -> Tensor:
    return render_views(images, draw_views(len(images), *images.shape[2:], views, images.device), views)


def check(ways: dict[tuple[str, str], TwoViews], count: int, size: int) -> None:
    """The views of every way (160 or more) are normalised, with nearly the published way's means and deviations."""
    moments = {}
    for (role, name), way in ways.items():
        views = torch.cat([view for _ in range(-(-80 // count)) for view in way()])
        assert views.shape[1:] == (3, size, size) and views.dtype == torch.float32, name
        assert views.isfinite().all(), name
        moments[role, name] = torch.cat([views.mean(dim=(0, 2, 3)), views.std(dim=(0, 2, 3))])
    reference = next(value for (role, _), value in moments.items() if role == PUBLISHED)
    for (_, name), value in moments.items():
        assert (value - reference).abs().max() < 0.35, f"{name}: moments {value.tolist()}, not {reference.tolist()}"


def _pil(pictures: list[Image.Image], transform: published.PilView) -> list[Tensor]:
    return [published.pil_views([picture.convert("RGB") for picture in pictures], transform)[0] for _ in range(2)]


def _torchvision(views: Views) -> v2.Compose:
    jitter, blur = v2.ColorJitter(*views.jitter), v2.GaussianBlur(2 * round(3 * views.blur[1]) + 1, views.blur)
    return v2.Compose(
        [
            v2.RandomResizedCrop(views.size, scale=views.scale, antialias=True),
            v2.RandomApply([jitter], p=views.jitter_probability),
            v2.RandomGrayscale(views.grey),
            v2.RandomApply([blur], p=views.blur_probability),
            v2.RandomHorizontalFlip(views.flip),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


def _one_by_one(images: Tensor, transform: v2.Compose) -> list[Tensor]:
    """Transform image by image: torchvision gives all images of a batch the same draw."""
    return [torch.stack([transform(image) for image in images]) for _ in range(2)]


def _kornia(images: Tensor, views: Views) -> list[Tensor]:
    from kornia import augmentation

    side = 2 * round(3 * views.blur[1]) + 1
    transform = augmentation.AugmentationSequential(
        augmentation.RandomResizedCrop((views.size, views.size), scale=views.scale),
        augmentation.ColorJitter(*views.jitter, p=views.jitter_probability),
        augmentation.RandomGrayscale(p=views.grey),
        augmentation.RandomGaussianBlur((side, side), views.blur, p=views.blur_probability),
        augmentation.RandomHorizontalFlip(p=views.flip),
        augmentation.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
    )
    return [transform(images.float().div(255.0)) for _ in range(2)]
