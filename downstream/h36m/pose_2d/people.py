"""Whom the 2D benchmark trains on: Human3.6M's people, and MPII's where a recipe mixes them in. No torch."""

from downstream.h36m.pose_2d.reader import H36MJoints
from downstream.h36m.shared.mpii_mix import with_mix
from downstream.h36m.shared.recipe import H36M2D
from downstream.samples.people import LabelledPeople


def training_people(recipe: H36M2D, train: H36MJoints) -> LabelledPeople:
    """Whom the 2D benchmark trains on: the people of ``train`` and, where the recipe mixes them in, MPII's."""
    size = (recipe.input_width, recipe.input_height)
    people = train.labelled(size, recipe.box_scale)
    return people if recipe.mpii is None else with_mix(people, recipe.mpii, size)
