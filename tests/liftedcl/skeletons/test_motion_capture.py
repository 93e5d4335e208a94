"""Real movements lie inside the ranges that skeletons are sampled from: two takes of free motion capture (CMU).

Angles are found by undoing the chained rule. What no joint's position shows is set: the belly's twist to 0, the neck's
so that the clavicles point left and right alike. So a frame that is inside with these values is inside.
"""

import re

import numpy as np
import pytest
from repository import REPOSITORY
from scipy.spatial.transform import Rotation

from liftedcl.prior import chained_directions
from liftedcl.skeletons.collisions import arms_in_body
from liftedcl.skeletons.skeleton import BONES, JOINTS
from workflow.params import read_params

CMU = {
    "rhip": "rhipjoint", "rknee": "rfemur", "rankle": "rtibia", "lhip": "lhipjoint", "lknee": "lfemur",
    "lankle": "ltibia", "belly": "lowerback", "neck": "lowerneck", "nose": "upperneck", "head": "head",
    "lshoulder": "lclavicle", "lelbow": "lhumerus", "lwrist": "lwrist", "rshoulder": "rclavicle",
    "relbow": "rhumerus", "rwrist": "rwrist",
}  # fmt: skip
"""The CMU bone that ends at each joint. The root is midway between the hips; the nose is ahead of where it says."""
NOSE_AHEAD = 0.06375 / 0.245
"""How far, in thighs: the template's."""
HINGES = {"rknee": -90, "lknee": 90, "relbow": 90, "lelbow": -90}
"""Bone above a hinge -> the direction b, in degrees, in which its hinge bends."""


@pytest.fixture(scope="module")
def ranges():
    return read_params(REPOSITORY / "params.yaml").skeletons.ranges["chained"]


def read_bones(path):
    """Of an .asf file: bone -> (parent, offset (3,), axes, degrees of freedom)."""
    bones, hierarchy = path.read_text().split(":hierarchy")
    parents = {child: words[0] for line in hierarchy.splitlines() if (words := line.split()) for child in words[1:]}
    result = {}
    for text in re.findall(r"begin\s(.*?)\send", bones, re.DOTALL):
        field = {words[0]: words[1:] for line in text.splitlines() if (words := line.split())}
        offset = float(field["length"][0]) * np.array(field["direction"], float)
        axes = Rotation.from_euler("xyz", np.array(field["axis"][:3], float), degrees=True)
        result[field["name"][0]] = parents[field["name"][0]], offset, axes, field.get("dof", [])
    return result


def read_motion(path):
    """Of an .amc file: bone -> its numbers (frames, k)."""
    motion = {}
    for line in path.read_text().splitlines():
        name, *numbers = line.split()
        if numbers and name[0] not in "#:":
            motion.setdefault(name, []).append([float(number) for number in numbers])
    return {name: np.array(numbers) for name, numbers in motion.items()}


def read_take(folder, subject, take):
    """Joints (frames, 17, 3) in the template's axes (y down), root at 0, thighs of 45 cm on average."""
    bones, motion = read_bones(folder / f"{subject}.asf"), read_motion(folder / f"{subject}_{take}.amc")
    ends = {"root": motion["root"][:, :3]}
    frames = {"root": Rotation.from_euler("xyz", motion["root"][:, 3:], degrees=True)}
    for name, (parent, offset, axes, freedom) in bones.items():
        angles = np.zeros((len(motion["root"]), 3))
        for column, degree in enumerate(freedom):
            angles[:, "xyz".index(degree[1])] = motion[name][:, column]
        frames[name] = frames[parent] * axes * Rotation.from_euler("xyz", angles, degrees=True) * axes.inv()
        ends[name] = ends[parent] + frames[name].apply(offset)
    thigh = np.mean([np.linalg.norm(bones[side + "femur"][1]) for side in "lr"])
    root = (ends["lhipjoint"] + ends["rhipjoint"]) / 2
    joints = np.stack([root, *(ends[CMU[joint]] for joint in JOINTS[1:])], axis=1)
    joints[:, JOINTS.index("nose")] += frames["head"].apply([0, 0, NOSE_AHEAD * thigh])
    return (joints - root[:, None]) * 45 / thigh * [-1, -1, 1]  # CMU: x to the left, y up


def angles_of(joints):
    """Joint -> angles a, b, c (n, 3) in degrees against its parent bone, of people (n, 17, 3) that face any way."""
    leftwards = (joints[:, JOINTS.index("lhip")] - joints[:, JOINTS.index("rhip")]) * [1, 0, 1]
    left = leftwards / np.linalg.norm(leftwards, axis=1, keepdims=True)
    up = np.broadcast_to([0.0, -1.0, 0.0], left.shape)
    frames = {0: Rotation.from_matrix(np.stack([left, up, np.cross(left, up)], axis=2))}
    angles = {}

    def bend(frame, bone):
        x, y, z = frame.inv().apply(bone).T
        return np.arctan2(np.hypot(x, z), y), np.arctan2(x, z)

    for parent, child in BONES:
        name = JOINTS[child]
        a, b = bend(frames[parent], joints[:, child] - joints[:, parent])
        swing = frames[parent] * Rotation.from_euler("YXY", np.stack([b, a, 0 * a], axis=1))
        c = np.zeros(len(joints))
        if name in HINGES:
            c = bend(swing, joints[:, child + 1] - joints[:, child])[1] - np.radians(HINGES[name])
        elif name == "neck":
            x, _, z = swing.inv().apply(joints[:, JOINTS.index("lshoulder")] - joints[:, JOINTS.index("rshoulder")]).T
            c = b + np.arctan2(-z, x)
        swung = c - b if name in ("belly", "neck") else c
        frames[child] = swing * Rotation.from_euler("Y", swung[:, None])
        angles[name] = (np.degrees(np.stack([a, b, c], axis=1)) + 180) % 360 - 180
    return angles


def inside(angles, ranges):
    """Joint -> which people (n,) are inside its ranges. Bending by -a to one side is bending by a to the other."""
    result = {}
    for name, (a, b, c) in ((name, found.T) for name, found in angles.items()):
        within = lambda value, low, high: (value - low + 1e-3) % 360 <= high - low + 2e-3  # noqa: E731
        limits = ranges[name]
        bent = within(a, *limits.a) & within(b, *limits.b) | within(-a, *limits.a) & within(b + 180, *limits.b)
        if JOINTS[JOINTS.index(name) - 1] in HINGES:
            bent = within(a, *limits.a)  # its b is what c of the bone above was found from
        result[name] = bent & within(c, *limits.c)
    return result


def test_angles_are_those_that_a_skeleton_was_made_of(ranges):
    rng, drawn = np.random.default_rng(0), {}
    for name, limits in ranges.items():
        drawn[name] = np.stack([rng.uniform(low, high, 500) for low, high in (limits.a, limits.b, limits.c)])
    drawn["belly"][2] = 0
    for name in ("lshoulder", "rshoulder"):
        drawn[name][0], drawn[name][1] = 95, 90 if name[0] == "l" else -90
    for name in ("rhip", "lhip"):
        drawn[name][1] = 90 if name[0] == "l" else -90
    radians = np.radians(np.stack([drawn[joint] for joint in JOINTS[1:]]))
    directions = chained_directions(radians)
    joints = np.zeros((17, 3, 500))
    for bone, (parent, child) in enumerate(BONES):
        joints[child] = joints[parent] + 10 * directions[bone]
    found = angles_of(joints.transpose(2, 0, 1))
    assert all(ok.all() for ok in inside(found, ranges).values())
    for name in ("rknee", "lelbow", "neck"):
        back = found[name].T.copy()
        back[:2] = np.where(drawn[name][0] < 0, [-back[0], back[1] + 180], back[:2])
        np.testing.assert_allclose((back - drawn[name] + 180) % 360, 180, atol=1e-4, err_msg=name)


@pytest.mark.parametrize(("subject", "take", "share"), [("01", "01", 0.95), ("11", "01", 0.92)])
def test_real_movements_are_inside_the_ranges(realdata, ranges, subject, take, share):
    joints = read_take(realdata("skeletons/cmu_mocap"), subject, take)
    found = inside(angles_of(joints), ranges)
    assert np.all([*found.values()], axis=0).mean() > share, {name: ok.mean() for name, ok in found.items()}
    assert not arms_in_body(joints.transpose(1, 2, 0)).any()
