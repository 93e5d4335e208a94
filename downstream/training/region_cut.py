"""From a fine-tuning recipe to what decides the packed regions of its training samples. No torch."""

from downstream.training.regions_recipe import RegionCut
from downstream.training.training_recipe import FineTuning


def cut_of(recipe: FineTuning) -> RegionCut | None:
    """None if the recipe has its pictures decoded anew in each epoch.

    Numbers that a recipe lacks change nothing: a benchmark without boxes takes whole pictures, one without scaling
    their plain crops.
    """
    if recipe.regions is None:
        return None
    side = getattr(recipe, "input_size", None)
    augmentation = recipe.augmentation
    return RegionCut(
        format=recipe.regions,
        size=(side, side) if side else (recipe.input_width, recipe.input_height),
        box_scale=getattr(recipe, "box_scale", 1.0),
        scale_limits=getattr(augmentation, "scale_limits", (1.0, 1.0)),
        occlusion=getattr(augmentation, "occlusion", 0.0),
        stride=getattr(recipe, "train_stride", 1),
        mpii=getattr(recipe, "mpii", None),
    )
