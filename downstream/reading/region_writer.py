"""Packs regions into a shard (region_shard.py). A killed packing goes on where it was, and ends with the same bytes."""

import csv
import io
import json
import os
import shutil
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from downstream.reading import jpeg_parts
from downstream.reading.frames import Region
from downstream.reading.region_files import DESCRIPTION, INDEX, PIXELS
from downstream.reading.region_shard import COLUMNS, VERSION
from liftedcl.files.atomic import exclusive, sha256_of_file, write_json, write_text
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.files.image_files import process_images
from liftedcl.identity.errors import InputError

_SAMPLE = 24  # groups whose bytes the estimate of the size is from
_GROUPS = 64  # between two journal entries

PIXELS_PART, INDEX_PART = ".pixels.unfinished", ".journal"


@dataclass(frozen=True)
class RegionPlan:
    """What is to be cut.

    Attributes:
        groups: rows of the samples that are cut together, as those of one image are, in the order of packing.
        cut: gives the regions of a group; threads call it. Raises `InputError` for an image that is damaged.
        digest: of all that decides the regions: which samples, which part of which image, how large, which format.
        format: of `region_files.FORMATS`; regions of one channel are label maps, which are always raw.
    """

    groups: Sequence[Sequence[int]]
    cut: Callable[[Sequence[int]], list[Region]]
    digest: str
    format: str


def pack(plan: RegionPlan, folder: Path, *, name: str, workers: int | None) -> None:
    """Pack the regions of ``plan`` into ``folder``.

    Raises:
        InputError: an image is missing or damaged, the disk is too small, or another process packs there.
    """
    with exclusive(folder):
        (folder / DESCRIPTION).unlink(missing_ok=True)
        done, size = _resume(plan, folder)
        if done:
            print(f"note: {name}: going on after {done} of {len(plan.groups)} groups", file=sys.stderr, flush=True)
        _announce(plan, folder, name, size)
        _append(plan, folder, done, size, name, workers)
        _finish(plan, folder)


def _announce(plan: RegionPlan, folder: Path, name: str, there: int) -> None:
    """Say how large the shard will be, by some of its regions; raise `InputError` if the disk can't hold it."""
    some = evenly_spread(len(plan.groups), _SAMPLE)
    sizes = [len(_encode(region, plan.format)) for n in some for region in plan.cut(plan.groups[n])]
    regions = sum(map(len, plan.groups))
    estimate = int(np.mean(sizes) * regions)
    print(f"{name}: {regions:,} regions as {plan.format} take about {_told(estimate)}", flush=True)
    if estimate - there > (free := shutil.disk_usage(folder).free):
        raise InputError(
            f"{folder}: the regions need about {_told(estimate)} and the disk has {_told(free)} left; free some, or "
            f"set regions: {'jpeg' if plan.format == 'raw' else 'null'} in the benchmark's recipe (params.yaml)"
        )


def _told(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _encode(region: Region, format: str) -> bytes:
    if format == "raw" or region.pixels.ndim == 2:
        return np.ascontiguousarray(region.pixels).tobytes()
    return jpeg_parts.encode(region.pixels)


def _append(plan: RegionPlan, folder: Path, done: int, size: int, name: str, workers: int | None) -> None:
    def encoded(group: Sequence[int]) -> list[tuple[list[int], bytes]]:
        packed = []
        for row, region in zip(group, plan.cut(group), strict=True):
            lines, columns = region.pixels.shape[:2]
            channels = 1 if region.pixels.ndim == 2 else 3
            content = _encode(region, plan.format)
            place = [row, *region.corner.tolist(), *region.extent.tolist(), columns, lines, channels]
            packed.append((place, content))
        return packed

    with open(folder / PIXELS_PART, "ab") as pixels, open(folder / INDEX_PART, "ab") as index:
        lines: list[list[int]] = []
        groups = plan.groups[done:]
        for n, packed in enumerate(process_images(encoded, groups, workers=workers, title=name), 1):
            for place, content in packed:
                pixels.write(content)
                lines.append([*place, size, len(content), zlib.crc32(content)])
                size += len(content)
            if n % _GROUPS == 0 or n == len(groups):
                # The pixels are on the disk before the journal says so: what it says is there after any crash.
                _flush(pixels)
                index.write(_sealed([done + n, lines]))
                _flush(index)
                lines = []


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _resume(plan: RegionPlan, folder: Path) -> tuple[int, int]:
    """Groups and bytes that an earlier packing of this plan has left; what comes after them is cut off."""
    journal, pixels = folder / INDEX_PART, folder / PIXELS_PART
    there = pixels.stat().st_size if pixels.exists() else 0
    done, size, kept = 0, 0, [_sealed([VERSION, plan.digest])]
    lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
    if lines[:1] == kept:
        for line in lines[1:]:
            if _sealed(entry := _unsealed(line)) != line or (end := _end(entry[1])) > there:
                break  # a crash cut it off, or what it tells of
            (done, _), size = entry, end
            kept.append(line)
    journal.write_bytes(b"".join(kept))
    with open(pixels, "ab") as file:
        file.truncate(size)
    return done, size


def _sealed(value: Any) -> bytes:
    """A line of the journal, which begins with its checksum."""
    text = json.dumps(value).encode()
    return f"{zlib.crc32(text):08x} ".encode() + text + b"\n"


def _unsealed(line: bytes) -> Any:
    try:
        return json.loads(line[9:])
    except ValueError:
        return None


def _end(entries: list[list[int]]) -> int:
    """Where the last region of ``entries`` ends."""
    offset, count, _ = entries[-1][-3:]
    return offset + count


def _finish(plan: RegionPlan, folder: Path) -> None:
    journal = (folder / INDEX_PART).read_bytes().splitlines()[1:]
    entries = [entry for line in journal for entry in _unsealed(line)[1]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *entries])
    meta = {"version": VERSION, "cut_for": plan.digest, "format": plan.format, "regions": len(entries)}
    meta["bytes"] = _end(entries)
    meta["sha256"] = sha256_of_file(folder / PIXELS_PART)  # takes longest; a kill in here leaves all as it was
    write_text(folder / INDEX, text.getvalue())
    meta["index_sha256"] = sha256_of_file(folder / INDEX)
    os.replace(folder / PIXELS_PART, folder / PIXELS)
    write_json(folder / DESCRIPTION, meta)
    (folder / INDEX_PART).unlink()
