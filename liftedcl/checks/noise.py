"""Packed images of noise with all that any method reads of one: labels, people's boxes, pairs; and skeletons."""

from pathlib import Path

import numpy as np

from liftedcl.crops import COLUMNS
from liftedcl.images.pairs import KINDS, PairList, write_pairs
from liftedcl.images.shard import Shard, ShardWriter, open_shard
from liftedcl.skeletons.skeleton import NUM_JOINTS

_HEIGHT, _WIDTH = 64, 48


def write_noise(path: Path, count: int) -> Shard:
    """Write ``count`` images of three classes, and as many pairs: of each image with the next one, kinds in turn.

    The noise is finer than the pixels of a view: in flat areas rounding decides which of equal cells a pooling takes.
    """
    rng = np.random.default_rng(0)
    with ShardWriter(path, _HEIGHT, _WIDTH, (*COLUMNS, "label")) as writer:
        for i in range(count):
            pixels = rng.integers(0, 256, (_HEIGHT, _WIDTH, 3), dtype=np.uint8)
            cells = {"box_x": 30 + i, "box_y": 50, "box_width": 40, "box_height": 100, "crop_x": 20, "crop_y": 40}
            cells |= {"crop_width": 96, "crop_height": 128, "scale": 0.5}
            writer.append(pixels, [cells.get(column, i) for column in COLUMNS] + [i % 3])
    shard, rows = open_shard(path), np.arange(count)
    write_pairs(shard, PairList(rows, (rows + 1) % count, rows % len(KINDS)), {})
    return shard


def random_skeletons(count: int) -> np.ndarray:
    """(count, 17, 3): joints anywhere around the pelvis, scaled to length 1 as `liftedcl.prior` does."""
    joints = np.random.default_rng(1).normal(size=(count, NUM_JOINTS, 3)).astype(np.float32)
    joints -= joints[:, :1]
    return joints / np.linalg.norm(joints.reshape(count, -1), axis=1)[:, None, None]
