"""What training on Human3.6M in 2D can see of its people, and of MPII's mixed in, to be packed. No torch."""

from pathlib import Path

from downstream.h36m.pose_2d.reader import read_h36m_2d
from downstream.h36m.shared.mpii_mix import with_mix
from downstream.reading.region_writer import RegionPlan
from downstream.samples.person_regions import plan_of, seen_of
from downstream.training.regions_recipe import RegionCut


def training_plan(cut: RegionCut, data: Path) -> RegionPlan:
    """What is cut of the training split."""
    own = read_h36m_2d(data, "train", cut.stride).labelled(cut.size, cut.box_scale)
    people = with_mix(own, cut.mpii, cut.size).people
    return plan_of([seen_of(people, cut.scale_limits, cut.size)], cut)
