"""Generated data sets: formats, determinism, resuming, and that other people's files are never replaced."""

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from repository import REPOSITORY
from tiny.interruption import killed

from liftedcl.data_sets.h36m.files import POSES, SUBJECTS
from liftedcl.data_sets.imagenet.files import CLASSES
from liftedcl.files import atomic
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from synthetic import coco, generation, h36m, imagenet
from synthetic.generation import generate
from synthetic.recipes import GeneratedCoco, GeneratedH36M, GeneratedImagenet

COCO_RECIPE = GeneratedCoco(seed=1, facing=180, train_scenes=20, val_scenes=6, width=160, height=120)
SMALL_RECIPE = GeneratedCoco(seed=1, facing=180, train_scenes=8, val_scenes=1, width=64, height=48)
"""For tests of chunks: it has two of them, and its images don't matter."""
H36M_RECIPE = GeneratedH36M(seed=1, frames_per_take=1, image_size=96)
IMAGENET_RECIPE = GeneratedImagenet(seed=1, classes=5, images_per_class=3, image_size=48)


def _digests(root: Path) -> dict[str, str]:
    """SHA-256 of every file that the data set consists of."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def coco_root(tmp_path_factory):
    """What `generate` writes, without digests, rendered in this process."""
    root, plan = tmp_path_factory.mktemp("coco"), coco.plan(COCO_RECIPE)
    labels = [plan.render(root, COCO_RECIPE, chunk) | {"pictures": ""} for chunk in plan.chunks]
    plan.finish(root, COCO_RECIPE, labels)
    return root


@pytest.fixture(scope="module")
def small_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("generated") / "coco"
    generate(coco.plan(SMALL_RECIPE), root, workers=1)
    return root


@pytest.fixture(scope="module")
def h36m_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("generated") / "h36m"
    whole = h36m.plan(H36M_RECIPE)
    two_subjects = [chunk for chunk in whole.chunks if chunk[0] in (1, 9)]
    generate(dataclasses.replace(whole, chunks=two_subjects), root, workers=2)
    return root


def test_the_same_bytes_for_any_number_of_workers(small_root, tmp_path):
    generate(coco.plan(SMALL_RECIPE), tmp_path / "again", workers=2)
    assert _digests(tmp_path / "again") == _digests(small_root)


def test_another_seed_gives_other_pictures():
    other = dataclasses.replace(COCO_RECIPE, seed=2)
    first = coco.SCENES.at(COCO_RECIPE, "val", 0)[1].image
    assert not np.array_equal(first, coco.SCENES.at(other, "val", 0)[1].image)
    assert not np.array_equal(first, coco.SCENES.at(COCO_RECIPE, "val", 1)[1].image)


@pytest.mark.parametrize("split", coco.SPLITS)
def test_coco_annotations_follow_cocos_conventions(coco_root, split):
    data = COCO(str(coco_root / "annotations" / f"person_keypoints_{split}2017.json"))
    assert len(data.imgs) == {"train": 20, "val": 6}[split] and len(data.anns) > 0
    for image in data.imgs.values():
        assert (coco_root / f"{split}2017" / f"{image['id']:012d}.jpg").is_file()
        assert (image["width"], image["height"]) == (160, 120)
    for entry in data.anns.values():
        mask = data.annToMask(entry)
        assert mask.sum() == entry["area"]
        rows, columns = np.nonzero(mask)
        x, y, width, height = entry["bbox"]
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (x, y, x + width, y + height)
        points = np.array(entry["keypoints"]).reshape(17, 3)
        assert (points[points[:, 2] == 0] == 0).all() and set(points[:, 2]) <= {0, 1, 2}
        assert entry["num_keypoints"] == (points[:, 2] > 0).sum()
    category = data.cats[1]
    assert len(category["keypoints"]) == 17 and len(category["skeleton"]) == 19
    assert len(COCO(str(coco_root / "annotations" / f"instances_{split}2017.json")).anns) == len(data.anns)


def test_h36m_annotations_are_paired_and_project_into_the_box(h36m_root):
    inside = []
    for split, subjects in SUBJECTS.items():
        data = json.loads((h36m_root / POSES[split]).read_text())
        assert len(data["images"]) == len(data["annotations"]) == 15 * 2 * 4
        assert len({image["id"] for image in data["images"]}) == len(data["images"])
        for image, entry in zip(data["images"], data["annotations"], strict=True):
            assert image["id"] == entry["image_id"] and image["subject"] in subjects
            take, name = image["file_name"].split("/")
            assert name == f"{take}_{image['frame_idx'] + 1:06d}.jpg"
            assert f"act_{image['action_idx']:02d}" in take and (h36m_root / "images" / image["file_name"]).is_file()
            camera = {key: np.array(value) for key, value in entry["cam_param"].items()}
            points = (np.array(entry["keypoints_world"]) - camera["t"]) @ camera["R"].T
            pixels = points[:, :2] / points[:, 2:] * camera["f"] + camera["c"]
            x, y, width, height = entry["bbox"]
            inside.append((pixels > (x - 1.5, y - 1.5)) & (pixels < (x + width + 0.5, y + height + 0.5)))
            np.testing.assert_allclose(camera["R"] @ camera["R"].T, np.eye(3), atol=1e-9)
            assert np.linalg.det(camera["R"]) > 0 and points[:, 2].min() > 2000
    assert np.mean(inside) > 0.99


def test_h36m_world_is_upright_and_in_millimetres(h36m_root):
    data = json.loads((h36m_root / POSES["test"]).read_text())
    joints = np.array([entry["keypoints_world"] for entry in data["annotations"]])
    thigh = np.linalg.norm(joints[:, 1] - joints[:, 2], axis=-1)
    assert (thigh > 300).all() and (thigh < 520).all()
    standing = joints[[image["action_name"] == "Waiting" for image in data["images"]]]
    assert (standing[:, 10, 2] - standing[:, 3, 2] > 1000).all() and (standing[..., 2] > -30).all()


def test_four_cameras_agree_on_every_joint():
    person = h36m.take(H36M_RECIPE, 9, 3, 1)[0]
    truth = h36m.H36M_MAP @ person.landmarks
    for joint in range(17):
        equations = []
        for camera in h36m.rig(H36M_RECIPE, 9):
            u, v = camera.project(truth[joint : joint + 1])[0, :2]
            normalised = np.array([(u - camera.cx) / camera.focal, (v - camera.cy) / camera.focal, 1])
            matrix = np.concatenate([camera.rotation.T, -camera.rotation.T @ camera.centre[:, None]], axis=1)
            equations += [normalised[axis] * matrix[2] - matrix[axis] for axis in (0, 1)]
        solution = np.linalg.svd(np.array(equations))[2][-1]
        np.testing.assert_allclose(solution[:3] / solution[3], truth[joint], atol=1e-6)


def test_imagenet_is_an_image_folder(tmp_path):
    generate(imagenet.plan(IMAGENET_RECIPE), tmp_path / "in", workers=1)
    for split, count in (("train", 3), ("val", 1)):
        folders = sorted((tmp_path / "in" / split).iterdir())
        assert [folder.name for folder in folders] == sorted(imagenet.class_names(5))
        assert all(len(list(folder.glob("*.jpg"))) == count for folder in folders)
    assert (tmp_path / "in" / CLASSES).is_file()


def test_class_names_are_distinct_and_counted():
    for count in (1, 10, 46, 47, 100):
        assert len(set(imagenet.class_names(count))) == count
    with pytest.raises(InputError, match="classes"):
        imagenet.class_names(10_000)


def test_foreign_files_are_never_replaced(tmp_path):
    (tmp_path / "annotations").mkdir()
    precious = tmp_path / "annotations" / "person_keypoints_train2017.json"
    precious.write_text("mine")
    with pytest.raises(InputError, match="not generated"):
        generate(coco.plan(COCO_RECIPE), tmp_path, workers=1)
    assert precious.read_text() == "mine" and len(_digests(tmp_path)) == 1


def test_another_recipe_replaces_generated_data_only(tmp_path):
    root = tmp_path / "coco"
    small = GeneratedCoco(seed=1, facing=180, train_scenes=1, val_scenes=1, width=64, height=48)
    generate(coco.plan(small), root, workers=1)
    (root / "notes.txt").write_text("mine")
    other = GeneratedCoco(seed=1, facing=180, train_scenes=1, val_scenes=2, width=64, height=48)
    generate(coco.plan(other), root, workers=1)
    assert (root / "notes.txt").read_text() == "mine"
    assert len(list((root / "train2017").iterdir())) == 1 and len(list((root / "val2017").iterdir())) == 2
    assert json.loads((root / generation.IDENTITY).read_text())["recipe"]["val_scenes"] == 2


@pytest.mark.parametrize("name", ["..", ".", "", "../notes.txt", "a\0b", 3, None])
def test_a_damaged_marker_reaches_nothing_outside_its_folder(tmp_path, name):
    """It names what another recipe's data are replaced in; `contents` itself may be anything too."""
    root = tmp_path / "coco"
    write_json(root / generation.IDENTITY, {"kind": "coco", "recipe": {}, "contents": [name]})
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"generation\.json: not written by this program"):
        generate(coco.plan(SMALL_RECIPE), root, workers=1)
    write_json(root / generation.IDENTITY, {"kind": "coco", "recipe": {}, "contents": name})
    with pytest.raises(InputError, match=r"generation\.json: not written by this program"):
        generate(coco.plan(SMALL_RECIPE), root, workers=1)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_labels_that_are_not_what_was_written_are_named(small_root):
    """They are the annotations of a run that was stopped before it wrote these."""
    chunk = small_root / generation.CHUNKS / "chunk_00000.json"
    content = chunk.read_text()
    chunk.write_text(content.replace('"split": "train"', '"split": "val"', 1))
    with pytest.raises(InputError, match=r"chunk_00000\.json: damaged, its checksum differs; remove this file"):
        generate(coco.plan(SMALL_RECIPE), small_root, workers=1)
    chunk.write_text(content)


def test_a_finished_data_set_is_left_alone_and_a_lost_picture_comes_back(small_root):
    before = _digests(small_root)
    annotation = small_root / "annotations" / "instances_val2017.json"
    written = annotation.stat().st_mtime_ns
    generate(coco.plan(SMALL_RECIPE), small_root, workers=1)
    assert annotation.stat().st_mtime_ns == written
    next((small_root / "val2017").iterdir()).unlink()
    generate(coco.plan(SMALL_RECIPE), small_root, workers=1)
    assert _digests(small_root) == before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_and_resumed_gives_the_same_bytes(small_root, tmp_path, how):
    root = tmp_path / "killed"
    command = [sys.executable, "-m", "synthetic", "coco", "--out", str(root), "--workers", "1"]
    command += ["--recipe", json.dumps(SMALL_RECIPE.__dict__)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(root.glob("train2017/*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, how)
    process.wait()
    assert not list(root.glob("annotations/*"))
    generate(coco.plan(SMALL_RECIPE), root, workers=1)
    assert _digests(root) == _digests(small_root)


def test_the_command_names_what_is_wrong(tmp_path):
    command = [sys.executable, "-m", "synthetic", "coco", "--out", str(tmp_path), "--recipe", '{"sed": 1}']
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 2 and "sed" in run.stderr and len(run.stderr.splitlines()) == 1


def test_annotations_carry_what_real_coco_carries(coco_root, realdata):
    name = "annotations/person_keypoints_val2017.json"
    real = json.loads((realdata("coco/coco_mini") / name).read_text())
    ours = json.loads((coco_root / name).read_text())
    assert set(real["annotations"][0]) == set(ours["annotations"][0])
    assert {"id", "file_name", "width", "height"} <= set(real["images"][0]) & set(ours["images"][0])
    person = next(category for category in real["categories"] if category["name"] == "person")
    assert person["id"] == ours["categories"][0]["id"] == 1
    assert [person["keypoints"], person["skeleton"]] == [ours["categories"][0][k] for k in ("keypoints", "skeleton")]


def test_a_killed_worker_is_one_line(tmp_path):
    plan = coco.plan(SMALL_RECIPE)
    with pytest.raises(InputError, match=r"--workers 2: the system ended one of these processes.*same command again"):
        generate(dataclasses.replace(plan, render=killed), tmp_path, workers=2)
    assert {path.name for path in tmp_path.iterdir()} == {generation.IDENTITY, generation.CHUNKS}


def test_two_commands_never_write_one_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "_PATIENCE", 0.1)
    with atomic.exclusive(tmp_path / generation.CHUNKS), pytest.raises(InputError, match="another process"):
        generate(coco.plan(SMALL_RECIPE), tmp_path, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == [generation.CHUNKS]
