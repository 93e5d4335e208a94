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

BONE_LENGTHS_CM = {
    "rhip": 13.5, "rknee": 45.0, "rankle": 46.1, "lhip": 13.5, "lknee": 45.0, "lankle": 46.1,
    "belly": 23.7, "neck": 26.1, "nose": 12.3, "head": 11.7,
    "lshoulder": 15.3, "lelbow": 28.3, "lwrist": 25.6, "rshoulder": 15.3, "relbow": 28.3, "rwrist": 25.6,
}  # fmt: skip
"""Length of the bone that ends at each joint (adult proportions; the paper gives the thigh, 45)."""

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
