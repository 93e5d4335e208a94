"""A packed shard of noise with all that any method reads of one: labels, boxes, pairs, joints and depth; a CroCo."""

from pathlib import Path

import numpy as np
import torch

from liftedcl.crops import COLUMNS
from liftedcl.images.modalities import depth_file, write_modalities
from liftedcl.images.pairs import KINDS, PairList, write_pairs
from liftedcl.images.shard import DEPTH, Shard, ShardWriter, open_shard
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone, save_encoder, save_state
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.skeletons.common_joints import COMMON_JOINTS

HEIGHT, WIDTH = 64, 48


def write_tiny_shard(path: Path, count: int) -> Shard:
    """Write ``count`` images of three classes, and as many pairs: of each image with the next one, kinds in turn.

    The noise is finer than the pixels of a view: in flat areas rounding decides which of equal cells a pooling takes.
    """
    rng = np.random.default_rng(0)
    with ShardWriter(path, HEIGHT, WIDTH, (*COLUMNS, "label")) as writer:
        for i in range(count):
            pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            cells = {"box_x": 30 + i, "box_y": 50, "box_width": 40, "box_height": 100, "crop_x": 20, "crop_y": 40}
            cells |= {"crop_width": 96, "crop_height": 128, "scale": 0.5}
            writer.append(pixels, [cells.get(column, i) for column in COLUMNS] + [i % 3])
    shard, rows = open_shard(path), np.arange(count)
    write_pairs(shard, PairList(rows, (rows + 1) % count, rows % len(KINDS)), {})
    write_tiny_modalities(shard)
    return shard


def write_tiny_modalities(shard: Shard) -> None:
    """Joints of every image, of which a fifth has no label; depth of every second image, with holes."""
    rng, count = np.random.default_rng(1), len(shard)
    with ShardWriter(depth_file(shard.path), HEIGHT, WIDTH, ("file",), DEPTH) as writer:
        for i in range(count):
            depth = rng.integers(2000, 4000, (HEIGHT, WIDTH), dtype=np.uint16)
            depth[rng.random(depth.shape) < 0.3] = 0
            writer.append(depth * (i % 2 == 0), (f"{i}.png",))
    joints = rng.uniform(0, (WIDTH - 1, HEIGHT - 1), (count, len(COMMON_JOINTS), 2))
    write_modalities(shard, joints, rng.random(joints.shape[:2]) < 0.8, np.arange(count) % 2 == 0, {})


def write_untrained_croco(folder: Path, recipe: EncoderRecipe) -> None:
    """Write ``encoder.pt`` and ``heads.pt`` of an untrained CroCo, and the shard that it was made for."""
    torch.manual_seed(0)
    method = method_class("croco")(
        recipe, build_backbone(recipe.backbone), write_tiny_shard(folder / "crops.npy", 4), None
    )
    save_encoder(method.backbone, folder / "encoder.pt")
    save_state(method.heads.state_dict(), folder / "heads.pt")
