"""What a profile without real data generates: one recipe a data set."""

from dataclasses import dataclass

from liftedcl.strict import require_at_least

_SMALLEST_SCENE = 48  # pixels: below it nobody covers enough of a picture to be labelled
_SMALLEST_PICTURE = 32  # pixels: below it a person may cover no pixel


@dataclass(frozen=True)
class GeneratedCoco:
    """Generated people in COCO's format."""

    seed: int
    train_scenes: int
    val_scenes: int
    width: int
    height: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "train_scenes", "val_scenes")
        require_at_least(self, _SMALLEST_SCENE, "width", "height")


@dataclass(frozen=True)
class GeneratedH36M:
    """Generated people in Human3.6M's format: 7 subjects, 15 actions, 2 takes, 4 cameras."""

    seed: int
    frames_per_take: int
    image_size: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "frames_per_take")
        require_at_least(self, _SMALLEST_PICTURE, "image_size")


@dataclass(frozen=True)
class GeneratedImagenet:
    """Generated pictures without people, as an ImageFolder with classes, standing for ImageNet."""

    seed: int
    classes: int
    images_per_class: int
    image_size: int

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "classes", "images_per_class")
        require_at_least(self, _SMALLEST_PICTURE, "image_size")


@dataclass(frozen=True)
class Generated:
    """What a profile without real data generates."""

    coco: GeneratedCoco
    h36m: GeneratedH36M
    imagenet: GeneratedImagenet
