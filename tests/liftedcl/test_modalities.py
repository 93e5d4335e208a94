"""Joints beside crops of COCO and of MPII: where a joint is in the image, it is in the crop."""

import json

import numpy as np
import pytest
from tiny.coco import write_tiny_coco
from tiny.mpii import write_tiny_mpii
from tiny.shard import write_tiny_shard

from liftedcl.crops import make_crops, make_mpii_crops
from liftedcl.data_sets.mpii.files import annotation_path as mpii_path
from liftedcl.identity.errors import InputError
from liftedcl.images.modalities import open_modalities
from liftedcl.images.people_batches import PeopleBatches
from liftedcl.images.shard import open_shard
from liftedcl.images.shard_union import ShardUnion
from liftedcl.modalities import make_coco_modalities, make_mpii_modalities
from liftedcl.recipes.data_recipes import Crops
from liftedcl.skeletons.common_joints import COMMON_JOINTS, FROM_COCO, from_mpii

RECIPE = Crops(height=64, width=48, min_keypoints=1, min_side=4.0)


def moved(joints, row):
    return (np.asarray(joints) + 0.5 - [row.crop_x, row.crop_y]) * row.scale - 0.5


def test_cocos_joints_are_moved_into_the_crops(tmp_path):
    write_tiny_coco(tmp_path, train=6, val=1)
    make_crops(tmp_path, "train", tmp_path / "out.npy", RECIPE)
    make_coco_modalities(tmp_path, tmp_path / "out.npy")
    shard = open_shard(tmp_path / "out.npy")
    found = open_modalities(shard)
    entries = json.loads((tmp_path / "annotations/person_keypoints_train2017.json").read_text())["annotations"]
    by_id = {entry["id"]: np.array(entry["keypoints"]).reshape(17, 3)[list(FROM_COCO)] for entry in entries}
    for row, index in enumerate(shard.index.itertuples()):
        true = by_id[index.annotation_id]
        places = moved(true[:, :2], index)
        inside = ((places >= -0.5) & (places < (47.5, 63.5))).all(axis=1)
        assert np.array_equal(found.labelled[row], inside & (true[:, 2] > 0))
        assert np.allclose(found.joints[row][found.labelled[row]], places[found.labelled[row]], atol=1e-2)
    assert found.labelled.any() and not found.has_depth.any()
    assert (found.depth(np.arange(len(shard)), (64, 48)) == 0).all()


def test_mpiis_people_are_cropped_around_their_joints(tmp_path):
    write_tiny_mpii(tmp_path)
    make_mpii_crops(tmp_path, tmp_path / "out.npy", RECIPE)
    make_mpii_modalities(tmp_path, tmp_path / "out.npy")
    shard, entries = open_shard(tmp_path / "out.npy"), json.loads(mpii_path(tmp_path, "train").read_text())
    found = open_modalities(shard)
    for row, index in enumerate(shard.index.itertuples()):
        entry = entries[index.annotation_id]
        joints, labelled = np.array(entry["joints"], float)[None] - 1.0, np.array(entry["joints_vis"], bool)[None]
        common, known = from_mpii(joints, labelled)
        assert np.array_equal(found.labelled[row], known[0]), "the box holds all labelled joints"
        assert np.allclose(found.joints[row][known[0]], moved(common[0], index)[known[0]], atol=1e-2)


def test_mpiis_head_is_between_neck_and_top_and_needs_both():
    joints, labelled = np.arange(32.0).reshape(1, 16, 2), np.ones((1, 16), bool)
    common, known = from_mpii(joints, labelled)
    head = COMMON_JOINTS.index("head")
    assert common[0, head].tolist() == [17.0, 18.0] and known.all()
    labelled[0, 9] = False
    assert not from_mpii(joints, labelled)[1][0, head] and from_mpii(joints, labelled)[1].sum() == 12


def test_crops_of_other_people_are_refused(tmp_path):
    write_tiny_coco(tmp_path, train=6, val=1)
    write_tiny_shard(tmp_path / "other.npy", 500)
    with pytest.raises(InputError, match=r"other\.npy: shows person \d+, whom the annotations don't have"):
        make_coco_modalities(tmp_path, tmp_path / "other.npy")


def test_two_sets_give_half_of_the_people_each_whatever_they_hold(tmp_path):
    small, large = write_tiny_shard(tmp_path / "a.npy", 8), write_tiny_shard(tmp_path / "b.npy", 56)
    batches = PeopleBatches(ShardUnion((small, large)), depth=True, batch_size=8, seed=3)
    rows = [batch.images.rows for epoch in range(40) for batch in batches._read(epoch, 0)]
    shares = np.concatenate(rows) < 8
    assert len(rows) == 40 * 8 and abs(shares.mean() - 0.5) < 0.05
    again, later = list(batches._read(7, 0)), list(batches._read(7, 5))
    for one, other in zip(again[5:], later, strict=True):
        assert (one.images.rows == other.images.rows).all() and (one.depth == other.depth).all()
    alone = PeopleBatches(large, depth=False, batch_size=8, seed=3)
    assert sorted(np.concatenate([b.images.rows for b in alone._read(0, 0)])) == list(range(56))
