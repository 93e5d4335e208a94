"""The published way of each part of a pre-training step, written anew from the description of its costs.

All parts handle one sample, parameter or image at a time, decide on the host, and hold all logits in memory.
"""

import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms import ColorJitter, RandomResizedCrop
from torchvision.transforms.v2 import functional as transforms

from liftedcl.recipes.encoder_recipe import Views
from liftedcl.views.rgb import MEAN, STD
from liftedcl.views.view_draw import Geometry


def align(features: Tensor, geometry: Geometry, area: Tensor, size: int) -> Tensor:
    """Un-flip, cut whole cells and interpolate, sample by sample, and fetch its four numbers one by one.

    Shapes as in `liftedcl.views.align.align`. Pairs that share nothing give zeros.
    """
    cells = features.shape[-1]
    features = torch.where(geometry.flips[:, None, None, None], features.flip(3), features)
    aligned = []
    for i in range(len(features)):
        start = ((area[i, :2] - geometry.boxes[i, :2]) / geometry.boxes[i, 2:] * cells).round()
        end = ((area[i, :2] + area[i, 2:] - geometry.boxes[i, :2]) / geometry.boxes[i, 2:] * cells).round()
        left, top = int(start[0].item()), int(start[1].item())
        right, bottom = int(end[0].item()), int(end[1].item())
        if right < left or bottom < top:
            aligned.append(features.new_zeros(features.shape[1], size, size))
            continue
        left, top = min(left, cells - 1), min(top, cells - 1)
        one = features[i : i + 1, :, top : max(bottom, top + 1), left : max(right, left + 1)]
        aligned.append(F.interpolate(one, size=(size, size), mode="bilinear", align_corners=True)[0])
    return torch.stack(aligned)


def info_nce(queries: Tensor, positives: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """Cross-entropy over all logits, the positive's first. Shapes as in `liftedcl.losses.infonce.info_nce`."""
    flat, matching = queries.flatten(0, -2), positives.flatten(0, -2)
    positive = torch.einsum("nd,nd->n", flat, matching)[:, None]
    logits = torch.cat([positive, torch.einsum("nd,kd->nk", flat, negatives)], dim=1) / temperature
    first = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    return F.cross_entropy(logits, first, reduction="none").view(queries.shape[:-1])


@torch.no_grad()
def follow(key: nn.Module, query: nn.Module, momentum: float) -> None:
    """The momentum update, parameter by parameter."""
    for old, new in zip(key.parameters(), query.parameters(), strict=True):
        old.data = old.data * momentum + new.data * (1.0 - momentum)


class PilView:
    """One random view of a PIL image, in the published order: crop, jitter, grey, blur, flip, normalise."""

    def __init__(self, recipe: Views):
        self._recipe = recipe
        self._jitter = ColorJitter(*recipe.jitter)

    def __call__(self, picture: Image.Image) -> tuple[Tensor, Tensor, bool]:
        """A normalised view (3, S, S), its box (4,) as x, y, width, height in pixels of the image, and its flip."""
        recipe = self._recipe
        top, left, height, width = RandomResizedCrop.get_params(picture, list(recipe.scale), [3 / 4, 4 / 3])
        size = (recipe.size, recipe.size)
        view = picture.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BILINEAR)
        if torch.rand(1).item() < recipe.jitter_probability:
            view = self._jitter(view)
        if torch.rand(1).item() < recipe.grey:
            view = view.convert("L").convert("RGB")
        if torch.rand(1).item() < recipe.blur_probability:
            low, high = recipe.blur
            view = view.filter(ImageFilter.GaussianBlur(low + (high - low) * torch.rand(1).item()))
        flip = torch.rand(1).item() < recipe.flip
        if flip:
            view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        tensor = transforms.pil_to_tensor(view).float().div_(255.0)
        return transforms.normalize(tensor, MEAN, STD), torch.tensor([left, top, width, height]).float(), flip


def pil_views(pictures: list[Image.Image], view: PilView) -> tuple[Tensor, Geometry]:
    """One view of each image, one after the other: (B, 3, S, S) float32, and their geometry."""
    made, boxes, flips = zip(*(view(picture) for picture in pictures), strict=True)
    return torch.stack(made), Geometry(torch.stack(boxes), torch.tensor(flips))
