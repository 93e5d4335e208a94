"""The recipe of an encoder, one row of params.yaml: everything that decides its weights except seed and data."""

from dataclasses import dataclass

from liftedcl.strict import require, require_choice


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
