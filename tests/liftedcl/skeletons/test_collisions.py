"""Who holds an arm through trunk or head, and how few sampled people do: by points of limbs inside capsules."""

import dataclasses
import itertools

import numpy as np
import pytest
from repository import REPOSITORY

from liftedcl.identity.errors import InputError
from liftedcl.prior import draw_joints, possible_people, sample_joints, sample_skeletons
from liftedcl.recipes.data_recipes import Angles
from liftedcl.skeletons.collisions import HEAD_RADIUS_CM, TRUNK_RADIUS_CM, arms_in_body
from liftedcl.skeletons.skeleton import BONES, JOINTS, TEMPLATE_BONES_CM, flip_order
from workflow.params import read_params

N = 10_000
LIMBS = [(a, b) for s in "lr" for a, b in ((s + "shoulder", s + "elbow"), (s + "elbow", s + "wrist"))]
LIMBS += [(side + "knee", side + "ankle") for side in "lr"]
CAPSULES = {("root", "belly"): 9.0, ("belly", "neck"): 9.0, ("neck", "head"): 7.0, ("nose", "head"): 7.0}
"""Bones of the body and the radius in cm of what surrounds them."""


@pytest.fixture(scope="module")
def recipe():
    return read_params(REPOSITORY / "params.yaml").skeletons


def rng(seed=0):
    return np.random.default_rng(seed)


def points_on(joints, bone, count=25):
    """Points (count, 3, n) along a bone of people (17, 3, n)."""
    first, last = (joints[JOINTS.index(joint)] for joint in bone)
    return first + np.linspace(0, 1, count)[:, None, None] * (last - first)


def limb_in_body(joints):
    """Which people (17, 3, n) have a point of a limb in a capsule: no formula, the nearest of 25 x 25 points."""
    inside = np.zeros(joints.shape[2], bool)
    for capsule, radius in CAPSULES.items():
        body = points_on(joints, capsule)
        for limb in LIMBS:
            apart = points_on(joints, limb)[:, None] - body
            inside |= (np.einsum("ijcn,ijcn->ijn", apart, apart) < radius**2).any((0, 1))
    return inside


def knee_the_wrong_way(joints):
    """Which people have a knee that is bent by more than 10 degrees towards the front of the thigh.

    A thigh that is at most 60 degrees from its pelvis's plane and twisted by less than 90 has its hinge within 90
    degrees of the line through the hips, about which a heel turns backwards.
    """
    at = {name: joints[number] for number, name in enumerate(JOINTS)}
    wrong = np.zeros(joints.shape[2], bool)
    for side in "lr":
        thigh, shank = at[side + "knee"] - at[side + "hip"], at[side + "ankle"] - at[side + "knee"]
        hinge = np.cross(thigh, shank, axis=0)
        bent = np.linalg.norm(hinge, axis=0) > np.sin(np.radians(10)) * np.linalg.norm(thigh, axis=0) * 40
        wrong |= bent & (np.einsum("cn,cn->n", hinge, at["rhip"] - at["lhip"]) > 0)
    return wrong


def elbow_the_wrong_way(joints):
    """Which people have an elbow that is bent by more than 10 degrees to where no turn of the upper arm brings it.

    Unturned, a forearm bends at right angles to clavicle and upper arm: ahead, if the arm hangs or is held out. The
    upper arm turns it by up to 130 degrees outwards, to the side that the clavicle points to, and 95 inwards.
    """
    at = {name: joints[number] for number, name in enumerate(JOINTS)}
    wrong = np.zeros(joints.shape[2], bool)
    for side, ahead in (("l", -1), ("r", 1)):
        chain = at["neck"], at[side + "shoulder"], at[side + "elbow"], at[side + "wrist"]
        bones = [end - start for start, end in itertools.pairwise(chain)]
        clavicle, upper, forearm = (bone / np.linalg.norm(bone, axis=0) for bone in bones)
        outwards = clavicle - upper * np.einsum("cn,cn->n", clavicle, upper)
        ahead = ahead * np.cross(clavicle, upper, axis=0)
        turned = np.degrees(np.arctan2(*(np.einsum("cn,cn->n", forearm, axis) for axis in (outwards, ahead))))
        bent = np.einsum("cn,cn->n", forearm, upper) < np.cos(np.radians(10))
        wrong |= bent & ((turned < -95.1) | (turned > 130.1))
    return wrong


def test_no_person_is_impossible_and_they_would_be_seen(recipe):
    people, unchecked = sample_joints(N, rng(), recipe), draw_joints(N, rng(), recipe)
    for impossible in (limb_in_body, knee_the_wrong_way, elbow_the_wrong_way):
        assert not impossible(people).any(), impossible.__name__
    assert limb_in_body(unchecked).mean() > 0.1
    ranges = recipe.ranges["chained"]
    for hinge, wrong_way, most, share in (
        ("ankle", knee_the_wrong_way, 155.0, 0.9),
        ("wrist", elbow_the_wrong_way, 150.0, 0.8),  # of each arm, some 60% are turned to where both ways are right
    ):
        backwards = {side + hinge: dataclasses.replace(ranges[side + hinge], a=(-most, 0.0)) for side in "lr"}
        broken = dataclasses.replace(recipe, ranges={"chained": ranges | backwards})
        assert wrong_way(sample_joints(N, rng(), broken)).mean() > share


def test_the_distance_is_that_of_the_nearest_points(recipe):
    """Whom the formula finds are those for whom a fine grid of points does; only at the very edge may they differ."""
    joints = draw_joints(1000, rng(1), recipe)
    nearest = np.full(1000, np.inf)
    for body in CAPSULES:
        radius = HEAD_RADIUS_CM if "head" in body else TRUNK_RADIUS_CM
        for arm in LIMBS[:4]:
            apart = points_on(joints, arm, 50)[:, None] - points_on(joints, body, 50)
            nearest = np.minimum(nearest, np.sqrt(np.einsum("ijcn,ijcn->ijn", apart, apart).min((0, 1))) / radius)
    clear = np.abs(nearest - 1) > 0.01
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(arms_in_body(joints)[clear], (nearest < 1)[clear])


@pytest.mark.parametrize(
    ("elbow", "wrist", "inside"),
    [
        ((24, -21, 0), (24, 6, 0), False),  # hanging
        ((24, -30, 20), (-3, -30, 14), False),  # across the belly, in front of it
        ((24, -30, 0), (-3, -30, 0), True),  # through the belly
        ((24, -30, 14), (4, -30, -10), True),  # in at the front, on its way out at the back
        ((30, -70, 0), (0, -65, 0), True),  # through the head
        ((24, -80, 20), (2, -85, 23), False),  # a hand before the face
    ],
)
def test_arms_of_the_template(elbow, wrist, inside):
    joints = np.zeros((17, 3))
    for bone, (parent, child) in enumerate(BONES):
        joints[child] = joints[parent] + TEMPLATE_BONES_CM[bone]
    joints[JOINTS.index("relbow")], joints[JOINTS.index("rwrist")] = elbow, wrist
    mirrored = (joints * [-1, 1, 1])[flip_order()]
    assert arms_in_body(np.stack([joints, mirrored], axis=2)).tolist() == [inside, inside]


@pytest.mark.parametrize("n", [1, 7, 2500])
def test_exactly_as_many_as_asked_for_and_always_the_same(recipe, n):
    people = sample_skeletons(n, rng(3), recipe)
    assert people.shape == (n, 17, 3)
    assert people.tobytes() == sample_skeletons(n, rng(3), recipe).tobytes()


def test_those_who_are_possible_are_kept_in_the_order_in_which_they_were_drawn(recipe):
    drawn = []

    def draw(count):
        drawn.append(draw_joints(100, rng(len(drawn)), recipe))  # fewer than it asks for: it has to ask again
        return drawn[-1]

    kept = possible_people(300, draw)
    everyone = np.concatenate(drawn, axis=2)
    assert len(drawn) > 3
    np.testing.assert_array_equal(kept, everyone[..., ~arms_in_body(everyone)][..., :300])


def test_ranges_that_leave_nobody_are_an_error(recipe):
    ranges = dict.fromkeys(JOINTS[1:], Angles(a=(0.0, 0.0), b=(0.0, 0.0), c=(0.0, 0.0)))
    with pytest.raises(InputError, match=r"ranges\.chained.*widen"):
        sample_joints(5, rng(), dataclasses.replace(recipe, ranges={"chained": ranges}))


def test_the_papers_rule_stays_as_it_is(recipe):
    literal = read_params(REPOSITORY / "params.yaml", {"skeletons": {"composition": "global"}}).skeletons
    assert (sample_joints(N, rng(), literal) == draw_joints(N, rng(), literal)).all()
    assert arms_in_body(sample_joints(N, rng(), literal)).any()
