"""The regions of people that augmented crops can see: where they are, and how they are cut to be packed. No torch."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.reading.frames import Frames, Region, Regions
from downstream.reading.region_shard import RegionShard
from downstream.reading.region_writer import RegionPlan
from downstream.samples.people import People
from downstream.training.regions_recipe import RegionCut
from liftedcl.files.image_files import resize


@dataclass(frozen=True)
class PeopleRegions:
    """``regions`` (N, 4: x0, y0, x1, y1) in px of the images of ``people``."""

    people: People
    regions: np.ndarray

    def frames(self, cache_bytes: int) -> Frames:
        """The regions, decoded from the images."""
        people = self.people
        return Frames(people.folder, people.names, people.sizes, self.regions, cache_bytes=cache_bytes)


def seen_of(people: People, scale_limits: tuple[float, float], size: tuple[int, int]) -> PeopleRegions:
    """What augmented crops of ``people`` can see, and nothing else needs; see `reaching`."""
    return PeopleRegions(people, reaching(people, scale_limits, size))


def reaching(people: People, scale_limits: tuple[float, float], size: tuple[int, int]) -> np.ndarray:
    """Regions (N, 4) that hold every augmented crop of ``people``, however it is turned, and 2 px for interpolation.

    That is half the diagonal of the largest crop in each direction. ``size``: width and height of the crops.
    """
    reach = people.widths * scale_limits[1] * np.sqrt((1 + (size[1] / size[0]) ** 2) / 4)
    margin = reach[:, None] + 2
    return np.concatenate([people.centres - margin, people.centres + margin], axis=1)


def plan_of(sets: Sequence[PeopleRegions], cut: RegionCut) -> RegionPlan:
    """How the regions of several sets of people, whose rows follow each other, are packed.

    A region is shrunk as far as the smallest crop still has one of its pixels for each of the network's; it is never
    enlarged.
    """
    people = [(part, row) for part in sets for row in range(len(part.people))]
    zooms = np.concatenate([zooms_of(part.people.widths, cut) for part in sets])
    groups: dict[tuple[Path, str], list[int]] = {}
    for n, (part, row) in enumerate(people):
        groups.setdefault((part.people.folder, part.people.names[row]), []).append(n)

    def cut_group(rows: Sequence[int]) -> list[Region]:
        part = people[rows[0]][0]
        frames = part.frames(0)
        return [shrunk(frames.region(people[n][1]), zooms[n]) for n in rows]

    return RegionPlan([*groups.values()], cut_group, _digest(sets, zooms, cut.format), cut.format)


def regions_of(sets: Sequence[PeopleRegions], cut: RegionCut | None, packed: Path | None, *, cache: int) -> Regions:
    """The regions of `plan_of`: packed in the folder ``packed``, or decoded anew if the recipe says nothing of a cut.

    Raises:
        InputError: ``packed`` is damaged, or was cut for other numbers or people.
    """
    if cut is not None and packed is not None:
        return RegionShard(packed, plan_of(sets, cut).digest)
    return _Together([part.frames(cache) for part in sets], [len(part.people) for part in sets])


class _Together:
    """The frames of several sets, whose rows follow each other."""

    def __init__(self, parts: Sequence[Frames], counts: Sequence[int]) -> None:
        self._parts, self._firsts = parts, np.cumsum(counts) - counts

    def region(self, index: int) -> Region:
        part = int(np.searchsorted(self._firsts, index, side="right")) - 1
        return self._parts[part].region(index - int(self._firsts[part]))


def zooms_of(widths: np.ndarray, cut: RegionCut) -> np.ndarray:
    """Pixels of the region a pixel of the image, (N,), at most 1; ``widths`` (N,) px of the image are plain crops'."""
    return np.minimum(1.0, cut.size[0] / (widths * cut.scale_limits[0]))


def shrunk(region: Region, zoom: float) -> Region:
    """``region``, not yet resized, with ``zoom`` times as many pixels along each side."""
    width, height = (max(1, round(side * zoom)) for side in region.extent.tolist())
    if [width, height] == region.extent.tolist():
        return region
    return region._replace(pixels=resize(region.pixels, height=height, width=width))


def _digest(sets: Sequence[PeopleRegions], zooms: np.ndarray, format: str) -> str:
    """Coordinates count to a hundredth of a pixel: another machine may compute their last bits differently."""
    names = [part.people.names for part in sets]
    text = json.dumps([format, names, *(np.rint(100 * part.regions).astype(int).tolist() for part in sets)])
    return hashlib.sha256(text.encode() + np.rint(1e6 * zooms).astype(np.int64).tobytes()).hexdigest()
