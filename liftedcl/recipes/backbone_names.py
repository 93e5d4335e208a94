"""The names of backbones. No torch, because planning checks them; liftedcl/networks/encoder.py builds them."""

import difflib
import functools
import importlib.util
import re
from pathlib import Path

from liftedcl.identity.strict import require
from liftedcl.recipes.sized_name import without_size

NAMES = (
    "resnet50", "resnet18", "resnet18_narrow", "hrnet_w32", "vit_s16", "vit_b16", "vit_l16", "vit_narrow",
    "deit_s16_distilled", "deit_b16_distilled", "vitpose_s16", "vitpose_b16", "vitpose_l16", "vitpose_h16",
    "croco_b16", "croco_v2_b16", "croco_v2_l16", "sapiens_0.3b", "sapiens_0.6b", "sapiens_1b", "sapiens_2b",
    "solider_t", "solider_s", "solider_b",
)  # fmt: skip

TIMM = "timm/"
"""Begins the name of any other model of timm."""

VIT, STAGES = ("vit", "stages")
"""Families of backbones, which no column of a table mixes: plain vision transformers, with one grid from first to last
block, and all others."""

_STAGED = ("resnet", "hrnet", "solider")
"""How names of backbones of `STAGES` begin."""

_VIT_MODULES = (
    "beit", "cait", "convit", "deepseek_vit", "deit", "eva", "gemma4_vit", "naflexvit", "qwen3_vit", "tnt",
    "vision_transformer", "vision_transformer_hybrid", "vision_transformer_relpos", "vision_transformer_sam", "vitamin",
    "xcit",
)  # fmt: skip
"""timm's modules of plain vision transformers."""

_REGISTERED = re.compile(r"^@register_model\s+def (\w+)\(", re.MULTILINE)


def require_backbone(name: str, key: str) -> None:
    """Raises `ValueRuleError` unless ``name`` is one of `NAMES`, or `TIMM` and one of timm's; it names the nearest.

    Any of them may have @HEIGHTxWIDTH behind it.
    """
    name = without_size(name)[0]
    known = {TIMM + model for model in timm_models()} if name.startswith(TIMM) else NAMES
    if name not in known:
        there = [*NAMES, *(TIMM + model for model in sorted(timm_models()))]
        near = difflib.get_close_matches(name, there) or difflib.get_close_matches(TIMM + name, there)
        rule = f"{name!r} is none of {', '.join(NAMES)}, and not {TIMM} with a model of timm"
        require(False, key, f"{rule}; did you mean {', '.join(near)}?" if near else rule)


def family_of(name: str) -> str:
    """`VIT` or `STAGES`: of a model of timm by the module that it is in. A size behind an @ counts for nothing."""
    model, _ = without_size(name)
    if not model.startswith(TIMM):
        return STAGES if model.startswith(_STAGED) else VIT
    return VIT if timm_models().get(model.removeprefix(TIMM)) in _VIT_MODULES else STAGES


@functools.cache
def timm_models() -> dict[str, str]:
    """The models that the installed timm can build, and the module of timm that each is in.

    Its files are searched, because importing timm imports torch.
    """
    folder = Path(importlib.util.find_spec("timm").origin).parent / "models"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
    return {name: module for module, text in texts.items() for name in _REGISTERED.findall(text)}
