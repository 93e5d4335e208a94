"""What training on MPII can see of its people, to be packed. No torch."""

from pathlib import Path

from downstream.mpii.reader import read_mpii, to_people
from downstream.reading.region_writer import RegionPlan
from downstream.samples.person_regions import plan_of, seen_of
from downstream.training.regions_recipe import RegionCut


def training_plan(cut: RegionCut, data: Path) -> RegionPlan:
    """What is cut of the training split."""
    people = to_people(read_mpii(data, "train"), cut.box_scale).people
    return plan_of([seen_of(people, cut.scale_limits, cut.size)], cut)
