"""The recipe of an encoder, a row of params.yaml: everything that decides its weights except seed and data."""

from dataclasses import dataclass, field

from liftedcl.identity.recipe import WHERE_GIVEN
from liftedcl.identity.strict import (
    require,
    require_at_least,
    require_choice,
    require_positive,
    require_range,
    require_share,
)
from liftedcl.recipes.adamw_recipe import AdamWPretraining
from liftedcl.recipes.backbone_names import require_backbone
from liftedcl.recipes.completion_recipe import Masking, Pairs
from liftedcl.recipes.image_sets import IMAGE_SETS, PAIRED_SETS, require_people
from liftedcl.recipes.method_entries import method_entries
from liftedcl.recipes.multimodal_recipe import Keypoints, Multimodal, People
from liftedcl.recipes.outside_method import OUTSIDE, entry_of, require_outside
from liftedcl.recipes.weight_sources import SOURCES

SMALLEST_INPUT = 32
"""In pixels: the largest stride of a usual backbone, which leaves its map one cell."""

_SMALLEST_SCALE = 0.001  # share of an image's area: a smaller crop has no pixel, and the whole image would be taken


@dataclass(frozen=True)
class Training:
    """Length of a pre-training, and its SGD with a cosine schedule (paper, section 4.1).

    The last three numbers are SGD's, and None in a row with a section ``adamw``.
    """

    epochs: int
    batch_size: int
    learning_rate: float | None
    momentum: float | None
    weight_decay: float | None

    def __post_init__(self) -> None:
        require_at_least(self, 1, "epochs")
        require_at_least(self, 2, "batch_size")
        if self.learning_rate is not None:
            require_positive(self, "learning_rate")
        if self.momentum is not None:
            require(0 <= self.momentum < 1, "momentum", f"{self.momentum:g} is not from 0 to below 1")
        if self.weight_decay is not None:
            require_at_least(self, 0, "weight_decay")


@dataclass(frozen=True)
class Views:
    """Augmentation of a view (paper, appendix C). ``blur`` is the range of sigma in pixels of the view.

    ``size`` is the side of a square view in pixels, or [height, width].
    """

    size: int | tuple[int, int]
    scale: tuple[float, float]
    flip: float
    jitter: tuple[float, float, float, float]
    jitter_probability: float
    grey: float
    blur: tuple[float, float]
    blur_probability: float

    def __post_init__(self) -> None:
        sides = self.size if isinstance(self.size, tuple) else (self.size,)
        require(min(sides) >= SMALLEST_INPUT, "size", f"{self.size!r} is below {SMALLEST_INPUT}")
        require_range(self, "scale", _SMALLEST_SCALE, 1)
        require(all(0 <= s <= 1 for s in self.jitter[:3]), "jitter", "brightness, contrast, saturation are from 0 to 1")
        require(0 <= self.jitter[3] <= 0.5, "jitter", "the fourth, hue, is from 0 to 0.5 of the circle")
        require_share(self, "flip", "jitter_probability", "grey", "blur_probability")
        # The kernel reaches 3 sigma, and a reflected border has to be smaller than the view.
        require_range(self, "blur", 0.01, (min(sides) - 1) / 3, "to switch the blur off set blur_probability: 0")


@dataclass(frozen=True)
class Contrast:
    """Contrastive learning with a momentum encoder (paper, section 3.2 and appendix C)."""

    dimension: int
    hidden: int
    queue: int
    temperature: float
    key_momentum: float
    norm_groups: int

    def __post_init__(self) -> None:
        require_at_least(self, 1, "dimension", "hidden", "queue", "norm_groups")
        require_positive(self, "temperature")
        require_share(self, "key_momentum")


@dataclass(frozen=True)
class Lifting:
    """Equivariant grid, lifting network, critic and loss weights of LiftedCL (paper, sections 3.2 and 3.3)."""

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
        require_at_least(self, 1, "align_size", "hidden", "critic_hidden")
        require_at_least(self, 0, "blocks", "critic_blocks", "inv", "equiv", "adv")
        require_positive(self, "critic_learning_rate")
        require(self.inv + self.equiv + self.adv > 0, "inv", "one of inv, equiv and adv has to be above 0")


@dataclass(frozen=True)
class Dense:
    """Dense branch of DenseCL (Wang et al. 2021, sections 3.2 to 3.4).

    ``grid`` is S, the cells along each side; 0 takes the backbone's map unpooled. ``weight`` is lambda, the share of
    the dense loss.
    """

    grid: int
    weight: float

    def __post_init__(self) -> None:
        require_at_least(self, 0, "grid")
        require_share(self, "weight")


@dataclass(frozen=True)
class Propagation:
    """Pixel-to-propagation consistency of PixPro (Xie et al. 2021, section 3.2).

    ``sharpness`` is gamma; ``threshold`` is the largest distance of a positive pair, in diagonals of a cell of the map.
    ``key_momentum`` is the momentum at the first step, and rises to 1.
    """

    dimension: int
    hidden: int
    sharpness: float
    threshold: float
    key_momentum: float

    def __post_init__(self) -> None:
        require_at_least(self, 1, "dimension", "hidden")
        # Below 1 the gradient of max(cos, 0)^gamma is unbounded where the cosine is 0.
        require_at_least(self, 1, "sharpness")
        require_positive(self, "threshold")
        require_share(self, "key_momentum")


@dataclass(frozen=True)
class Sets:
    """Set-level branch of SetSim (Wang et al. 2022).

    ``threshold`` is delta: the least attention, scaled to 0..1 within a view, of a cell that belongs to the view's set.
    ``similarity`` is the least cosine of a pair of cells of the sets. Cells less than ``distance`` apart in the image,
    in diagonals of a cell of the map, are pairs as well. ``weight`` is the share of the set-level loss.
    """

    threshold: float
    similarity: float
    distance: float
    weight: float

    def __post_init__(self) -> None:
        require_share(self, "threshold", "weight")
        require(-1 <= self.similarity <= 1, "similarity", f"{self.similarity:g} is no cosine, from -1 to 1")
        require_positive(self, "distance")


@dataclass(frozen=True)
class EncoderRecipe:
    """One row of encoders with its defaults filled in.

    ``images`` names the training set, ``start`` the row whose encoder training starts from, ``source`` the published
    file that it is read from, ``file`` the user's own encoder. ``adamw`` takes the place of SGD. ``module`` is the file
    or module of the method `OUTSIDE`, in ``repository`` at its full ``commit`` if those are given.
    """

    method: str
    backbone: str
    images: str | None = None
    start: str | None = None
    source: str | None = None
    file: str | None = None
    training: Training | None = None
    views: Views | None = None
    contrast: Contrast | None = None
    lifting: Lifting | None = None
    dense: Dense | None = None
    propagation: Propagation | None = None
    sets: Sets | None = None
    adamw: AdamWPretraining | None = field(default=None, metadata=WHERE_GIVEN)
    masking: Masking | None = field(default=None, metadata=WHERE_GIVEN)
    pairs: Pairs | None = field(default=None, metadata=WHERE_GIVEN)
    people: People | None = field(default=None, metadata=WHERE_GIVEN)
    multimodal: Multimodal | None = field(default=None, metadata=WHERE_GIVEN)
    keypoints: Keypoints | None = field(default=None, metadata=WHERE_GIVEN)
    module: str | None = field(default=None, metadata=WHERE_GIVEN)
    repository: str | None = field(default=None, metadata=WHERE_GIVEN)
    commit: str | None = field(default=None, metadata=WHERE_GIVEN)

    def __post_init__(self) -> None:
        require_choice(self.method, (*method_entries(), OUTSIDE), "method")
        require_outside(self)
        sections = entry_of(self.method, self.module, self.commit).sections
        require_backbone(self.backbone, "backbone")
        trained = "training" in sections
        for name in sections:
            require(getattr(self, name, None) is not None, name, f"is missing, {self.method} needs it")
        require(trained == (self.images is not None), "images", "goes with a trained method, and only with one")
        require(self.adamw is None or trained, "adamw", "goes with a trained method only")
        if trained:
            for name in ("learning_rate", "momentum", "weight_decay"):
                given = getattr(self.training, name) is not None
                rule = "is SGD's, and this row has a section adamw; give that one's base_rate, betas, weight_decay"
                rule = rule if given else "is missing, SGD needs it"
                require(given == (self.adamw is None), f"training.{name}", rule)
        if self.adamw is not None and self.adamw.cosine_epochs is not None:
            whole = self.adamw.cosine_epochs >= self.training.epochs
            rule = (
                f"{self.adamw.cosine_epochs} is below training.epochs ({self.training.epochs}), and the rate would rise"
            )
            require(whole, "adamw.cosine_epochs", rule)
        require((self.method == "published") == (self.source is not None), "source", "goes with method published")
        if self.source is not None:
            require_choice(self.source, SOURCES, "source")
        require((self.method == "own") == (self.file is not None), "file", "goes with method own, and only with it")
        require(trained or self.start is None, "start", "goes with a trained method only")
        if self.images is not None:
            require_choice(self.images, IMAGE_SETS, "images")
        if self.pairs is not None:
            alone = [name for name in self.images.split("+") if name not in PAIRED_SETS]
            rule = f"{self.method} completes an image from another of the same person, and {', '.join(alone)} has no "
            require(not alone, "images", f"{rule}such pairs; there are {', '.join(PAIRED_SETS)}")
        require_people(self)
