"""Two views of each person crop: the published way transforms PIL pictures one by one.

The published way starts from JPEG files and ours from packed pixels; a variant without the decoding shows what that
alone is worth.
"""

import functools
import importlib.util
import io
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from benchmarks import published
from benchmarks.random_data import jpeg, pictures
from benchmarks.recipes import PAPER
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Variant, timed
from liftedcl.views.rendering import render_views
from liftedcl.views.rgb import MEAN, STD
from liftedcl.views.view_draw import draw_views

CORES = 1

_VIEWS = PAPER.encoders["liftedcl_in_cc"].views

TwoViews = Callable[[], list[Tensor]]


def cases(smoke: bool) -> Iterator[Case]:
    count = 4 if smoke else 32
    packed = pictures(np.random.default_rng(0), count, PAPER.crops.height, PAPER.crops.width)
    files, decoded = [jpeg(picture) for picture in packed], [Image.fromarray(picture) for picture in packed]
    images = torch.from_numpy(packed).permute(0, 3, 1, 2)  # channels last in memory, as a batch of a shard is
    torch.manual_seed(0)
    transform = published.PilView(_VIEWS)
    ways: dict[tuple[str, str], TwoViews] = {
        (OURS, "liftedcl.views.rendering"): lambda: [_view(images) for _ in range(2)],
        (PUBLISHED, "PIL, JPEG decoded"): lambda: _pil([Image.open(io.BytesIO(file)) for file in files], transform),
        (PEER, "PIL without decoding"): lambda: _pil(decoded, transform),
        (PEER, "torchvision v2 on tensors"): functools.partial(_one_by_one, images, _torchvision()),
    }
    if importlib.util.find_spec("kornia"):
        ways[PEER, "kornia, in batch"] = functools.partial(_kornia, images)
    written = torch.rand(count, 3, _VIEWS.size, _VIEWS.size)
    out = torch.empty_like(written)
    variants = [Variant(role, name, timed(way)) for (role, name), way in ways.items()]
    yield Case(
        name="two views of 256x256",
        variants=[*variants, Variant(FLOOR, "writing the views, no more", timed(lambda: [out.copy_(written)] * 2))],
        items=count,
        unit="images",
        check=functools.partial(check, ways, count),
        goal=5.0,
    )


def _view(images: Tensor) -> Tensor:
    return render_views(images, draw_views(len(images), *images.shape[2:], _VIEWS, images.device), _VIEWS)


def check(ways: dict[tuple[str, str], TwoViews], count: int) -> None:
    """Over 160 views or more, every way's are normalised, with means and deviations as the published one's."""
    moments = {}
    for (role, name), way in ways.items():
        views = torch.cat([view for _ in range(-(-80 // count)) for view in way()])
        assert views.shape[1:] == (3, _VIEWS.size, _VIEWS.size) and views.dtype == torch.float32, name
        assert views.isfinite().all(), name
        moments[role, name] = torch.cat([views.mean(dim=(0, 2, 3)), views.std(dim=(0, 2, 3))])
    reference = next(value for (role, _), value in moments.items() if role == PUBLISHED)
    for (_, name), value in moments.items():
        assert (value - reference).abs().max() < 0.35, f"{name}: moments {value.tolist()}, not {reference.tolist()}"


def _pil(pictures: list[Image.Image], transform: published.PilView) -> list[Tensor]:
    return [published.pil_views([picture.convert("RGB") for picture in pictures], transform)[0] for _ in range(2)]


def _torchvision() -> v2.Compose:
    jitter, blur = v2.ColorJitter(*_VIEWS.jitter), v2.GaussianBlur(2 * round(3 * _VIEWS.blur[1]) + 1, _VIEWS.blur)
    return v2.Compose(
        [
            v2.RandomResizedCrop(_VIEWS.size, scale=_VIEWS.scale, antialias=True),
            v2.RandomApply([jitter], p=_VIEWS.jitter_probability),
            v2.RandomGrayscale(_VIEWS.grey),
            v2.RandomApply([blur], p=_VIEWS.blur_probability),
            v2.RandomHorizontalFlip(_VIEWS.flip),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


def _one_by_one(images: Tensor, transform: v2.Compose) -> list[Tensor]:
    """Image by image: on a batch, torchvision would give all images the same draw."""
    return [torch.stack([transform(image) for image in images]) for _ in range(2)]


def _kornia(images: Tensor) -> list[Tensor]:
    from kornia import augmentation

    side = 2 * round(3 * _VIEWS.blur[1]) + 1
    transform = augmentation.AugmentationSequential(
        augmentation.RandomResizedCrop((_VIEWS.size, _VIEWS.size), scale=_VIEWS.scale),
        augmentation.ColorJitter(*_VIEWS.jitter, p=_VIEWS.jitter_probability),
        augmentation.RandomGrayscale(p=_VIEWS.grey),
        augmentation.RandomGaussianBlur((side, side), _VIEWS.blur, p=_VIEWS.blur_probability),
        augmentation.RandomHorizontalFlip(p=_VIEWS.flip),
        augmentation.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
    )
    return [transform(images.float().div(255.0)) for _ in range(2)]
