"""The 17-joint human skeleton of Human3.6M, used as in the paper's appendix B: joints, tree and template."""

import numpy as np

JOINTS = (
    "root", "rhip", "rknee", "rankle", "lhip", "lknee", "lankle", "belly", "neck", "nose", "head",
    "lshoulder", "lelbow", "lwrist", "rshoulder", "relbow", "rwrist",
)  # fmt: skip
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
FLIP_PAIRS = ((1, 4), (2, 5), (3, 6), (11, 14), (12, 15), (13, 16))

NUM_JOINTS = len(JOINTS)
BONES = tuple((parent, child) for child, parent in enumerate(PARENTS) if parent >= 0)
"""The 16 (parent, child) bones, in the order of the child joint."""

HINGED = tuple(joint for joint, parent in zip(JOINTS, PARENTS, strict=True) if parent > 0)
"""Joints that end a bone whose parent is a bone: all but the root, the hips and the belly."""

_FRACTIONS_OF_HEIGHT = {
    "hip": 0.0955,  # half the breadth of the hips, 0.191
    "knee": 0.245,  # thigh
    "ankle": 0.246,  # shank
    "belly": 0.144,  # the source has no belly: half the way from the hips' height, 0.530, to the shoulders', 0.818
    "neck": 0.144,  # the other half, for the neck's base is level with the shoulders
    "nose": 0.10625,  # 0.085 up, to midway between chin (0.870) and eyes (0.936), and so 0.06375 ahead: see below
    "head": 0.097,  # from there to the vertex
    "shoulder": 0.1295,  # half the breadth of the shoulders, 0.259
    "elbow": 0.186,  # upper arm
    "wrist": 0.146,  # forearm
}
"""Length of the bone that ends at each joint as a fraction of the body's height.

Source: Drillis and Contini, Body Segment Parameters (New York University, 1966), in figure 4.1 of Winter, Biomechanics
and Motor Control of Human Movement. Its breadths are the body's, so hips and shoulders are a little too far apart.
"""

_THIGH_CM = 45.0
"""Given in the paper; people of this thigh are 184 cm tall."""

BONE_LENGTHS_CM = {
    joint: _THIGH_CM * _FRACTIONS_OF_HEIGHT[joint if joint in _FRACTIONS_OF_HEIGHT else joint[1:]] / 0.245
    for joint in JOINTS[1:]
}
"""Length of the template's bone that ends at each joint."""

_TEMPLATE_DIRECTIONS = {
    "rhip": (1, 0, 0), "rknee": (0, 1, 0), "rankle": (0, 1, 0),
    "lhip": (-1, 0, 0), "lknee": (0, 1, 0), "lankle": (0, 1, 0),
    "belly": (0, -1, 0), "neck": (0, -1, 0), "nose": (0, -0.8, 0.6), "head": (0, -1, 0),
    "lshoulder": (-1, 0, 0), "lelbow": (0, 1, 0), "lwrist": (0, 1, 0),
    "rshoulder": (1, 0, 0), "relbow": (0, 1, 0), "rwrist": (0, 1, 0),
}  # fmt: skip

TEMPLATE_BONES_CM = np.array([BONE_LENGTHS_CM[joint] * np.array(_TEMPLATE_DIRECTIONS[joint]) for joint in JOINTS[1:]])
"""Bone vectors (16, 3) of a person who stands and looks forward: x to their right, y down, z forward."""


def flip_order() -> np.ndarray:
    """The order (17,) of joints in a mirror image: ``joints[flip_order()]`` swaps left and right."""
    order = np.arange(NUM_JOINTS)
    for right, left in FLIP_PAIRS:
        order[[right, left]] = order[[left, right]]
    return order


def bone_matrix() -> np.ndarray:
    """C (17, 16) of the KCS layer (RepNet; paper, section 3.3), of -1, 0 and 1: bones = joints^T C."""
    matrix = np.zeros((NUM_JOINTS, len(BONES)), dtype=np.float32)
    for bone, (parent, child) in enumerate(BONES):
        matrix[parent, bone] = -1.0
        matrix[child, bone] = 1.0
    return matrix
