"""The skeleton's data agrees with itself."""

import numpy as np
import pytest

from liftedcl.skeletons.skeleton import (
    BONE_LENGTHS_CM,
    BONES,
    FLIP_PAIRS,
    JOINTS,
    PARENTS,
    TEMPLATE_BONES_CM,
    bone_matrix,
    flip_order,
)


def test_tree_is_connected_and_parents_come_first():
    assert len(JOINTS) == len(PARENTS) == 17
    assert len(BONES) == 16
    assert all(parent < child for parent, child in BONES)


def test_left_and_right_have_the_same_names_parents_and_lengths():
    order = flip_order()
    assert (order[order] == np.arange(17)).all()
    for first, second in FLIP_PAIRS:
        assert {JOINTS[first][0], JOINTS[second][0]} == {"l", "r"} and JOINTS[first][1:] == JOINTS[second][1:]
        assert BONE_LENGTHS_CM[JOINTS[first]] == BONE_LENGTHS_CM[JOINTS[second]]
    for parent, child in BONES:
        assert (order[parent], order[child]) in BONES


def test_bone_matrix_takes_differences_along_the_tree():
    joints = np.random.default_rng(0).normal(size=(17, 3))
    expected = [joints[child] - joints[parent] for parent, child in BONES]
    np.testing.assert_allclose((joints.T @ bone_matrix()).T, expected, atol=1e-6)
    assert np.linalg.matrix_rank(bone_matrix()) == 16


def test_template_has_the_lengths_and_is_its_own_mirror_image():
    np.testing.assert_allclose(np.linalg.norm(TEMPLATE_BONES_CM, axis=1), [BONE_LENGTHS_CM[j] for j in JOINTS[1:]])
    np.testing.assert_array_equal(TEMPLATE_BONES_CM[JOINTS.index("rknee") - 1], [0, 45, 0])  # the paper's example
    joints = np.zeros((17, 3))
    for bone, (parent, child) in enumerate(BONES):
        joints[child] = joints[parent] + TEMPLATE_BONES_CM[bone]
    np.testing.assert_allclose(joints[flip_order()], joints * [-1, 1, 1], atol=1e-12)
    assert joints[:, 1].argmin() == JOINTS.index("head") and joints[JOINTS.index("rankle"), 1] == joints[:, 1].max()


def test_template_has_the_heights_of_published_anthropometry():
    """Winter, figure 4.1: heights of joints as fractions of the body's; the ankle is 0.039 above the ground."""
    height = {"root": 0.0}
    for (parent, child), bone in zip(BONES, TEMPLATE_BONES_CM, strict=True):
        height[JOINTS[child]] = height[JOINTS[parent]] - bone[1]
    published = {"head": 1, "neck": 0.818, "rshoulder": 0.818, "relbow": 0.630, "rwrist": 0.485, "rhip": 0.530}
    published |= {"rknee": 0.285, "rankle": 0.039, "nose": (0.870 + 0.936) / 2}
    for joint, fraction in published.items():
        assert abs((height[joint] - height["rhip"]) * 0.245 / 45 + 0.530 - fraction) < 3e-3, joint
    assert 2 * BONE_LENGTHS_CM["rshoulder"] * 0.245 / 45 == pytest.approx(0.259)
    assert 2 * BONE_LENGTHS_CM["lhip"] * 0.245 / 45 == pytest.approx(0.191)
