"""Human3.6M's people, and MPII's mixed in, as the 3D pose benchmark crops them; what its crops can see. No torch."""

from pathlib import Path

import numpy as np

from downstream.h36m.pose_3d.pose_augmentation import coverable
from downstream.h36m.pose_3d.reader import H36MPoses, read_h36m_3d
from downstream.h36m.shared.mpii_mix import person_boxes, read_mix
from downstream.reading.region_writer import RegionPlan
from downstream.samples.crop import square_boxes
from downstream.samples.people import LabelledPeople, People
from downstream.samples.person_regions import PeopleRegions, plan_of, reaching
from downstream.training.regions_recipe import RegionCut


def people_of(poses: H36MPoses, box_scale: float) -> People:
    """The people of ``poses`` with their square crop regions, ``box_scale`` times their boxes."""
    centres, sides = square_boxes(poses.boxes, box_scale)
    return People(poses.root / "images", poses.names, poses.sizes, centres, sides)


def seen_in_training(
    poses: H36MPoses,
    others: LabelledPeople | None,
    *,
    box_scale: float,
    scale_limits: tuple[float, float],
    occlusion: float,
) -> list[PeopleRegions]:
    """The parts of the images that augmented crops of ``poses``, and of MPII's people ``others``, can see."""
    sets = [(people_of(poses, box_scale), poses.boxes)]
    if others is not None:
        sets.append((others.people, person_boxes(others.people)))
    seen = []
    for people, boxes in sets:
        low, high = np.split(reaching(people, scale_limits, (1, 1)), 2, axis=1)
        # The noise rectangle needs all of the image that it can cover, even where no crop sees it.
        first, last = np.split(coverable(boxes, occlusion), 2, axis=1)
        regions = np.concatenate([np.minimum(low, first), np.maximum(high, last)], axis=1)
        seen.append(PeopleRegions(people, regions))
    return seen


def training_plan(cut: RegionCut, data: Path) -> RegionPlan:
    """What is cut of the training split in the folder ``data``.

    Raises:
        InputError: annotations that are missing or damaged.
    """
    poses, others = read_h36m_3d(data, "train"), None if cut.mpii is None else read_mix(cut.mpii)
    numbers = {"box_scale": cut.box_scale, "scale_limits": cut.scale_limits, "occlusion": cut.occlusion}
    return plan_of(seen_in_training(poses, others, **numbers), cut)
