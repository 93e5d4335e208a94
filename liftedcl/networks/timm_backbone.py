"""Backbones that timm builds: plain ViTs, Swin, ConvNeXt, HRNet, EfficientNet and whatever else gives a map.

A model stays timm's own, under timm's names, so its encoder.pt loads without this project. Class and register tokens
take part in it and are left out of the map. timm resizes learnt position embeddings to each input's grid, bicubically.
"""

from collections.abc import Callable
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.identity.errors import InputError
from liftedcl.networks.stages import Stage


class TimmMap:
    """What a timm model gets in front of its own class to be a `Backbone`.

    Pictures whose sides aren't multiples of the stride are stretched to the next ones, so that the map covers the whole
    picture evenly. timm's models would pad, cut or refuse them, each in its own way.
    """

    out_channels: int
    stride: int
    map_stages: tuple[Stage, ...]

    def forward(self, images: Tensor) -> Tensor:
        images = self._stretched(images)
        return self._to_map(self._passed(super().forward, images), images)

    def maps(self, images: Tensor) -> list[Tensor]:
        """One map for each of ``map_stages``; the last one is what `forward` gives."""
        if len(self.map_stages) == 1:
            return [self(images)]
        images = self._stretched(images)
        last, maps = self._passed(self.forward_intermediates, images)
        return [*maps[:-1], self._to_map(self.forward_head(last), images)]

    def _stretched(self, images: Tensor) -> Tensor:
        size = [-(-length // self.stride) * self.stride for length in images.shape[2:]]
        return images if size == list(images.shape[2:]) else F.interpolate(images, size=size, mode="bilinear")

    def _passed(self, network: Callable[[Tensor], Any], images: Tensor) -> Any:
        """``network(images)``. Raises `InputError` if its relative positions, as MViT-v2's, don't reach that far."""
        try:
            return network(images)
        except IndexError as error:
            name, size = type(self).__name__, "x".join(map(str, images.shape[2:]))
            raise InputError(
                f"backbone: timm's {name} takes no pictures of {size} px ({error}); name another or take smaller ones"
            ) from None

    def _to_map(self, features: Tensor, images: Tensor) -> Tensor:
        """Tokens (B, N, C), or a map with channels first or last, to (B, C, h, w)."""
        if features.ndim == 4:
            return features.permute(0, 3, 1, 2) if getattr(self, "output_fmt", None) == "NHWC" else features
        grid = [length // self.stride for length in images.shape[2:]]
        return features[:, getattr(self, "num_prefix_tokens", 0) :].transpose(1, 2).unflatten(2, grid)


def timm_backbone(model: str, *, drop_path_rate: float = 0.0, patch_padding: int = 0, **changes: Any) -> nn.Module:
    """timm's ``model`` without pooling and classifier, randomly initialised (global torch RNG); a `Backbone`.

    Args:
        drop_path_rate: largest share of residual branches that a training step skips.
        patch_padding: px of zeros around the picture, so that the first patch begins outside of it.
        changes: what differs from the model, such as ``embed_dim``.

    Raises:
        InputError: it can't be built so, or takes pictures of one size only.
    """
    try:
        network = _build(model, drop_path_rate, changes)
        reductions = [stage["reduction"] for stage in network.feature_info]
        kind = type(network)
        network.__class__ = type(kind.__name__, (TimmMap, kind), {})
        network.stride = reductions[-1]
        network.map_stages = tuple(Stage(stage["num_chs"], stage["reduction"]) for stage in network.feature_info)
        if patch_padding:
            network.patch_embed.proj.padding = (patch_padding, patch_padding)
        with torch.no_grad():
            network.out_channels = _channels(network.eval())
        network.train()
    except (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"timm/{model}: gives no map of pictures of any size ({reason}); name another model") from None
    # A plain transformer has the same grid in each block: one stage, whose map is the last block's.
    earlier = network.map_stages[:-1] if len(set(reductions)) > 1 else ()
    network.map_stages = (*earlier, Stage(network.out_channels, network.stride))
    return network


def _build(model: str, drop_path_rate: float, changes: dict[str, Any]) -> nn.Module:
    """For pictures of any size, where the model can. The rate is said also if it is 0: Swin has another by default."""
    plain = {"pretrained": False, "num_classes": 0, "global_pool": "", **changes}
    rate = {"drop_path_rate": drop_path_rate}
    for options in ({"dynamic_img_size": True, **rate}, rate):
        try:
            return timm.create_model(model, **plain, **options)
        except TypeError:  # timm doesn't say beforehand which model takes which
            continue
    if drop_path_rate:
        raise TypeError("it skips no branches, so drop_path has to be 0")
    return timm.create_model(model, **plain)


def _channels(network: nn.Module) -> int:
    """Of the map. Raises `RuntimeError` unless pictures of an uneven size give one cell per stride."""
    images = torch.zeros(1, 3, 2 * network.stride, 3 * network.stride)
    shape = tuple(network(images).shape)
    if len(shape) != 4 or shape[2:] != (2, 3):
        raise RuntimeError(f"a picture of {tuple(images.shape[2:])} gives {shape}")
    return shape[1]
