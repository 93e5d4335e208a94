"""Generated MPII: the published layout, read by the benchmark's own reader; left and right; determinism."""

import hashlib
import json

import numpy as np
import pytest
from scipy.io import loadmat

from downstream.mpii.joints import JOINTS
from downstream.mpii.reader import annotation_path, read_mpii, to_people
from downstream.mpii.truth import check_same_people, read_truth, truth_path
from downstream.mpii.truth_variables import DATASET_JOINTS
from liftedcl.files.image_files import read_image
from liftedcl.identity.errors import InputError
from synthetic import mpii
from synthetic.generation import write_jpeg
from synthetic.people.body import HEAD, NOSE
from synthetic.recipes import GeneratedMpii

RECIPE = GeneratedMpii(seed=1, facing=180, train_scenes=18, valid_scenes=8, width=160, height=120)
LEFT, RIGHT = ([JOINTS.index(f"{side}_{joint}") for joint in ("hip", "shoulder")] for side in ("left", "right"))
TURNED_M = 0.08
"""A person faces the camera whose nose is nearer to it than the middle of the head by this much."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """What `generate` writes, rendered in this process."""
    root, plan = tmp_path_factory.mktemp("mpii"), mpii.plan(RECIPE)
    plan.finish(root, RECIPE, [plan.render(root, RECIPE, chunk) for chunk in plan.chunks])
    assert all((root / name).is_file() for name in plan.annotations)
    assert {path.name for path in root.iterdir()} == set(plan.contents)
    return root


def test_a_scene_is_the_same_whatever_was_drawn_before(root, tmp_path):
    write_jpeg(tmp_path / "again.jpg", mpii.SCENES.at(RECIPE, "valid", 5)[1].image)
    people = json.loads(annotation_path(root, "valid").read_text())
    assert (tmp_path / "again.jpg").read_bytes() == (root / "images" / "001000006.jpg").read_bytes()
    for person in people:
        picture = (root / "images" / person["image"]).read_bytes()
        assert person["image_sha256"] == hashlib.sha256(picture).hexdigest()


def test_annotations_have_the_same_bytes_again(root, tmp_path):
    labels = [{"split": "valid", "people": json.loads(annotation_path(root, "valid").read_text())}]
    boxes = loadmat(truth_path(root))["headboxes_src"].transpose(2, 0, 1).tolist()
    mpii.write_annotations(tmp_path, RECIPE, [labels[0] | {"head_boxes": boxes}])
    for path in (truth_path(tmp_path), annotation_path(tmp_path, "valid")):
        assert path.read_bytes() == (root / "annot" / path.name).read_bytes()


def test_the_benchmark_reads_it(root):
    people = {split: read_mpii(root, split) for split in mpii.SPLITS}
    assert not set(people["train"].names) & set(people["valid"].names)
    assert len(set(people["train"].names)) <= 18 < len(people["train"])  # two in some pictures
    truth = read_truth(truth_path(root))
    assert check_same_people(truth, people["valid"]) == 0 and (truth.visible == people["valid"].visible).all()
    np.testing.assert_array_equal(truth.joints[truth.visible], people["valid"].joints[truth.visible])
    regions = to_people(people["train"], 1.25).people
    near = np.abs(people["train"].joints - regions.centres[:, None]).max(axis=2) < regions.widths[:, None] / 2
    assert near[people["train"].visible].mean() > 0.95
    heads = truth.head_sizes / people["valid"].heights
    assert ((heads > 0.06) & (heads < 0.2)).all()


def test_files_carry_what_the_published_ones_carry(root, realdata):
    real = json.loads((realdata("mpii/mmpose_5img") / "test_mpii.json").read_text())
    files = {
        name: json.loads(annotation_path(root, name).read_text()) for name in ("train", "valid", "trainval", "test")
    }
    assert set(real[0]) <= set(files["train"][0]) and files["trainval"] == files["train"] + files["valid"]
    assert not any("joints" in person for person in files["test"])
    for person in files["trainval"]:
        joints, visible = np.array(person["joints"]), np.array(person["joints_vis"])
        assert (joints[visible == 0] == -1).all() and (joints[visible == 1] >= 1).all()
        assert (joints <= (RECIPE.width, RECIPE.height)).all()
    variables = loadmat(truth_path(root))
    count = len(files["valid"])
    shapes = {"jnt_missing": (16, count), "pos_gt_src": (16, 2, count), "headboxes_src": (2, 2, count)}
    assert {name: variables[name].shape for name in shapes} == shapes
    assert [str(name[0]) for name in variables["dataset_joints"][0]] == list(DATASET_JOINTS)


def test_left_is_left(root, monkeypatch):
    """Of people who face the camera the left hip and shoulder are further right in the image; else further left.

    Nose and head, which have no side, show which way a person faces.
    """
    monkeypatch.setattr("synthetic.scene.render_scene", lambda scene, rng: None)
    across: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for split, count in (("train", RECIPE.train_scenes), ("valid", RECIPE.valid_scenes)):
        entries = json.loads(annotation_path(root, split).read_text())
        by_centre = {(person["image"], *person["center"]): np.array(person["joints"]) for person in entries}
        first = {"train": 1, "valid": 1_000_001}[split]
        for number in range(count):
            scene, _ = mpii.SCENES.at(RECIPE, split, number)
            for person in scene.people:
                trunk = scene.camera.project((mpii.MPII_MAP @ person.landmarks)[[6, 7]])[:, :2].mean(axis=0)
                joints = by_centre.get((f"{first + number:09d}.jpg", *np.round(trunk + 1, 3).tolist()))
                head, nose = scene.camera.to_camera(person.landmarks[[HEAD, NOSE]])[:, 2]
                upright = person.pose[0][1, 1] > 0.8
                if joints is None or not upright or (joints[LEFT + RIGHT] == -1).any() or abs(head - nose) < TURNED_M:
                    continue
                across[bool(nose < head)].append(joints[LEFT, 0] - joints[RIGHT, 0])
    assert min(map(len, across.values())) >= 3
    assert np.min(across[True]) > 0 > np.max(across[False])


def test_a_joint_is_on_the_person(root):
    """Coordinates count from 1; minus one, they are pixels where `instance` shows the person."""
    on = []
    for number in range(6):
        scene, frame = mpii.SCENES.at(RECIPE, "valid", number)
        if len(scene.people) > 1:
            continue
        for entry, _ in mpii.annotate(scene, frame):
            joints = np.array(entry["joints"])[np.array(entry["joints_vis"]) == 1] - 1
            columns, rows = np.rint(joints).astype(int).T
            on.append((frame.instance[rows, columns] == 1).mean())
    assert on and np.mean(on) > 0.8


def test_pictures_are_those_of_the_recipe(root):
    assert {read_image(path).shape for path in (root / "images").iterdir()} == {(120, 160, 3)}
    assert len(list((root / "images").iterdir())) == 26
    first, second = (mpii.SCENES.at(RECIPE, split, 0)[1].image for split in mpii.SPLITS)
    assert not np.array_equal(first, second)


def test_scenes_too_small_are_refused():
    with pytest.raises(InputError, match="width"):
        GeneratedMpii(seed=0, facing=180, train_scenes=1, valid_scenes=1, width=20, height=120)
