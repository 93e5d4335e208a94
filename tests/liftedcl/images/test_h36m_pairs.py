"""Pairs of Human3.6M's crops: all cameras of one instant within an angle, all moments of one video within a gap."""

import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from repository import REPOSITORY
from scipy.spatial.transform import Rotation
from tiny.h36m import write_tiny_h36m

from liftedcl.crops import make_h36m_crops
from liftedcl.data_sets.h36m.files import POSES
from liftedcl.identity.errors import InputError
from liftedcl.images.h36m_pairs import h36m_pairs
from liftedcl.images.pairs import KINDS, open_pairs
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.pairs import make_h36m_pairs
from liftedcl.recipes.data_recipes import Crops, H36MPairs

ANGLES = {1: 0, 2: 40, 3: 130, 4: 180}
"""Where each camera looks to, in degrees, all level: 40, 90, 130, 140, 180 and 50 apart."""

FRAMES = (1, 6, 11, 31)


class Rig:
    """Crops named as Human3.6M's, and annotations with the cameras."""

    def __init__(self, root):
        self.root, self.names, self.images, self.annotations = root, [], [], []

    def take(self, subject=1, action=2, subaction=1, cameras=ANGLES, frames=FRAMES):
        for camera, frame in itertools.product(cameras, frames):
            take = f"s_{subject:02d}_act_{action:02d}_subact_{subaction:02d}_ca_{camera:02d}"
            self.names.append(f"{take}/{take}_{frame:06d}.jpg")
            turned = Rotation.from_euler("z", -ANGLES[camera], degrees=True).as_matrix()
            level = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # the world's z is up, the camera's y down
            self.images.append({"id": len(self.images), "file_name": self.names[-1]})
            self.annotations.append({"image_id": len(self.images) - 1, "cam_param": {"R": (level @ turned).tolist()}})

    def shard(self):
        """One black crop of each frame, in another order than the annotations."""
        path = self.root / POSES["train"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"images": self.images, "annotations": self.annotations}))
        with ShardWriter(self.root / "x.npy", 4, 3, ("file", "annotation_id")) as shard:
            for number in np.random.default_rng(0).permutation(len(self.names)):
                shard.append(np.zeros((4, 3, 3), np.uint8), (self.names[number], number))
        return open_shard(self.root / "x.npy")

    def pairs(self, view_angle=(0, 180), pose_gap=(1, 1000), most=10**6, seed=0):
        """The pairs as names, by kind: {"view": [(first, second), ...], "pose": [...]}."""
        shard = self.shard()
        found, _ = h36m_pairs(self.root, shard, H36MPairs(view_angle, pose_gap, most, seed))
        names = shard.index["file"].str.split("/").str[1].to_numpy()
        pairs = np.stack([names[found.first], names[found.second]], 1).tolist()
        of_kind = {kind: np.flatnonzero(found.kinds == place) for place, kind in enumerate(KINDS)}
        return {kind: [tuple(pairs[place]) for place in places] for kind, places in of_kind.items()}


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


def parts(name):
    """Subject, action, subaction, camera and frame."""
    return tuple(int(part) for part in name.removesuffix(".jpg").split("_") if part.isdigit())


@pytest.mark.parametrize("limits", [(0, 180), (45, 135), (40, 50), (179, 180)])
def test_view_pairs_are_all_cameras_of_one_instant_within_the_angles(rig, limits):
    for subject, subaction in ((1, 1), (1, 2), (5, 1)):
        rig.take(subject, subaction=subaction)
    found = rig.pairs(view_angle=(limits[0] - 0.01 if limits[0] else 0, min(limits[1] + 0.01, 180)))["view"]
    for one, other in found:
        assert (*parts(one)[:3], parts(one)[4]) == (*parts(other)[:3], parts(other)[4])
        assert limits[0] <= abs(ANGLES[parts(one)[3]] - ANGLES[parts(other)[3]]) <= limits[1]
        assert parts(one)[3] != parts(other)[3]
    cameras = [
        pair for pair in itertools.combinations(ANGLES.values(), 2) if limits[0] <= abs(np.diff(pair)) <= limits[1]
    ]
    assert len({frozenset(pair) for pair in found}) == len(found) == 3 * len(FRAMES) * len(cameras)


@pytest.mark.parametrize("limits", [(1, 1000), (5, 5), (6, 24), (10, 25)])
def test_pose_pairs_are_all_moments_of_one_video_within_the_gap(rig, limits):
    for subject, subaction in ((1, 1), (1, 2), (5, 1)):
        rig.take(subject, subaction=subaction)
    found = rig.pairs(pose_gap=limits)["pose"]
    for one, other in found:
        assert parts(one)[:4] == parts(other)[:4]
        assert limits[0] <= abs(parts(one)[4] - parts(other)[4]) <= limits[1]
    gaps = [pair for pair in itertools.combinations(FRAMES, 2) if limits[0] <= pair[1] - pair[0] <= limits[1]]
    assert len({frozenset(pair) for pair in found}) == len(found) == 3 * len(ANGLES) * len(gaps)


def test_a_seed_gives_the_same_pairs_and_either_may_come_first(rig):
    rig.take(frames=range(1, 30))
    drawn = rig.pairs(most=50)
    assert {kind: len(pairs) for kind, pairs in drawn.items()} == {"view": 50, "pose": 50}
    assert rig.pairs(most=50) == drawn != rig.pairs(most=50, seed=1)
    later = [parts(one)[4] > parts(other)[4] for one, other in drawn["pose"]]
    assert 10 < sum(later) < 40
    assert {frozenset(pair) for pair in drawn["pose"]} <= {frozenset(pair) for pair in rig.pairs()["pose"]}


def test_the_numbers_of_one_kind_leave_the_other_alone(rig):
    rig.take()
    both = rig.pairs(most=7)
    assert rig.pairs(most=7, view_angle=(45, 135))["pose"] == both["pose"]
    assert rig.pairs(most=7, pose_gap=None) == {"view": both["view"], "pose": []}
    assert rig.pairs(most=7, view_angle=None) == {"view": [], "pose": both["pose"]}


def _no_camera(rig):
    del rig.annotations[3]["cam_param"]


def _bad_camera(rig):
    rig.annotations[3]["cam_param"]["R"][2] = [5.0, 0.0, "x"]


def _foreign(rig):
    rig.names[0] = "000000000139.jpg"


def _test_subject(rig):
    rig.names[0] = rig.names[0].replace("s_01", "s_09")


@pytest.mark.parametrize(
    ("mistake", "recipe", "named"),
    [
        (_no_camera, {}, r"_000031.jpg: its cam_param.R is no rotation, .*view_angle to null"),
        (_bad_camera, {}, "_000031.jpg: its cam_param.R is no rotation"),
        (lambda rig: rig.images[3].update(file_name="other.jpg"), {}, "_000031.jpg: its cam_param.R is missing"),
        (_foreign, {}, "x.npy: 000000000139.jpg is not s_SUBJECT_"),
        (_test_subject, {}, "shows no training subject"),
        (lambda rig: None, {"view_angle": (60, 80)}, r"no two cameras are 60 to 80 .*angles are 40 to 180 degrees"),
        (lambda rig: None, {"pose_gap": (31, 99)}, "no two crops of a video are 31 to 99 frames apart"),
    ],
)
def test_mistakes_are_one_line(rig, mistake, recipe, named):
    rig.take()
    mistake(rig)
    with pytest.raises(InputError, match=named) as error:
        rig.pairs(**recipe)
    assert "\n" not in str(error.value)


def test_crops_of_a_folder_are_paired_by_hand(tmp_path):
    """The whole way on frames with one camera: crops, pairs, a sheet; the same files from the same command."""
    root = write_tiny_h36m(tmp_path / "h36m", train=24)
    crops = tmp_path / "x.npy"
    make_h36m_crops(root, crops, Crops(height=40, width=30, min_keypoints=0, min_side=0.0))
    recipe = '{"view_angle": null, "pose_gap": [1, 12], "most": 9, "seed": 0}'
    words = ["--h36m", root, "--crops", crops, "--recipe", recipe, "--sheet", tmp_path / "x.png"]
    command = [sys.executable, "-m", "liftedcl.pairs", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "") and (tmp_path / "x.png").stat().st_size > 1000
    assert len(open_pairs(open_shard(crops))) == 9
    written = {name: (tmp_path / name).read_bytes() for name in ("x.pairs.csv", "x.pairs.json")}
    make_h36m_pairs(root, crops, H36MPairs(None, (1, 12), 9, 0))
    assert {name: (tmp_path / name).read_bytes() for name in written} == written
