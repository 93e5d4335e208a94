"""What training on LIP reads, packed: each whole picture and, as a region of its own, its label map. No torch."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from downstream.lip.reader import LipSamples, read_lip
from downstream.lip.whole_picture import fitted
from downstream.reading.frames import Region
from downstream.reading.region_shard import RegionShard
from downstream.reading.region_writer import RegionPlan
from downstream.samples.person_regions import shrunk, zooms_of
from downstream.training.regions_recipe import RegionCut


def plan_of(samples: LipSamples, cut: RegionCut) -> RegionPlan:
    """The regions of the pictures, and after all of them those of the label maps, in the order of ``samples``."""
    count, zooms = len(samples), zooms_of(fitted(samples.sizes, cut.size[0])[1], cut)

    def cut_both(rows: Sequence[int]) -> list[Region]:
        n = rows[0]
        picture = shrunk(Region.whole(samples.image(n)), zooms[n])
        labels = samples.label(n)
        size = picture.pixels.shape[1::-1]  # a label map may only take labels that are there
        return [picture, picture._replace(pixels=cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT))]

    text = json.dumps([cut.format, samples.names, samples.sizes.tolist(), np.rint(1e6 * zooms).tolist()])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return RegionPlan([(n, count + n) for n in range(count)], cut_both, digest, cut.format)


class PackedSamples:
    """Images and label maps from a shard, as `LipSamples` has them; perhaps both are shrunk."""

    def __init__(self, shard: RegionShard) -> None:
        self._shard = shard

    def __len__(self) -> int:
        return len(self._shard) // 2

    def image(self, i: int) -> np.ndarray:
        """(h, w, 3) uint8 RGB of sample ``i``, not to be written to; `InputError` when it is damaged."""
        return self._shard.region(i).pixels[:, :]

    def label(self, i: int) -> np.ndarray:
        """(h, w) uint8 of sample ``i``."""
        return self._shard.region(len(self) + i).pixels


def packed_samples(folder: Path, samples: LipSamples, cut: RegionCut) -> PackedSamples:
    """The regions of ``samples`` in ``folder``. Raises `InputError` if they are damaged or cut for something else."""
    return PackedSamples(RegionShard(folder, plan_of(samples, cut).digest))


def training_plan(cut: RegionCut, data: Path) -> RegionPlan:
    """What is cut of the training split."""
    return plan_of(read_lip(data, "train"), cut)
