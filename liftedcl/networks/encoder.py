"""Backbones: build, save and load. Pre-training hands ``encoder.pt``, a plain state dict, to the benchmarks.

It has torchvision's names of a ResNet without ``fc``, so it loads without this project:
``torchvision.models.resnet50().load_state_dict(torch.load("encoder.pt", weights_only=True), strict=False)``;
that of any other backbone has timm's names, without the classifier.
"""

import itertools
import operator
from functools import partial
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from liftedcl.files import tensor_file
from liftedcl.identity.errors import InputError
from liftedcl.networks.stages import Stage
from liftedcl.recipes.backbone_names import TIMM, require_backbone


class Backbone(Protocol):
    """What methods and benchmarks use of a backbone, an `nn.Module`: images (B, 3, H, W) -> map (B, C, H/s, W/s)."""

    out_channels: int  # C
    stride: int  # s
    map_stages: tuple[Stage, ...]  # from fine to coarse; a plain transformer has one, since its grid stays the same

    def __call__(self, images: Tensor) -> Tensor: ...

    def maps(self, images: Tensor) -> list[Tensor]:
        """The map of each of ``map_stages``, (B, channels, H/stride, W/stride); the last one is that of a call."""

    def state_dict(self) -> dict[str, Tensor]: ...


class ResNetMap(ResNet):
    """A torchvision ResNet without pooling and classifier; a `Backbone`."""

    def __init__(self, block: type[BasicBlock | Bottleneck], blocks: list[int], *, width: int, strides: list[int]):
        """``width`` is the number of channels of the stem (64 in a ResNet), ``strides`` those of the four stages."""
        super().__init__(block, blocks)
        del self.fc, self.avgpool
        if width != 64 or strides != [1, 2, 2, 2]:
            self._rebuild(block, blocks, width, strides)
        self.out_channels = 8 * width * block.expansion
        reductions = itertools.accumulate(strides, operator.mul, initial=4)
        widths = (width * block.expansion << stage for stage in range(4))
        self.map_stages = tuple(map(Stage, widths, list(reductions)[1:]))
        self.stride = self.map_stages[-1].stride

    def _rebuild(self, block: type, blocks: list[int], width: int, strides: list[int]) -> None:
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for stage, (depth, stride) in enumerate(zip(blocks, strides, strict=True)):
            setattr(self, f"layer{stage + 1}", self._make_layer(block, width << stage, depth, stride=stride))
        for module in self.modules():  # the initialisation of He et al. (2015), as torchvision does it
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        return self.maps(images)[-1]

    def maps(self, images: Tensor) -> list[Tensor]:
        x, maps = self.maxpool(self.relu(self.bn1(self.conv1(images)))), []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps


def _timm(model: str, **changes: float) -> nn.Module:
    from liftedcl.networks.timm_backbone import timm_backbone  # here, because importing timm takes half a second

    return timm_backbone(model, **changes)


BACKBONES: dict[str, partial[nn.Module]] = {
    "resnet50": partial(ResNetMap, Bottleneck, [3, 4, 6, 3], width=64, strides=[1, 2, 2, 2]),
    "resnet18": partial(ResNetMap, BasicBlock, [2, 2, 2, 2], width=64, strides=[1, 2, 2, 2]),
    # Quarter width and stride 8: at 64x64 pixels its map has 8x8 cells, like ResNet-50's at 256x256.
    "resnet18_narrow": partial(ResNetMap, BasicBlock, [2, 2, 2, 2], width=16, strides=[1, 2, 1, 1]),
    # Its map joins the four resolutions, as the published classification head does (the paper, section 4.1).
    "hrnet_w32": partial(_timm, "hrnet_w32"),
    "vit_s16": partial(_timm, "vit_small_patch16_224"),
    "vit_b16": partial(_timm, "vit_base_patch16_224"),
    "vit_l16": partial(_timm, "vit_large_patch16_224"),
    # For pictures of 64x64 pixels, with the map of resnet18_narrow.
    "vit_narrow": partial(
        _timm, "vit_tiny_patch16_224", img_size=64, patch_size=8, embed_dim=128, depth=6, num_heads=4
    ),
}


def build_backbone(name: str, *, drop_path: float = 0.0) -> Backbone:
    """A randomly initialised backbone (global torch RNG): one of `BACKBONES`, or "timm/" and the name of timm's.

    Args:
        drop_path: share of residual branches that a training step skips in the last block, rising from 0 in the first.

    Raises:
        InputError: an unknown name; a model of timm that can't be a backbone; ``drop_path`` of one that has none.
    """
    require_backbone(name, "backbone")
    build = partial(_timm, name.removeprefix(TIMM)) if name.startswith(TIMM) else BACKBONES[name]
    if not drop_path:
        return build()
    if build.func is not _timm:
        raise InputError(f"drop_path: {drop_path:g}: {name} skips no branches; use 0")
    return build(drop_path_rate=drop_path)


def zero_last_norms(backbone: nn.Module) -> None:
    """Let every residual block of a ResNet begin as the identity: the weight of its last batch norm becomes 0.

    So begin the published codes of LiftedCL and PixPro from random weights; those of MoCo-v2, DenseCL and SetSim don't.
    """
    for block in backbone.modules():
        if isinstance(block, BasicBlock | Bottleneck):
            nn.init.zeros_((block.bn3 if isinstance(block, Bottleneck) else block.bn2).weight)


def save_encoder(backbone: nn.Module, path: str | Path) -> None:
    """Write the backbone's state dict, atomically; equal weights give equal bytes."""
    save_state(backbone.state_dict(), path)


def load_encoder(path: str | Path, name: str, *, drop_path: float = 0.0) -> Backbone:
    """Build backbone ``name`` and load ``path`` into it, strictly. ``drop_path`` as in `build_backbone`.

    Raises:
        InputError: the file is missing or damaged, or holds the weights of another architecture.
    """
    backbone = build_backbone(name, drop_path=drop_path)
    load_strictly(backbone, load_state(path), path, f"a {name}", "name the backbone it was made with")
    return backbone


def save_state(state: dict[str, Tensor], path: str | Path) -> None:
    """Write a dict of tensors, atomically."""
    tensor_file.save({key: value.detach().cpu().contiguous() for key, value in state.items()}, path)


def load_state(path: str | Path) -> dict[str, Tensor]:
    """Read a dict of tensors onto the CPU.

    Raises:
        InputError: the file is missing, truncated or not a dict of tensors.
    """
    state = tensor_file.load(path)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: not a plain dict of tensors; import it with python -m liftedcl.weights")
    return state


def load_strictly(module: nn.Module, state: dict[str, Tensor], path: str | Path, expected: str, remedy: str) -> None:
    """``load_state_dict`` whose error names in one line what doesn't fit, what was ``expected``, and the ``remedy``.

    Raises:
        InputError: a key is missing or unexpected, or a tensor has another shape or kind of numbers, or NaN.
    """
    own = module.state_dict()
    both = sorted(own.keys() & state.keys())
    problems = {
        "lacks": sorted(own.keys() - state.keys()),
        "has the unknown": sorted(state.keys() - own.keys()),
        "has another shape of": [key for key in both if own[key].shape != state[key].shape],
        "has another kind of numbers in": [key for key in both if _kind(own[key]) != _kind(state[key])],
        "has NaN or infinity in": [key for key in both if not state[key].isfinite().all()],
    }
    for problem, keys in problems.items():
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise InputError(f"{path}: is not {expected}: it {problem} {keys[0]}{more}; {remedy}")
    module.load_state_dict(state)


def _kind(tensor: Tensor) -> tuple[bool, bool, str, bool]:
    """Whether it has fractions or is complex, and how it is stored: a copy between two kinds would lose something."""
    return tensor.is_floating_point(), tensor.is_complex(), str(tensor.layout), tensor.is_meta or tensor.is_quantized
