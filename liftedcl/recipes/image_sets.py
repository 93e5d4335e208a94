"""Which images a row may be trained on, and whether they have what its method reads. No torch."""

import itertools
from typing import Any

from liftedcl.identity.strict import require

PEOPLE_SETS = ("coco", "h36m", "people", "mpii", "ntu")
"""The sources of person crops; ``people`` are the user's own images."""

PAIRED_SETS = ("h36m", "people")
"""The sources that may have lists of pairs: in the others each person is in one image."""

IMAGE_SETS = (
    "imagenet",
    *(
        "+".join(sets)
        for count in range(1, len(PEOPLE_SETS) + 1)
        for sets in itertools.combinations(PEOPLE_SETS, count)
    ),
)
"""Valid values of a row's ``images``: packed stage I images, or packed person crops of one or several sources."""

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
