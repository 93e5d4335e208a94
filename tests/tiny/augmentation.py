"""The augmentation that most tiny recipes name."""

from downstream.training.augmentation_recipe import AffineAugmentation

AUGMENTATION = AffineAugmentation(
    scale_deviation=0.25,
    scale_limits=(0.75, 1.25),
    rotation_deviation=30.0,
    rotation_limit=60.0,
    rotation_probability=0.6,
    flip=0.5,
)
