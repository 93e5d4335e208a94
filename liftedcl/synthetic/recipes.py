"""What a profile without real data generates: one recipe a data set."""

from dataclasses import dataclass


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
