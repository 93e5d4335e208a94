"""The kinematic prior: plausible 3D skeletons sampled without annotated data (paper, appendix B).

Each joint is its parent plus R * alpha * b, with alpha and the Euler angles of R uniform in their ranges; the skeleton
then has its root at 0 and Frobenius norm 1, and is turned about the vertical axis. Axes: x right, y down, z forward.

Departs from the paper by default: its rotations are in the global frame, which can't keep a knee from bending
forwards. Here (``chained``) they add up down the tree, so that a range limits a joint; ``global`` is the paper's rule.
"""

import argparse
import io
from pathlib import Path

import numpy as np

from liftedcl.data_recipes import Skeletons
from liftedcl.drawing import figure_of_skeletons
from liftedcl.errors import run_cli
from liftedcl.files import atomic_path
from liftedcl.recipe import read_recipe
from liftedcl.skeleton import BONE_LENGTHS_CM, BONES, JOINTS, NUM_JOINTS, TEMPLATE_BONES_CM

TRUNK_AXES = np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
"""Frame of the root, as of a bone that points up: x to the left, y up (along the bone), z to the front."""


def sample_skeletons(n: int, rng: np.random.Generator, recipe: Skeletons) -> np.ndarray:
    """Sample ``n`` skeletons as the critic sees them: (n, 17, 3) float32, root 0, Frobenius norm 1, any camera view."""
    skeletons = sample_poses(n, rng, recipe)
    skeletons /= np.linalg.norm(skeletons, axis=(1, 2), keepdims=True)
    return turn(skeletons, rng.uniform(0, 2 * np.pi, n)).astype(np.float32)


def sample_poses(n: int, rng: np.random.Generator, recipe: Skeletons) -> np.ndarray:
    """Sample ``n`` people in cm whose root is at 0 and whose pelvis faces +z: (n, 17, 3) float64."""
    ranges = [recipe.ranges[recipe.composition][joint] for joint in JOINTS[1:]]
    low, high = np.array([[angles.a, angles.b, angles.c] for angles in ranges]).transpose(2, 0, 1)  # (16, 3) each
    angles = np.radians(rng.uniform(low, high, (n, len(BONES), 3)))
    ratios = rng.uniform(*recipe.length_ratio, (n, len(BONES)))
    directions = chained_directions(angles) if recipe.composition == "chained" else global_directions(angles)
    lengths = ratios * [BONE_LENGTHS_CM[joint] for joint in JOINTS[1:]]
    joints = np.zeros((n, NUM_JOINTS, 3))
    for bone, (parent, child) in enumerate(BONES):
        joints[:, child] = joints[:, parent] + lengths[:, bone, None] * directions[:, bone]
    return joints


def chained_directions(angles: np.ndarray) -> np.ndarray:
    """Bone directions from angles against the parent bone, (n, 16, 3) in radians -> (n, 16, 3) unit vectors.

    A bone's frame has y along the bone. It is the parent's frame times Ry(b) Rx(a) Ry(c): ``a`` bends away from the
    parent's bone, so |a| is the joint's angle, ``b`` says to which side, and ``c`` twists what hangs on the bone.
    """
    directions = np.empty((len(BONES), 3, len(angles)))  # samples last: numpy is fast along them
    frames = {0: tuple(TRUNK_AXES[:, :, None])}
    for bone, (parent, child) in enumerate(BONES):
        a, b, c = angles[:, bone].T  # (n,) each
        x, y, z = frames[parent]
        z, x = _rotate(z, x, b)
        y, z = _rotate(y, z, a)
        z, x = _rotate(z, x, c)
        frames[child] = x, y, z
        directions[bone] = y
    return directions.transpose(2, 0, 1)


def global_directions(angles: np.ndarray) -> np.ndarray:
    """The paper's rule: each bone of the template times Rz(c) Ry(b) Rx(a) in the global frame. Shapes as above."""
    a, b, c = np.moveaxis(-angles, -1, 0)  # coordinates turn against the axes
    x, y, z = np.moveaxis(TEMPLATE_BONES_CM / np.linalg.norm(TEMPLATE_BONES_CM, axis=1, keepdims=True), -1, 0)
    y, z = _rotate(y, z, a)
    z, x = _rotate(z, x, b)
    x, y = _rotate(x, y, c)
    return np.stack([x, y, z], axis=-1)


def turn(skeletons: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotate skeletons (n, 17, 3) about the vertical axis by angles (n,) in radians."""
    x, y, z = np.moveaxis(skeletons, -1, 0)
    z, x = _rotate(z, x, -angles[:, None])
    return np.stack([x, y, z], axis=-1)


def _rotate(first: np.ndarray, second: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two perpendicular axes turned by ``angle`` in their plane, ``first`` towards ``second``."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * first + sine * second, cosine * second - sine * first


def main() -> None:
    """Command line."""
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
    content = io.BytesIO()
    np.save(content, skeletons)
    with atomic_path(arguments.out) as part:
        part.write_bytes(content.getbuffer())  # numpy's own write to a full disk loses the error's number
    if arguments.figure:
        figure_of_skeletons(skeletons[:32], arguments.figure)


if __name__ == "__main__":
    run_cli(main)
