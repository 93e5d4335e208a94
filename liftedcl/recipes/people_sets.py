"""Which sets of images have labelled joints and depth, and whether a row's method finds what it reads. No torch."""

from typing import Any

from liftedcl.identity.strict import require

JOINT_SETS = ("coco", "mpii", "ntu")
"""The sources of images whose crops have labelled joints beside them."""

DEPTH_SETS = ("ntu",)
"""The sources whose crops have depth as well."""


def require_people(recipe: Any) -> None:
    """Whether the images of an `EncoderRecipe` have the joints and the depth that its method reads."""
    if recipe.people is None:
        return
    sets = recipe.images.split("+")
    alone = [name for name in sets if name not in JOINT_SETS]
    rule = f"{recipe.method} needs labelled joints, and {', '.join(alone)} has none; there are {', '.join(JOINT_SETS)}"
    require(not alone, "images", rule)
    if recipe.multimodal is None:
        return
    there = not recipe.multimodal.depth or any(name in DEPTH_SETS for name in sets)
    require(there, "multimodal.depth", f"is true, and no set of images has depth; there is {', '.join(DEPTH_SETS)}")


def require_continued(recipe: Any, start: Any, row: str) -> None:
    """Whether the `EncoderRecipe` that ``row`` starts from has the networks and banks, if the row ``continues``."""
    if recipe.multimodal is not None and recipe.multimodal.continues:
        same = (start.method, start.images) == (recipe.method, recipe.images)
        rule = f"is true, and {recipe.start} has another method or other images, and so other networks or memory banks"
        require(same, f"{row}.multimodal.continues", rule)
