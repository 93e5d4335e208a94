"""Packed images of noise with all that any method reads of one: labels, boxes, pairs, joints, depth; and skeletons."""

from pathlib import Path

import numpy as np

from liftedcl.crops import COLUMNS
from liftedcl.images.modalities import depth_file, write_modalities
from liftedcl.images.pairs import KINDS, PairList, write_pairs
from liftedcl.images.shard import DEPTH, Shard, ShardWriter, open_shard
from liftedcl.skeletons.common_joints import COMMON_JOINTS
from liftedcl.skeletons.skeleton import NUM_JOINTS


def write_noise(path: Path, count: int, size: tuple[int, int] = (64, 48)) -> Shard:
    """Write ``count`` images of three classes, and as many pairs: of each image with the next one, kinds in turn.

    The noise is finer than the pixels of a view: in flat areas rounding decides which of equal cells a pooling takes.
    ``size`` is the images' height and width.
    """
    rng = np.random.default_rng(0)
    with ShardWriter(path, *size, (*COLUMNS, "label")) as writer:
        for i in range(count):
            pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            cells = {"box_x": 30 + i, "box_y": 50, "box_width": 40, "box_height": 100, "crop_x": 20, "crop_y": 40}
            cells |= {"crop_width": 96, "crop_height": 128, "scale": 0.5}
            writer.append(pixels, [cells.get(column, i) for column in COLUMNS] + [i % 3])
    shard, rows = open_shard(path), np.arange(count)
    write_pairs(shard, PairList(rows, (rows + 1) % count, rows % len(KINDS)), {})
    _write_modalities(shard)
    return shard


def _write_modalities(shard: Shard) -> None:
    """Joints of every image, of which a fifth has no label; depth of every second image, with holes."""
    rng, count = np.random.default_rng(1), len(shard)
    height, width = shard.image_size
    with ShardWriter(depth_file(shard.path), height, width, ("file",), DEPTH) as writer:
        for i in range(count):
            depth = rng.integers(2000, 4000, (height, width), dtype=np.uint16)
            depth[rng.random(depth.shape) < 0.3] = 0
            writer.append(depth * (i % 2 == 0), (f"{i}.png",))
    joints = rng.uniform(0, (width - 1, height - 1), (count, len(COMMON_JOINTS), 2))
    write_modalities(shard, joints, rng.random(joints.shape[:2]) < 0.8, np.arange(count) % 2 == 0, {})


def random_skeletons(count: int) -> np.ndarray:
    """(count, 17, 3): joints anywhere around the pelvis, scaled to length 1 as `liftedcl.prior` does."""
    joints = np.random.default_rng(1).normal(size=(count, NUM_JOINTS, 3)).astype(np.float32)
    joints -= joints[:, :1]
    return joints / np.linalg.norm(joints.reshape(count, -1), axis=1)[:, None, None]
