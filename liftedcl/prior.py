"""The kinematic prior: plausible 3D skeletons sampled without annotated data (paper, appendix B).

Each joint is its parent plus R * alpha * b, where alpha and the Euler angles of R are uniform in their ranges. The
skeleton is then scaled to Frobenius norm 1 and turned about the vertical axis, which is y here (the paper's Z). Axes: x
right, y down, z forward.

Departs from the paper by default (``chained``; ``global`` is its rule to the letter), for the critic takes every sample
for a real person:

- The paper's rotations are in the global frame, and can't keep a knee from bending forwards. Here they add up down the
  tree, so a range limits a joint, and knees and elbows are hinges.
- Whoever holds an arm through trunk or head is drawn again; ranges of single joints can't prevent that, and without
  this it is one person in six.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from liftedcl.files.array_file import write_array
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from liftedcl.recipes.data_recipes import Skeletons
from liftedcl.skeletons.collisions import arms_in_body
from liftedcl.skeletons.drawing import figure_of_skeletons
from liftedcl.skeletons.skeleton import BONE_LENGTHS_CM, BONES, JOINTS, NUM_JOINTS, TEMPLATE_BONES_CM

_PARENTS = {parent for parent, _ in BONES}
_TRUNK = {JOINTS.index("belly"), JOINTS.index("neck")}
_SPARE = 64
"""So many more people are drawn than the share that is usually refused, for few of a few may be possible."""

TRUNK_AXES = np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
"""Frame of the root, like that of a bone pointing up: x to the left, y up (along the bone), z to the front."""


def sample_skeletons(n: int, rng: np.random.Generator, recipe: Skeletons) -> np.ndarray:
    """Sample ``n`` skeletons for the critic: (n, 17, 3) float32, root 0, Frobenius norm 1, from any direction."""
    joints = sample_joints(n, rng, recipe)
    joints /= np.sqrt(np.einsum("jcn,jcn->n", joints, joints))
    joints = turn(joints, 2 * np.pi * rng.random(n, dtype=np.float32))
    return np.ascontiguousarray(joints.transpose(2, 0, 1))


def sample_joints(n: int, rng: np.random.Generator, recipe: Skeletons) -> np.ndarray:
    """Sample ``n`` people in cm whose root is at 0 and whose pelvis faces +z: (17, 3, n) float32.

    Samples are on the last axis in all arrays, along which numpy is fast.

    Raises:
        InputError: the ranges are such that everyone holds an arm through the body.
    """
    if recipe.composition == "global":
        return draw_joints(n, rng, recipe)
    return possible_people(n, lambda count: draw_joints(count, rng, recipe))


def possible_people(n: int, draw: Callable[[int], np.ndarray]) -> np.ndarray:
    """The first ``n`` people (17, 3, n) from ``draw``, count -> (17, 3, count), whose arms aren't in their bodies."""
    people, missing = [], n
    while missing > 0:
        joints = draw(missing + missing // 4 + _SPARE)
        joints = joints[..., ~arms_in_body(joints)][..., :missing]
        if not joints.shape[2]:
            raise InputError("skeletons.ranges.chained: everyone holds an arm through trunk or head; widen the ranges")
        people.append(joints)
        missing -= joints.shape[2]
    return np.concatenate(people, axis=2)


def draw_joints(n: int, rng: np.random.Generator, recipe: Skeletons) -> np.ndarray:
    """As `sample_joints`, but arms may pass through the body."""
    ranges = [recipe.ranges[recipe.composition][joint] for joint in JOINTS[1:]]
    limits = np.radians([[angles.a, angles.b, angles.c] for angles in ranges])  # (16, 3, 2)
    angles = _uniform(rng, limits[..., 0], limits[..., 1], n)
    lengths = np.array([BONE_LENGTHS_CM[joint] for joint in JOINTS[1:]])
    shortest, longest = (lengths * ratio for ratio in recipe.length_ratio)
    bones = chained_directions(angles) if recipe.composition == "chained" else global_directions(angles)
    bones *= _uniform(rng, shortest, longest, n)[:, None]
    joints = np.zeros((NUM_JOINTS, 3, n), dtype=bones.dtype)
    for bone, (parent, child) in enumerate(BONES):
        np.add(joints[parent], bones[bone], out=joints[child])
    return joints


def _uniform(rng: np.random.Generator, low: np.ndarray, high: np.ndarray, n: int) -> np.ndarray:
    """``n`` uniform numbers for each entry of ``low`` and ``high`` (...): shape (..., n), float32."""
    numbers = rng.random((*low.shape, n), dtype=np.float32)
    numbers *= (high - low)[..., None].astype(np.float32)
    numbers += low[..., None].astype(np.float32)
    return numbers


def chained_directions(angles: np.ndarray) -> np.ndarray:
    """Bone directions from angles against the parent bone, (16, 3, n) in radians -> (16, 3, n) unit vectors.

    A bone's frame has y along the bone. It is the parent's frame times Ry(b) Rx(a) Ry(c): ``a`` bends away from the
    parent's bone, so |a| is the joint's angle; ``b`` is the direction of the bend; ``c`` twists the bone's children.
    In the trunk (belly, neck) it is Ry(b) Rx(a) Ry(c - b), so that a bend to the side doesn't turn the chest as well.
    """
    directions = np.empty_like(angles)
    frames = {0: tuple(TRUNK_AXES[:, :, None].astype(angles.dtype))}
    for bone, (parent, child) in enumerate(BONES):
        a, b, c = angles[bone]
        x, y, z = frames[parent]
        z, x = _rotate(z, x, b)
        y, z = _rotate(y, z, a)
        directions[bone] = y
        if child in _PARENTS:  # a bone without children needs no frame
            z, x = _rotate(z, x, c - b if child in _TRUNK else c)
            frames[child] = x, y, z
    return directions


def global_directions(angles: np.ndarray) -> np.ndarray:
    """The paper's rule: Rz(c) Ry(b) Rx(a) turns each bone of the template in the global frame. Shapes as above."""
    a, b, c = -angles.swapaxes(0, 1)  # coordinates turn against the axes
    template = TEMPLATE_BONES_CM / np.linalg.norm(TEMPLATE_BONES_CM, axis=1, keepdims=True)
    x, y, z = template.T[:, :, None].astype(angles.dtype)
    y, z = _rotate(y, z, a)
    z, x = _rotate(z, x, b)
    x, y = _rotate(x, y, c)
    return np.stack([x, y, z], axis=1)


def turn(joints: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotate joints (17, 3, n) about the vertical axis by angles (n,) in radians."""
    x, y, z = joints.swapaxes(0, 1)
    z, x = _rotate(z, x, -angles)
    return np.stack([x, y, z], axis=1)


def _rotate(first: np.ndarray, second: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two perpendicular axes turned by ``angle`` in their plane, ``first`` towards ``second``."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * first + sine * second, cosine * second - sine * first


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.prior",
        description="Sample plausible 3D skeletons: a .npy of (count, 17, 3) float32, root 0, Frobenius norm 1. "
        "Equal recipes give equal bytes.",
        epilog="example: python -m liftedcl.prior --recipe skeletons.json --out runs/skeletons/skeletons.npy",
    )
    parser.add_argument("--recipe", required=True, metavar="JSON", help="skeletons of params.yaml: text or file")
    parser.add_argument("--out", required=True, type=Path, metavar="NAME.npy", help="the file to write")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="draw some of them as well (figure 7)")
    arguments = parser.parse_args()
    recipe = read_recipe(Skeletons, arguments.recipe)
    skeletons = sample_skeletons(recipe.count, np.random.default_rng([recipe.seed]), recipe)
    write_array(arguments.out, skeletons)
    if arguments.figure:
        figure_of_skeletons(skeletons[:32], arguments.figure)


if __name__ == "__main__":
    run_cli(main)
