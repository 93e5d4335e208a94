"""Recipe of the 3DPW benchmark: human shape with RSC-Net (Xu et al. 2020). No torch."""

import itertools
from dataclasses import dataclass, field

from downstream.training.training_recipe import FineTuning
from liftedcl.identity.recipe import WHERE_GIVEN
from liftedcl.identity.strict import require, require_at_least, require_positive, require_range, require_share
from liftedcl.recipes.encoder_recipe import SMALLEST_INPUT


@dataclass(frozen=True, kw_only=True)
class ShapeAugmentation:
    """Mirroring, a gain for each channel, and jitter of brightness, contrast and saturation; no rotation, no scaling.

    ``jitter`` is J of the factors U(1 - J, 1 + J), each of which is applied with ``jitter_probability``.
    """

    flip: float
    channel_gain: tuple[float, float]
    jitter: float
    jitter_probability: float

    def __post_init__(self) -> None:
        require_share(self, "flip", "jitter", "jitter_probability")
        require_range(self, "channel_gain", 0.01, 100)


@dataclass(frozen=True, kw_only=True)
class ShapeLoss:
    """Weights of the terms, as in the published code.

    Attributes:
        keypoints_2d, keypoints_3d, rotations, betas, camera: of the supervised terms.
        consistency: of the terms between two resolutions, on top of the weights above.
        contrast: of NT-Xent among these terms.
        ramp_epochs: the terms between resolutions grow to their weight over as many steps as this number of epochs
            has in batches of the first size.
        total: of the sum of all terms.
        temperature: tau of NT-Xent.
        queue: number of the latest embeddings, of all resolutions, that its negatives are drawn from.
        negatives: number of negatives that are drawn for each person.
    """

    keypoints_2d: float
    keypoints_3d: float
    rotations: float
    betas: float
    camera: float
    consistency: float
    contrast: float
    ramp_epochs: float
    total: float
    temperature: float
    queue: int
    negatives: int

    def __post_init__(self) -> None:
        weights = ("keypoints_2d", "keypoints_3d", "rotations", "betas", "camera", "consistency", "contrast")
        require_at_least(self, 0, *weights)
        require_positive(self, "ramp_epochs", "total", "temperature")
        require_at_least(self, 1, "queue", "negatives")
        require(self.negatives <= self.queue, "negatives", f"{self.negatives} are more than the queue of {self.queue}")


@dataclass(frozen=True, kw_only=True)
class QueryDecoderRecipe:
    """Sizes of HMR2's head: a query that attends to the map in ``depth`` layers.

    Attributes:
        width: of the query.
        heads, head_width: of attention, self-attention and that to the map.
        hidden: of the MLP.
    """

    depth: int
    width: int
    heads: int
    head_width: int
    hidden: int

    def __post_init__(self) -> None:
        require_at_least(self, 1, "depth", "width", "heads", "head_width", "hidden")


@dataclass(frozen=True, kw_only=True)
class PW3D(FineTuning):
    """RSC-Net on 3DPW (Xu et al. 2020; LiftedCL, appendix D).

    Attributes:
        input_size: side of the network's input in px.
        low_resolutions: for each further level, from fine to coarse, the range [low, high) of sides that a crop is
            shrunk to before it is enlarged again. The full resolution is level 0. The first epoch trains it and the
            first of these; each epoch adds one.
        low_test_size: the second size at which the test set is judged.
        later_batch_sizes: images in a batch of the second epoch, the third and so on; later epochs keep the last one.
            ``batch_size`` is that of the first epoch, and the largest.
        half_epochs: this number of epochs, the first ones, stop half way.
        focal_length: in px of the input.
        gradient_clip: largest norm of a step's gradient, which has no bound when a camera's scale is near 0; None, as
            in the published code, doesn't clip.
        iterations, width, dropout: of the iterative regressor.
        embedding_width, embedding: hidden and output width of the contrastive MLP.
        decoder: HMR2's head in place of the iterative regressor, whose ``iterations``, ``width`` and ``dropout`` then
            count for nothing; None, as published for RSC-Net, keeps the regressor.
    """

    input_size: int
    low_resolutions: tuple[tuple[int, int], ...]
    low_test_size: int
    later_batch_sizes: tuple[int, ...]
    half_epochs: int
    focal_length: float
    gradient_clip: float | None
    iterations: int
    width: int
    dropout: float
    embedding_width: int
    embedding: int
    loss: ShapeLoss
    augmentation: ShapeAugmentation
    decoder: QueryDecoderRecipe | None = field(default=None, metadata=WHERE_GIVEN)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, SMALLEST_INPUT, "input_size")
        require_positive(self, "focal_length", *(["gradient_clip"] if self.gradient_clip is not None else []))
        require_at_least(self, 1, "iterations", "width", "embedding_width", "embedding", "low_test_size")
        require(0 <= self.dropout < 1, "dropout", f"{self.dropout:g} is not from 0 to below 1")
        none_larger = all(2 <= size <= self.batch_size for size in self.later_batch_sizes)
        require(none_larger, "later_batch_sizes", "are at least 2 and at most batch_size")
        rule = f"{self.half_epochs} are not from 0 to the {self.epochs} epochs of the run"
        require(0 <= self.half_epochs <= self.epochs, "half_epochs", rule)
        require(self.norm_samples is None, "norm_samples", "is null here: batches change their size")
        most = (1 + len(self.low_resolutions)) * self.batch_size
        rule = f"{self.loss.queue} is less than the {most} embeddings of a step"
        require(self.loss.queue >= most, "loss.queue", rule)
        sizes = [self.input_size, *(size for low, high in self.low_resolutions for size in (high, low))]
        descending = all(first >= second for first, second in itertools.pairwise(sizes))
        ranges = all(0 < low < high for low, high in self.low_resolutions)
        rule = "are ranges [low, high), from the input's size downwards"
        require(descending and ranges, "low_resolutions", rule)
        rule = f"{self.epochs} are too few for {len(self.low_resolutions)} low_resolutions: an epoch adds one"
        require(self.epochs >= len(self.low_resolutions), "epochs", rule)
        inside = any(low <= self.low_test_size < high for low, high in self.low_resolutions)
        rule = f"{self.low_test_size} is in none of low_resolutions"
        require(inside or self.low_test_size == self.input_size, "low_test_size", rule)
