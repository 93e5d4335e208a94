"""Recipes: the frozen dataclasses that params.yaml is resolved into, and that every command takes as ``--recipe``.

The only place where keys and types of the configuration are known. No torch here: Snakemake reads this.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from liftedcl.errors import InputError
from liftedcl.skeleton import JOINTS
from liftedcl.strict import ValueRuleError, parse, require, require_choice

T = TypeVar("T")


# ---------------------------------------------------------------------------------------------- data
@dataclass(frozen=True)
class GeneratedCoco:
    """Generated people in COCO's format."""

    seed: int
    train_scenes: int
    val_scenes: int
    width: int
    height: int


@dataclass(frozen=True)
class GeneratedH36M:
    """Generated people in Human3.6M's format: 7 subjects, 15 actions, 2 takes, 4 cameras."""

    seed: int
    frames_per_take: int
    image_size: int


@dataclass(frozen=True)
class GeneratedImagenet:
    """Generated pictures without people, as an ImageFolder with classes, standing for ImageNet."""

    seed: int
    classes: int
    images_per_class: int
    image_size: int


@dataclass(frozen=True)
class Generated:
    """What a profile without real data generates."""

    coco: GeneratedCoco
    h36m: GeneratedH36M
    imagenet: GeneratedImagenet


@dataclass(frozen=True)
class Crops:
    """Person crops (paper, appendix A)."""

    height: int
    width: int
    min_keypoints: int
    min_side: float

    def __post_init__(self) -> None:
        require(self.height > 0, "height", "is above 0")
        if self.height * 3 != self.width * 4:
            raise ValueRuleError(f"height: {self.height}x{self.width} is not height:width = 4:3")


@dataclass(frozen=True)
class Pictures:
    """Packed stage I pictures: side of the square they are cropped to, in pixels."""

    size: int

    def __post_init__(self) -> None:
        require(self.size > 0, "size", "is above 0")


@dataclass(frozen=True)
class Angles:
    """Ranges [low, high] of a bone's three Euler angles in degrees; liftedcl/prior.py says what each turns."""

    a: tuple[float, float]
    b: tuple[float, float]
    c: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("a", "b", "c"):
            low, high = getattr(self, name)
            require(-360 <= low <= high <= 360, name, f"[{low:g}, {high:g}] is not [low, high] in degrees")


@dataclass(frozen=True)
class Skeletons:
    """The kinematic prior (paper, appendix B). ``ranges``: composition -> joint that ends the bone -> angles."""

    count: int
    seed: int
    composition: str
    length_ratio: tuple[float, float]
    ranges: dict[str, dict[str, Angles]]

    def __post_init__(self) -> None:
        require(self.count >= 1, "count", "is at least 1")
        require(0 < self.length_ratio[0] <= self.length_ratio[1], "length_ratio", "is [low, high] above 0")
        require(self.composition in ("chained", "global"), "composition", "is chained or global")
        require(self.composition in self.ranges, f"ranges.{self.composition}", "is missing")
        for composition, bones in self.ranges.items():
            require(composition in ("chained", "global"), f"ranges.{composition}", "is neither chained nor global")
            require(set(bones) == set(JOINTS[1:]), f"ranges.{composition}", f"names each of {', '.join(JOINTS[1:])}")


# ------------------------------------------------------------------------------------------ encoders
@dataclass(frozen=True)
class Training:
    """Length and optimiser of a pre-training. SGD with a cosine schedule (paper, section 4.1)."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float

    def __post_init__(self) -> None:
        require(self.epochs >= 1 and self.batch_size >= 2, "training", "needs at least 1 epoch and a batch of 2")


@dataclass(frozen=True)
class Views:
    """Augmentation of a view (paper, appendix C). ``blur`` is the range of sigma in pixels of the view."""

    size: int
    scale: tuple[float, float]
    flip: float
    jitter: tuple[float, float, float, float]
    jitter_probability: float
    grey: float
    blur: tuple[float, float]
    blur_probability: float


@dataclass(frozen=True)
class Contrast:
    """Contrastive learning with a momentum encoder (paper, section 3.2 and appendix C)."""

    dimension: int
    hidden: int
    queue: int
    temperature: float
    key_momentum: float
    norm_groups: int


@dataclass(frozen=True)
class Lifting:
    """Equivariant grid, lifting network and critic of LiftedCL (paper, sections 3.2 and 3.3), and the loss weights."""

    align_size: int
    hidden: int
    blocks: int
    critic_hidden: int
    critic_blocks: int
    critic_learning_rate: float
    inv: float
    equiv: float
    adv: float

    def __post_init__(self) -> None:
        require(self.inv + self.equiv + self.adv > 0, "lifting", "needs a loss whose weight is above 0")


METHOD_SECTIONS: dict[str, tuple[str, ...]] = {
    "random": (),
    "published": (),
    "supervised": ("training", "views"),
    "moco_v2": ("training", "views", "contrast"),
    "liftedcl": ("training", "views", "contrast", "lifting"),
}
"""Which sections of a row each method reads; a row never depends on a number its method doesn't use."""


IMAGE_SETS = ("imagenet", "coco")
"""What a row's ``images`` may name: the packed stage I pictures and the packed person crops."""


@dataclass(frozen=True)
class EncoderRecipe:
    """One row of encoders, resolved: everything that decides its weights except the seed and the data.

    ``images`` is what it is trained on, ``start`` the row whose encoder it starts from, ``source`` the published
    file it is read from. ``backbone`` is a name of liftedcl/encoder.py.
    """

    method: str
    backbone: str
    images: str | None = None
    start: str | None = None
    source: str | None = None
    training: Training | None = None
    views: Views | None = None
    contrast: Contrast | None = None
    lifting: Lifting | None = None

    def __post_init__(self) -> None:
        require_choice(self.method, METHOD_SECTIONS, "method")
        trained = "training" in METHOD_SECTIONS[self.method]
        for name in METHOD_SECTIONS[self.method]:
            require(getattr(self, name) is not None, name, f"is missing, {self.method} needs it")
        require(trained == (self.images is not None), "images", "goes with a trained method, and only with one")
        require((self.method == "published") == (self.source is not None), "source", "goes with method published")
        require(trained or self.start is None, "start", "goes with a trained method only")
        if self.images is not None:
            require_choice(self.images, IMAGE_SETS, "images")


# ---------------------------------------------------------------------------------------- benchmarks
@dataclass(frozen=True)
class PoseAugmentation:
    """Augmentation of the RLE recipe: relative scale, rotation in degrees, channel gain, covered share of the box."""

    scale_deviation: float
    scale_limits: tuple[float, float]
    rotation_deviation: float
    rotation_limit: float
    rotation_probability: float
    flip: float
    channel_gain: tuple[float, float]
    occlusion: float


@dataclass(frozen=True)
class H36M3D:
    """RLE 3D pose on Human3.6M (Li et al. 2021; paper, appendix D)."""

    input_size: int
    epochs: int
    batch_size: int
    learning_rate: float
    milestones: tuple[int, ...]
    milestone_factor: float
    gradient_clip: float
    box_scale: float
    depth_range_mm: float
    flow_layers: int
    flow_hidden: int
    augmentation: PoseAugmentation

    def __post_init__(self) -> None:
        require(self.epochs >= 1 and self.batch_size >= 2, "h36m_3d", "needs at least 1 epoch and a batch of 2")


@dataclass(frozen=True)
class Benchmarks:
    """One recipe per downstream benchmark."""

    h36m_3d: H36M3D


@dataclass(frozen=True)
class Compute:
    """What one training job takes. ``threads`` is part of a run's identity: CPU sums depend on it.

    ``workers`` are processes that load data; no result depends on them.
    """

    threads: int
    workers: int
    gpus: int


def read_recipe(cls: type[T], text: str) -> T:
    """Parse a command line's ``--recipe``: JSON text, or the path of a JSON file.

    Raises:
        InputError: not JSON, or not a ``cls``.
    """
    where = "--recipe"
    if not text.lstrip().startswith("{"):
        where, path = text, Path(text)
        if not path.is_file():
            raise InputError(f"--recipe {text}: neither JSON text nor a file; see python -m liftedcl.params --help")
        text = path.read_text(encoding="utf-8")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"{where}: not valid JSON ({error}); see python -m liftedcl.params --help") from None
    return parse(cls, value, f"{where}: ")


def to_json(recipe: Any) -> str:
    """One line of JSON with sorted keys: the identity of a recipe, and what ``--recipe`` takes."""
    return json.dumps(dataclasses.asdict(recipe), sort_keys=True)
