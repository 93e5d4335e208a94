"""The crops that training on 3DPW's mix of sets sees, packed as they are: it neither turns nor scales them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from downstream.pw3d.crops import plain_crops
from downstream.pw3d.reader import ShapeSamples, read_mix
from downstream.reading.frames import Region
from downstream.reading.region_writer import RegionPlan
from downstream.training.regions_recipe import RegionCut


def plan_of(sets: Sequence[ShapeSamples], cut: RegionCut) -> RegionPlan:
    """The crops of all ``sets``, whose rows follow each other."""
    people = [(number, row) for number, samples in enumerate(sets) for row in range(len(samples))]
    groups: dict[tuple[int, str], list[int]] = {}
    for n, (number, row) in enumerate(people):
        groups.setdefault((number, sets[number].names[row]), []).append(n)

    def cut_group(rows: Sequence[int]) -> list[Region]:
        crops = plain_crops(sets[people[rows[0]][0]], cut.size[0], batch_size=1)
        return [Region.whole(crops.crop(people[n][1])) for n in rows]

    squares = [np.rint(100 * np.c_[samples.centres, 200 * samples.scales]).tolist() for samples in sets]
    text = json.dumps([cut.format, cut.size, [samples.names for samples in sets], squares])
    return RegionPlan([*groups.values()], cut_group, hashlib.sha256(text.encode()).hexdigest(), cut.format)


def training_plan(cut: RegionCut, data: Path) -> RegionPlan:
    """What is cut of the training sets."""
    return plan_of([samples for samples, _ in read_mix(data)], cut)
