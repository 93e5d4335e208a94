"""What a shard's images have beside their pixels: depth maps and labelled joints, each image what its data set has.

``NAME.modalities.csv`` beside the shard ``NAME.npy`` has a line for each image: whether it has depth, and of each of
the 13 common joints the place in pixels of the crop and whether it is labelled. ``NAME.depth.npy`` is a shard of depth
maps in millimetres, 0 where nothing was measured, a map for each image; a data set without depth has no such file.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError
from liftedcl.images.list_beside import ListBeside
from liftedcl.images.shard import DEPTH, Shard, open_shard
from liftedcl.images.shard_union import ShardUnion
from liftedcl.skeletons.common_joints import COMMON_JOINTS

_REMEDY = "remove it and run `python -m liftedcl.modalities` or `python -m liftedcl.ntu` again, which makes it"
_LISTS = ListBeside("modalities", "list of modalities", _REMEDY)
_COLUMNS = ("has_depth", *(f"{joint}_{what}" for joint in COMMON_JOINTS for what in ("x", "y", "labelled")))

_SHOWN, _DOT = 24, (255, 0, 0)
_FAR_MM, _REACH_MM = 10_000.0, 1500.0  # a picture of depth goes from white, the nearest, to grey so far behind it


@dataclass(frozen=True)
class Modalities:
    """Of N images: ``joints`` (N, 13, 2) float32, x and y in px of the crop, 0 where not ``labelled`` (N, 13) bool;
    ``has_depth`` (N,) bool; and the shards with their maps, one for each shard of images, or None."""

    joints: np.ndarray
    labelled: np.ndarray
    has_depth: np.ndarray
    depths: tuple[tuple[int, Shard | None], ...]
    """The number of images, and the shard of their maps."""

    @property
    def checksum(self) -> str:
        """Hex SHA-256 of joints, flags and the checksums of the maps."""
        digest = hashlib.sha256(self.joints.tobytes() + self.labelled.tobytes() + self.has_depth.tobytes())
        digest.update("+".join(shard.checksum if shard else "-" for _, shard in self.depths).encode())
        return digest.hexdigest()

    def depth(self, rows: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The maps (B, *size) uint16 of ``rows``; all 0 of an image without depth."""
        out, start = np.zeros((len(rows), *size), np.uint16), 0
        for count, shard in self.depths:
            places = np.flatnonzero((rows >= start) & (rows < start + count))
            if shard is not None and len(places):
                out[places] = shard.gather(rows[places] - start)
            start += count
        return out


def depth_file(shard: Path) -> Path:
    """The depth maps of the shard ``NAME.npy``."""
    return shard.with_suffix(".depth.npy")


def write_modalities(
    shard: Shard, joints: np.ndarray, labelled: np.ndarray, has_depth: np.ndarray, report: dict[str, Any]
) -> None:
    """Write the list beside ``shard``, atomically. Where any image has depth, `depth_file` has to be there already."""
    places = np.where(labelled[..., None], np.round(joints, 3), 0.0)
    rows = (
        [int(depth), *(v for xy, known in zip(where, labels, strict=True) for v in (*xy, int(known)))]
        for depth, where, labels in zip(has_depth.tolist(), places.tolist(), labelled.tolist(), strict=True)
    )
    depth = open_shard(depth_file(shard.path), DEPTH) if has_depth.any() else None
    checksum = depth.meta["sha256"] if depth is not None else None
    _LISTS.write(shard, _COLUMNS, rows, {"depth_sha256": checksum, "report": report})


def open_modalities(shard: Shard | ShardUnion) -> Modalities:
    """What the images of a shard have, or those of several with the rows of their union.

    Raises:
        InputError: a shard has no list, or it is damaged, or was made for another shard or other depth maps.
    """
    shards = shard.shards if isinstance(shard, ShardUnion) else (shard,)
    joints, labelled, has_depth, depths = zip(*map(_read, shards), strict=True)
    counts = map(len, shards)
    return Modalities(*map(np.concatenate, (joints, labelled, has_depth)), tuple(zip(counts, depths, strict=True)))


def sheet_of_modalities(shard: Shard, modalities: Modalities) -> np.ndarray:
    """Up to 24 images, evenly spread, with their joints as dots and their depth beside: (N, H, 2 W, 3) uint8."""
    rows = evenly_spread(len(shard), _SHOWN)
    images, depth = shard.gather(rows).copy(), modalities.depth(rows, shard.image_size).astype(np.float32)
    radius = max(1, shard.image_size[1] // 48)
    for image, joints, labelled in zip(images, modalities.joints[rows], modalities.labelled[rows], strict=True):
        for place in np.round(joints[labelled]).astype(int).tolist():
            cv2.circle(image, place, radius, _DOT, cv2.FILLED)
    nearest = np.where(depth > 0, depth, np.inf).min(axis=(1, 2), keepdims=True, initial=_FAR_MM)
    shown = np.where(depth > 0, 255 - (depth - nearest) * (200 / _REACH_MM), 0).clip(0, 255).astype(np.uint8)
    return np.concatenate([images, np.repeat(shown[..., None], 3, axis=3)], axis=2)


def _read(shard: Shard) -> tuple[np.ndarray, np.ndarray, np.ndarray, Shard | None]:
    types = {column: np.float32 if column.endswith(("_x", "_y")) else np.int64 for column in _COLUMNS}
    table, meta = _LISTS.read(
        shard, types, missing="which says where its people's joints are; train on coco, mpii or ntu (docs/hcmoco.md)"
    )
    values = table[list(_COLUMNS[1:])].to_numpy(np.float32).reshape(len(table), len(COMMON_JOINTS), 3)
    has_depth, depth = table["has_depth"].to_numpy() > 0, None
    if has_depth.any():
        depth = open_shard(depth_file(shard.path), DEPTH)
        if depth.meta["sha256"] != meta.get("depth_sha256") or len(depth) != len(shard):
            raise InputError(f"{depth.path}: not the depth maps that {shard.path.name} was packed with; {_REMEDY}")
    return values[..., :2], values[..., 2] > 0, has_depth, depth
