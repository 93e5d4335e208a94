"""Backbones: build, save and load. Pre-training hands ``encoder.pt``, a plain state dict, to the benchmarks.

It has torchvision's names of a ResNet without ``fc``, so it loads without this project:
``torchvision.models.resnet50().load_state_dict(torch.load("encoder.pt", weights_only=True), strict=False)``;
that of any other backbone has timm's names, without the classifier.
"""

import itertools
import operator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from liftedcl.files import tensor_file
from liftedcl.identity.errors import InputError
from liftedcl.networks.stages import Stage
from liftedcl.recipes.backbone_names import TIMM, require_backbone
from liftedcl.recipes.sized_name import without_size


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


def _timm(model: str, **changes: Any) -> nn.Module:
    from liftedcl.networks.timm_backbone import timm_backbone  # here, because importing timm takes half a second

    return timm_backbone(model, **changes)


_VITPOSE = {"img_size": (256, 192), "class_token": False, "patch_padding": 2}
_CROCO_V2 = {"class_token": False, "rope_grid_indexing": "ij"}  # rows first; the base is 100

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
    # What follows is for published weights (docs/data/weights.md). A distillation token is timm's register.
    "deit_s16_distilled": partial(_timm, "vit_small_patch16_224", reg_tokens=1),
    "deit_b16_distilled": partial(_timm, "vit_base_patch16_224", reg_tokens=1),
    "vitpose_s16": partial(_timm, "vit_small_patch16_224", num_heads=12, **_VITPOSE),
    "vitpose_b16": partial(_timm, "vit_base_patch16_224", **_VITPOSE),
    "vitpose_l16": partial(_timm, "vit_large_patch16_224", **_VITPOSE),
    "vitpose_h16": partial(_timm, "vit_huge_patch14_224", patch_size=16, **_VITPOSE),
    "croco_b16": partial(_timm, "vit_base_patch16_224", class_token=False),
    "croco_v2_b16": partial(_timm, "vit_base_patch16_rope_224", **_CROCO_V2),
    "croco_v2_l16": partial(_timm, "vit_large_patch16_rope_224", **_CROCO_V2),
    "sapiens_0.3b": partial(_timm, "vit_large_patch16_224", img_size=1024),
    "sapiens_0.6b": partial(_timm, "vit_huge_patch14_224", img_size=1024, patch_size=16),
    "sapiens_1b": partial(_timm, "vit_large_patch16_224", img_size=1024, embed_dim=1536, depth=40, num_heads=24),
    "sapiens_2b": partial(_timm, "vit_large_patch16_224", img_size=1024, embed_dim=1920, depth=48, num_heads=32),
    # As in mmpretrain, windows are shifted also where one window covers the map.
    "solider_t": partial(_timm, "swin_tiny_patch4_window7_224", always_partition=True),
    "solider_s": partial(_timm, "swin_small_patch4_window7_224", always_partition=True),
    "solider_b": partial(_timm, "swin_base_patch4_window7_224", always_partition=True),
}


def build_backbone(name: str, *, drop_path: float = 0.0) -> Backbone:
    """A randomly initialised backbone (global torch RNG): one of `BACKBONES`, or "timm/" and the name of timm's.

    With @HEIGHTxWIDTH behind the name its position embeddings are for pictures of that size.

    Args:
        drop_path: share of residual branches that a training step skips in the last block, rising from 0 in the first.

    Raises:
        InputError: an unknown name; a model of timm that can't be a backbone; ``drop_path`` of one that has none.
    """
    require_backbone(name, "backbone")
    model, size = without_size(name)
    build = partial(_timm, model.removeprefix(TIMM)) if model.startswith(TIMM) else BACKBONES[model]
    if size is not None:
        build = partial(_sized, build, size, name)
    if not drop_path:
        return build()
    if build.func not in (_timm, _sized):
        raise InputError(f"drop_path: {drop_path:g}: {name} skips no branches; use 0")
    return build(drop_path_rate=drop_path)


def _sized(build: partial[nn.Module], size: tuple[int, int], name: str, **changes: Any) -> nn.Module:
    backbone = build(img_size=size, **changes) if build.func is _timm else None
    if getattr(backbone, "pos_embed", None) is None:
        raise InputError(f"{name}: a {name.partition('@')[0]} has no position embeddings; leave out the size")
    if any(length % backbone.stride for length in size):
        raise InputError(f"{name}: has to be in multiples of {backbone.stride} px")
    return backbone


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
        InputError: a key is missing or unexpected, or a tensor has another shape or kind of numbers; or one has NaN or
            infinite values as ``module`` keeps it.
    """
    own = module.state_dict()
    both = sorted(own.keys() & state.keys())
    problems = {
        "lacks": sorted(own.keys() - state.keys()),
        "has the unknown": sorted(state.keys() - own.keys()),
        "has another shape of": [key for key in both if own[key].shape != state[key].shape],
        "has another kind of numbers in": [key for key in both if _kind(own[key]) != _kind(state[key])],
    }
    found = [f"{problem} {_first(keys)}" for problem, keys in problems.items() if keys]
    if found:
        raise InputError(f"{path}: is not {expected}: it {' and '.join(found[:2])}; {remedy}")
    module.load_state_dict(state)
    for key, value in module.state_dict().items():
        if not value.isfinite().all():
            raise InputError(f"{path}: {key} has NaN or infinite values, so it is damaged or diverged; get it again")


def _first(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


def _kind(tensor: Tensor) -> tuple[bool, bool, str, bool]:
    """Whether it has fractions or is complex, and how it is stored: a copy between two kinds would lose something."""
    return tensor.is_floating_point(), tensor.is_complex(), str(tensor.layout), tensor.is_meta or tensor.is_quantized
