"""10,000 sampled skeletons: the published way composes the bones of one skeleton after another in Python."""

import functools
import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.recipes import skeleton_recipe
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Variant, timed
from liftedcl.prior import TRUNK_AXES, possible_people, sample_skeletons
from liftedcl.recipes.data_recipes import Skeletons
from liftedcl.skeletons.skeleton import BONE_LENGTHS_CM, BONES, JOINTS, NUM_JOINTS, TEMPLATE_BONES_CM

CORES = 1

Way = Callable[[np.ndarray, np.ndarray, Skeletons], np.ndarray]
"""Angles (n, 16, 3), length ratios (n, 16), recipe -> joints (n, 17, 3) in cm."""

_TRUNK = ("belly", "neck")
_LENGTHS = np.array([BONE_LENGTHS_CM[joint] for joint in JOINTS[1:]])


def cases(smoke: bool) -> Iterator[Case]:
    count = 50 if smoke else 10_000
    for composition, note in (("chained", "the default"), ("global", "the paper's literal rule")):
        recipe = skeleton_recipe(composition)
        ways = (
            (OURS, "liftedcl.prior", sample_skeletons),
            (PUBLISHED, "Python loop", _loop),
            (PEER, "scipy Rotation, batched per bone", _scipy),
            (FLOOR, "drawing the random numbers, no more", _draw),
        )
        yield Case(
            name=f"skeletons, {composition}",
            variants=[
                Variant(role, name, timed(functools.partial(way, count, np.random.default_rng(0), recipe)))
                for role, name, way in ways
            ],
            items=count,
            unit="skeletons",
            check=functools.partial(_check, recipe),
            goal=100.0,
            note=note,
        )


def _check(recipe: Skeletons) -> None:
    ours, loop, scipy = (
        function(200, np.random.default_rng(5), recipe) for function in (sample_skeletons, _loop, _scipy)
    )
    assert ours.shape == (200, NUM_JOINTS, 3)
    for name, other in (("the loop", loop), ("scipy", scipy)):
        assert np.abs(ours - other).max() < 2e-6, f"{recipe.composition}: {name} makes other skeletons"


def _draw(n: int, rng: np.random.Generator, recipe: Skeletons) -> tuple[np.ndarray, np.ndarray]:
    """Angles (n, 16, 3) in radians and length ratios (n, 16), in the order in which ours draws them."""
    ranges = [recipe.ranges[recipe.composition][joint] for joint in JOINTS[1:]]
    low, high = np.radians([[angles.a, angles.b, angles.c] for angles in ranges]).transpose(2, 0, 1)
    shortest, longest = recipe.length_ratio
    angles = rng.random((len(BONES), 3, n), dtype=np.float32).transpose(2, 0, 1) * (high - low) + low
    ratios = rng.random((len(BONES), n), dtype=np.float32).T * (longest - shortest) + shortest
    return angles, ratios


def _about(axis: str, angle: float) -> np.ndarray:
    cosine, sine = math.cos(angle), math.sin(angle)
    if axis == "x":
        return np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
    if axis == "y":
        return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _people(way: Way, n: int, rng: np.random.Generator, recipe: Skeletons) -> np.ndarray:
    """Skeletons (n, 17, 3) of people whose joints ``way`` composes; who is drawn again is decided as ours does."""

    def draw(count: int) -> np.ndarray:
        return way(*_draw(count, rng, recipe), recipe).transpose(1, 2, 0)

    joints = draw(n) if recipe.composition == "global" else possible_people(n, draw)
    return joints.transpose(2, 0, 1)


def _loop(n: int, rng: np.random.Generator, recipe: Skeletons) -> np.ndarray:
    """One skeleton after another, bone by bone, with one rotation matrix for each angle."""
    people = _people(_joints_one_by_one, n, rng, recipe)
    turns = _turns(n, rng)
    skeletons = np.zeros((n, NUM_JOINTS, 3), np.float32)
    for i in range(n):
        skeletons[i] = (people[i] / np.linalg.norm(people[i])) @ _about("y", turns[i]).T
    return skeletons


def _joints_one_by_one(angles: np.ndarray, ratios: np.ndarray, recipe: Skeletons) -> np.ndarray:
    people = np.zeros((len(angles), NUM_JOINTS, 3))
    for i, joints in enumerate(people):
        frames = {0: TRUNK_AXES.T}
        for bone, (parent, child) in enumerate(BONES):
            a, b, c = angles[i, bone]
            if recipe.composition == "chained":
                twist = c - b if JOINTS[child] in _TRUNK else c
                frames[child] = frames[parent] @ _about("y", b) @ _about("x", a) @ _about("y", twist)
                step = _LENGTHS[bone] * frames[child][:, 1]
            else:
                step = _about("z", c) @ _about("y", b) @ _about("x", a) @ TEMPLATE_BONES_CM[bone]
            joints[child] = joints[parent] + ratios[i, bone] * step
    return people


def _scipy(n: int, rng: np.random.Generator, recipe: Skeletons) -> np.ndarray:
    """scipy's rotations of all skeletons at once, bone by bone."""
    joints = _people(_joints_by_scipy, n, rng, recipe)
    joints /= np.linalg.norm(joints, axis=(1, 2), keepdims=True)
    turned = Rotation.from_euler("y", np.repeat(_turns(n, rng), NUM_JOINTS)[:, None]).apply(joints.reshape(-1, 3))
    return turned.reshape(joints.shape).astype(np.float32)


def _joints_by_scipy(angles: np.ndarray, ratios: np.ndarray, recipe: Skeletons) -> np.ndarray:
    n = len(angles)
    joints = np.zeros((n, NUM_JOINTS, 3))
    frames = {0: Rotation.from_matrix(np.broadcast_to(TRUNK_AXES.T, (n, 3, 3)))}
    for bone, (parent, child) in enumerate(BONES):
        a, b, c = angles[:, bone].T
        if recipe.composition == "chained":
            twist = c - b if JOINTS[child] in _TRUNK else c
            frames[child] = frames[parent] * Rotation.from_euler("YXY", np.stack([b, a, twist], axis=1))
            step = frames[child].apply([0.0, _LENGTHS[bone], 0.0])
        else:
            step = Rotation.from_euler("xyz", angles[:, bone]).apply(TEMPLATE_BONES_CM[bone])
        joints[:, child] = joints[:, parent] + ratios[:, bone, None] * step
    return joints


def _turns(n: int, rng: np.random.Generator) -> np.ndarray:
    return 2 * np.pi * rng.random(n, dtype=np.float32)
