"""Generated LIP: the official layout, every class in every split, one labelled person, and the person's own sides."""

import dataclasses
import json

import numpy as np
import pytest

from downstream.lip.labels import CLASSES
from downstream.lip.reader import read_lip
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import read_recipe
from synthetic import lip
from synthetic.people.body import LEFT_ANKLE, LEFT_ELBOW, LEFT_FOOT, LEFT_HAND, LEFT_KNEE, LEFT_WRIST
from synthetic.people.person import sample_person, stand
from synthetic.recipes import GeneratedLip
from synthetic.renderer.camera import Camera, look_at
from synthetic.renderer.environment import sample_environment
from synthetic.renderer.render import render
from synthetic.textures.textures import TextureBank

RECIPE = GeneratedLip(seed=3, facing=180, most_people=4, train_scenes=20, val_scenes=20, width=200, height=150)
LIMBS = {
    "arm": (LEFT_ELBOW, LEFT_WRIST, LEFT_HAND),
    "leg": (LEFT_KNEE, LEFT_ANKLE),
    "shoe": (LEFT_ANKLE, LEFT_FOOT),
}
"""Left landmarks; each is followed by its right counterpart."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The val split as `generate` writes it, and a train list; in this process, whose textures other tests take too."""
    root, plan = tmp_path_factory.mktemp("lip"), lip.plan(RECIPE)
    rendered = [plan.render(root, RECIPE, chunk) for chunk in plan.chunks if chunk[0] == "val"]
    plan.finish(root, RECIPE, [*rendered, {"split": "train", "files": [], "names": ["1_000001"]}])
    return root


@pytest.fixture(scope="module")
def portraits():
    return [lip.portrait_at(RECIPE, "val", number) for number in range(40)]


def test_the_reader_reads_it_and_every_class_occurs(root):
    samples = read_lip(root, "val")
    labels = [samples.label(i) for i in range(len(samples))]
    assert set(np.unique(np.concatenate([values.ravel() for values in labels]))) == set(range(20))
    for i, values in enumerate(labels):
        assert i in values, f"picture {i} is drawn for {CLASSES[i]}"
        assert (values > 0).sum() >= 0.005 * 200 * 150
    assert len(samples) == 20 and (samples.sizes <= (200, 150)).all()


def test_the_files_are_what_is_drawn_and_names_follow_the_pixels(root, portraits):
    samples = read_lip(root, "val")
    for i, portrait in enumerate(portraits[:20]):
        np.testing.assert_array_equal(samples.label(i), portrait.labels)
        difference = np.abs(samples.image(i).astype(int) - portrait.image)
        assert np.median(difference) < 8  # JPEG
    assert all(name.startswith(f"{500_001 + i}_") for i, name in enumerate(samples.names))
    other = dataclasses.replace(RECIPE, seed=4)
    assert not np.array_equal(lip.portrait_at(other, "val", 0).image, portraits[0].image)


def test_every_file_is_in_the_plan(root):
    plan = lip.plan(RECIPE)
    assert {path.name for path in root.iterdir()} | {"train_images", "train_segmentations"} == set(plan.contents)
    assert plan.annotations == ("train_id.txt", "val_id.txt")
    assert [chunk[1:] for chunk in plan.chunks if chunk[0] == "train"] == [(0, 16), (16, 20)]


def test_only_one_person_is_labelled_and_lies_within_the_picture(portraits):
    several = 0
    for portrait in portraits:
        camera, scene = portrait.scene.camera, portrait.scene
        alone = render([portrait.person], [], scene.environment, camera, np.random.default_rng(0)).instance == 1
        assert not (portrait.labels > 0)[~alone].any()
        assert portrait.labels.shape == (camera.height, camera.width) == portrait.image.shape[:2]
        several += len(scene.people) > 1
    assert several > 3


def test_left_and_right_are_the_persons_own():
    """A T-pose that faces the camera has its left arm, leg and shoe at larger x, and at smaller x from behind."""
    centre = np.array([0.0, 1.0, 3.5])
    camera = Camera(look_at(centre, np.array([0, 0.9, 0.0])), centre, 300.0, 99.5, 149.5, 200, 300)
    bank = TextureBank((1,), variants=2)
    environment = sample_environment(bank, np.random.default_rng(0), indoor=False, reach=5)
    seen = set()
    for seed in range(12):
        for yaw, sign in ((0.0, 1), (np.pi, -1)):
            pose = np.broadcast_to(np.eye(3), (24, 3, 3)).copy()
            pose[0] = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
            person = stand(sample_person(bank, np.random.default_rng(seed)), pose, np.zeros(2))
            labels = render([person], [], environment, camera, np.random.default_rng(0)).label
            for limb in LIMBS:
                left, right = (np.nonzero(labels == CLASSES.index(f"{side}_{limb}"))[1] for side in ("left", "right"))
                if len(left) and len(right):
                    assert sign * (left.mean() - right.mean()) > 5
                    seen.add(limb)
    assert seen == set(LIMBS)


def test_limbs_are_labelled_by_the_side_of_the_joints_they_belong_to(portraits):
    """In any pose, at any yaw, a limb's pixels are nearer to the joints of its own side."""
    nearer, facing = [], []
    for portrait in portraits:
        joints = portrait.scene.camera.project(portrait.person.landmarks)[:, :2]
        forward = portrait.person.pose[0][:, 2]
        towards = forward @ (portrait.scene.camera.centre - portrait.person.landmarks[0])
        for limb, left_joints in LIMBS.items():
            left_joints = np.array(left_joints)
            for side, own, other in (("left", 0, 1), ("right", 1, 0)):
                rows, columns = np.nonzero(portrait.labels == CLASSES.index(f"{side}_{limb}"))
                if len(rows) < 12:
                    continue
                middle = np.array([columns.mean(), rows.mean()])
                distances = [np.linalg.norm(joints[left_joints + k] - middle, axis=1).min() for k in (own, other)]
                if np.linalg.norm(joints[left_joints] - joints[left_joints + 1], axis=1).min() > 8:
                    nearer.append(distances[0] < distances[1])
        shoulders = joints[16, 0] - joints[17, 0]
        if abs(towards) > 0.9 * np.linalg.norm(portrait.scene.camera.centre - portrait.person.landmarks[0]):
            facing.append(np.sign(shoulders) == np.sign(towards))
    assert len(nearer) > 60 and np.mean(nearer) > 0.97
    assert len(facing) > 5 and np.mean(facing) > 0.9


def test_splits_share_no_identity_and_no_texture():
    def drawn(split):
        cast, bank = lip._split_state(RECIPE, split)
        return {cast.person(number).betas.tobytes() for number in range(10)}, bank.key

    (train, train_key), (val, val_key) = drawn("train"), drawn("val")
    assert len(train) == len(val) == 10 and not train & val and train_key != val_key


def test_fewer_pictures_than_classes_are_refused():
    with pytest.raises(InputError, match="val_scenes"):
        read_recipe(GeneratedLip, json.dumps(dataclasses.asdict(RECIPE) | {"val_scenes": 19}))


def test_people_are_as_many_and_face_the_camera_as_the_recipe_says():
    recipe = dataclasses.replace(RECIPE, facing=20, most_people=1)
    for number in range(6):
        scene = lip.portrait_at(recipe, "val", number).scene
        assert len(scene.people) == 1
        (x, _, z), (to_x, _, to_z) = scene.people[0].pose[0][:, 2], scene.camera.centre - scene.people[0].translation
        if scene.people[0].pose[0][1, 1] > 0.7:  # lies otherwise
            assert np.degrees(np.arctan2(x * to_z - z * to_x, x * to_x + z * to_z)) == pytest.approx(0, abs=21)
    with pytest.raises(InputError, match="most_people"):
        dataclasses.replace(RECIPE, most_people=5)


def test_a_picture_does_not_depend_on_what_was_drawn_before(portraits):
    lip._split_state.cache_clear()
    again = lip.portrait_at(RECIPE, "val", 13)
    np.testing.assert_array_equal(again.image, portraits[13].image)
    np.testing.assert_array_equal(again.labels, portraits[13].labels)
