"""Backbones: build, save and load. Pre-training hands ``encoder.pt``, a plain state dict, to the benchmarks.

It has torchvision's names of a ResNet without ``fc``, so it loads without this project:
``torchvision.models.resnet50().load_state_dict(torch.load("encoder.pt", weights_only=True), strict=False)``;
an HRNet's has timm's names without ``classifier``.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from liftedcl.files import tensor_file
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict import require_choice


class Backbone(Protocol):
    """What methods and benchmarks use of a backbone, an `nn.Module`: images (B, 3, H, W) -> map (B, C, H/s, W/s)."""

    out_channels: int  # C
    stride: int  # s

    def __call__(self, images: Tensor) -> Tensor: ...

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
        self.stride = 4 * strides[0] * strides[1] * strides[2] * strides[3]

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
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def _hrnet_w32() -> nn.Module:
    from liftedcl.networks.hrnet import hrnet_w32  # here, because importing timm takes half a second

    return hrnet_w32()


BACKBONES: dict[str, Callable[[], nn.Module]] = {
    "resnet50": partial(ResNetMap, Bottleneck, [3, 4, 6, 3], width=64, strides=[1, 2, 2, 2]),
    "resnet18": partial(ResNetMap, BasicBlock, [2, 2, 2, 2], width=64, strides=[1, 2, 2, 2]),
    # Quarter width and stride 8: at 64x64 pixels its map has 8x8 cells, like ResNet-50's at 256x256.
    "resnet18_narrow": partial(ResNetMap, BasicBlock, [2, 2, 2, 2], width=16, strides=[1, 2, 1, 1]),
    "hrnet_w32": _hrnet_w32,
}


def build_backbone(name: str) -> Backbone:
    """A randomly initialised backbone (global torch RNG). Raises `InputError` for an unknown name."""
    require_choice(name, BACKBONES, "backbone")
    return BACKBONES[name]()


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


def load_encoder(path: str | Path, name: str) -> Backbone:
    """Build backbone ``name`` and load ``path`` into it, strictly.

    Raises:
        InputError: the file is missing or damaged, or holds the weights of another architecture.
    """
    backbone = build_backbone(name)
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
        InputError: a key is missing or unexpected, or a tensor has another shape or kind of numbers.
    """
    own = module.state_dict()
    both = sorted(own.keys() & state.keys())
    problems = {
        "lacks": sorted(own.keys() - state.keys()),
        "has the unknown": sorted(state.keys() - own.keys()),
        "has another shape of": [key for key in both if own[key].shape != state[key].shape],
        "has another kind of numbers in": [key for key in both if _kind(own[key]) != _kind(state[key])],
    }
    for problem, keys in problems.items():
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise InputError(f"{path}: is not {expected}: it {problem} {keys[0]}{more}; {remedy}")
    module.load_state_dict(state)


def _kind(tensor: Tensor) -> tuple[bool, bool, str, bool]:
    """Whether it has fractions or is complex, and how it is stored: a copy between two kinds would lose something."""
    return tensor.is_floating_point(), tensor.is_complex(), str(tensor.layout), tensor.is_meta or tensor.is_quantized
