"""Generated Human3.6M as its two readers see it: both formats agree, and left is the person's own left."""

import dataclasses

import numpy as np
import pytest

from downstream.h36m.parsing.labels import CLASSES
from downstream.h36m.parsing.reader import read_parsing
from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_3d.reader import annotation_path, read_h36m_3d
from downstream.h36m.release.part_labels import check_sides, read_part_labels
from downstream.h36m.shared.camera import project
from liftedcl.data_sets.h36m.parsing_files import PART_LABELS
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import FLIP_PAIRS, JOINTS
from synthetic import h36m
from synthetic.generation import generate
from synthetic.recipes import GeneratedH36M

SPLITS = ("train", "test")


def write(root, workers):
    plan = h36m.plan(GeneratedH36M(seed=1, frames_per_take=1, image_size=96))
    chunks = [(subject, action) for subject in (1, 9) for action in (6, 7)]  # people who stand
    generate(dataclasses.replace(plan, chunks=chunks), root, workers)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write(tmp_path_factory.mktemp("h36m"), workers=1)


def at(joints, name):
    return joints[:, JOINTS.index(name)]


@pytest.mark.parametrize("split", SPLITS)
def test_both_formats_tell_the_same(root, split):
    flat, deep = reader_2d.read_h36m_2d(root, split, 1), read_h36m_3d(root, split)
    assert flat.names == deep.names and len(flat) == 16
    np.testing.assert_allclose(flat.poses, deep.joints[:, :17] - deep.joints[:, :1], atol=1e-6)
    np.testing.assert_allclose(flat.joints, project(deep.joints[:, :17], deep.f, deep.c), atol=1e-6)
    # The box is 2 m wide at the root's depth, and people are inside it, except for raised hands.
    width_mm = flat.extents * deep.joints[:, 0, 2:] / deep.f
    np.testing.assert_allclose(width_mm, 2000)
    low, high = flat.centres - flat.extents / 2, flat.centres + flat.extents / 2
    assert ((flat.joints > low[:, None]) & (flat.joints < high[:, None])).all(axis=2).mean() > 0.95


def test_pickles_are_remade_with_the_same_bytes(root):
    paths = [reader_2d.annotation_path(root, split) for split in SPLITS]
    before = [path.read_bytes() for path in paths]
    paths[0].unlink()
    write(root, workers=2)
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.parametrize("split", SPLITS)
def test_left_is_at_larger_x_on_people_who_face_the_camera(root, split):
    """The nose, which belongs to no flip pair and no side, shows which way a person faces."""
    joints = reader_2d.read_h36m_2d(root, split, 1)
    ahead = at(joints.poses, "nose") - (at(joints.poses, "neck") + at(joints.poses, "head")) / 2
    towards = -ahead[:, 2] / np.hypot(ahead[:, 0], ahead[:, 2])  # 1: straight at the camera
    facing = np.where(np.abs(towards) > 0.8, np.sign(towards), 0)
    assert (facing > 0).sum() >= 2 and (facing < 0).sum() >= 2
    for part in ("hip", "shoulder"):
        across = at(joints.joints, f"l{part}")[:, 0] - at(joints.joints, f"r{part}")[:, 0]
        assert (across[facing > 0] > 0).all() and (across[facing < 0] < 0).all()


def test_joints_are_in_order(root):
    """From top to bottom; the joints of a flip pair end the same bone on either side."""
    poses = read_h36m_3d(root, "test").joints
    downwards = ("head", "neck", "belly", "root", "lknee", "lankle")
    heights = np.stack([at(poses, name)[:, 1] for name in downwards])  # y is down
    assert (np.diff(heights, axis=0) > 0).all()
    parents = {"hip": "root", "knee": "hip", "ankle": "knee", "shoulder": "neck", "elbow": "shoulder", "wrist": "elbow"}
    for pair in FLIP_PAIRS:
        first, second = (JOINTS[j] for j in pair)
        assert first[1:] == second[1:] and {first[0], second[0]} == {"l", "r"}
        lengths = []
        for name in (first, second):
            parent = parents[name[1:]]
            bone = at(poses, name) - at(poses, parent if parent in JOINTS else name[0] + parent)
            lengths.append(np.linalg.norm(bone, axis=1))
        np.testing.assert_allclose(*lengths, rtol=0.1)
        assert lengths[0].min() > 80 and lengths[0].max() < 560


def test_annotations_are_marked_as_the_plans(root):
    plan = h36m.plan(GeneratedH36M(seed=1, frames_per_take=1, image_size=96))
    for split in SPLITS:
        for path in (annotation_path(root, split), reader_2d.annotation_path(root, split)):
            assert str(path.relative_to(root)) in plan.annotations


@pytest.mark.parametrize("split", SPLITS)
def test_each_hand_foot_elbow_and_knee_is_labelled_as_the_side_that_its_joint_has(root, split):
    samples, frames = read_parsing(root, split, 1), reader_2d.read_h36m_2d(root, split, 1)
    assert [f"{name}.jpg" for name in samples.names] == frames.names and len(samples) == 16
    own = other = 0
    for n, joints in enumerate(frames.joints):
        labels = samples.label(n)
        for joint, part in (("wrist", "hand"), ("ankle", "foot"), ("elbow", "elbow"), ("knee", "knee")):
            for side, opposite in (("left", "right"), ("right", "left")):
                x, y = np.rint(joints[JOINTS.index(f"{side[0]}{joint}")]).astype(int)
                near = labels[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
                own += (near == CLASSES.index(f"{side}_{part}")).any()
                other += (near == CLASSES.index(f"{opposite}_{part}")).any()
    assert own > 0.7 * 16 * 8 and other < 0.2 * own
    labels = [samples.label(n) for n in range(16)]
    check_sides(root, labels, frames.joints)
    with pytest.raises(InputError, match="transposed"):
        check_sides(root, [one.T for one in labels], frames.joints)


def test_every_part_occurs_and_only_on_the_person(root):
    samples = read_parsing(root, "train", 1)
    labels = np.stack([samples.label(n) for n in range(len(samples))])
    assert set(np.unique(labels)) == set(range(25))
    depth = read_parsing(root, "train", 1, depth=True)
    metres = np.stack([depth.image(n)[..., 0] for n in range(len(depth))])
    assert (metres[labels > 0] > 2).all() and (metres[labels > 0] < 8).all() and (metres[labels == 0] == 0).all()


def test_part_labels_in_the_official_form_are_the_label_maps(root):
    samples = read_parsing(root, "train", 1)
    found, count = read_part_labels(root / "S1" / PART_LABELS / "Posing 2.58860488.mat", 1)
    names = [n for n, name in enumerate(samples.names) if "act_07_subact_02_ca_03/" in name]
    assert count == 1 == len(names)
    for one, n in zip(found, names, strict=True):
        np.testing.assert_array_equal(one, samples.label(n))
