"""Both Human3.6M tasks: stored predictions through the command, the 3D prior, the probe, real frames."""

import dataclasses
import json
import pickle
import shutil
import sys
from contextlib import nullcontext

import cv2
import numpy as np
import pytest
import torch
from tiny.h36m import RECIPE, RECIPE_2D, entry_2d, write_tiny_h36m
from tiny.tasks import augmented_of, examples_of, scores_of, task_of, train

from downstream.h36m import __main__ as command
from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_3d import reader as reader_3d
from downstream.h36m.pose_3d.data import PoseBatches
from downstream.h36m.shared.camera import world_to_camera
from downstream.h36m.shared.skeleton_prior_recipe import SkeletonPriorRecipe
from downstream.heatmap_pose.keypoint_task import KeypointTask
from downstream.reading.restricted_pickle import load_plain
from downstream.registry import BENCHMARKS
from liftedcl.engine.loop import train_step
from liftedcl.skeletons.skeleton import JOINTS

PRIOR = SkeletonPriorRecipe(
    hidden=16, blocks=1, lifting=1.0, penalty=1.0, length_ratio=(0.9, 1.1), bends={"rknee": (0.0, 155.0)}
)
RECIPES = {"h36m_2d": RECIPE_2D, "h36m_3d": RECIPE}
READERS = {"h36m_2d": reader_2d, "h36m_3d": reader_3d}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_h36m(tmp_path_factory.mktemp("h36m"))


def benchmark_of(name, root, *, frozen=False, **changes):
    return task_of(name, dataclasses.replace(RECIPES[name], **changes), root, frozen=frozen)


def evaluate(monkeypatch, folder, benchmark, annotations):
    words = ["evaluate", "--benchmark", benchmark, "--annotations", annotations]
    words += ["--predictions", folder / "predictions.npz", "--out", folder / "scores.json"]
    monkeypatch.setattr(sys, "argv", ["downstream.h36m", *map(str, words)])
    command.main()
    return json.loads((folder / "scores.json").read_text())


@pytest.mark.parametrize("name", RECIPES)
def test_the_command_gives_the_metrics_without_pictures(name, root, tmp_path, monkeypatch):
    recipe = RECIPES[name]
    task_of(name, recipe, root).write_predictions(tmp_path)
    metrics, pictures = (make(name, recipe, root, tmp_path) for make in (scores_of, examples_of))
    assert pictures.dtype == np.uint8 and len(pictures) == 6 and pictures.shape[3] == 3
    path = READERS[name].annotation_path(root, "test")
    shutil.copy(path, tmp_path / path.name)
    assert evaluate(monkeypatch, tmp_path, name, tmp_path / path.name) == metrics
    samples = augmented_of(name, recipe, root, count=7)
    assert samples.dtype == np.uint8 and len(samples) == 7
    files = {READERS[name].annotation_path(root, split) for split in ("train", "test")}
    assert set(BENCHMARKS[name].fingerprints(recipe, root)) == {f"h36m/{file.relative_to(root)}" for file in files}


def test_poses_of_the_prior_turn_and_mirror_with_the_crops(root):
    """In each augmented crop, root-relative targets are the turned pose's x and y, up to size and perspective."""
    train_poses = reader_3d.read_h36m_3d(root, "train")
    batches = PoseBatches(train_poses, dataclasses.replace(RECIPE, prior=PRIOR), seed=0, cached=True)
    for batch in map(batches.__getitem__, range(len(batches))):
        places = (batch.targets[:, 1:17, :2] - batch.targets[:, :1, :2]).flatten(1).numpy()
        turned = batch.poses[:, 1:, :2].flatten(1).numpy()
        for place, pose in zip(places, turned, strict=True):
            assert np.corrcoef(place, pose)[0, 1] > 0.98
        depths = batch.poses[:, :, 2] / RECIPE.depth_range_mm
        torch.testing.assert_close(depths, batch.targets[:, :17, 2])
    plain = PoseBatches(train_poses, RECIPE, seed=0, cached=True)
    assert plain[0].posed is plain[0].poses is None and torch.equal(plain[0].images, batches[0].images)


def test_2d_poses_of_the_prior_turn_and_mirror_too(root):
    benchmark = benchmark_of("h36m_2d", root, prior=PRIOR)
    batch, turned = next(benchmark.batches(0, 0)), []
    benchmark.module.beside.register_forward_pre_hook(lambda _, inputs: turned.append(inputs[2]))
    next(benchmark.losses(batch))
    places = (batch.joints - batch.joints[:, :1]).flatten(1).numpy()
    for place, pose in zip(places, turned[0][..., :2].flatten(1).numpy(), strict=True):
        assert np.corrcoef(place, pose)[0, 1] > 0.98


@pytest.mark.parametrize("name", RECIPES)
def test_prior_adds_its_terms_and_leaves_the_rest(name, root):
    plain, beside = benchmark_of(name, root), benchmark_of(name, root, prior=PRIOR)
    batch = next(beside.batches(0, 0))
    (player, terms), (_, alone) = next(beside.losses(batch)), next(plain.losses(next(plain.batches(0, 0))))
    assert set(terms) - set(alone) == {"lifting", "bone_length", "joint_angle"}
    assert all(torch.equal(terms[term], alone[term]) for term in alone)  # the same head, the same batch
    sum(terms.values()).backward()
    prior = beside.module.prior if name == "h36m_3d" else beside.module.beside
    known = {id(parameter) for parameter in beside.players[player].parameters}
    assert all(id(p) in known and p.grad.abs().sum() > 0 for p in prior.parameters())


def test_rle_clips_each_tensor_by_itself(root):
    """Far below what they are, all gradients end at the limit, however different they were."""
    benchmark = benchmark_of("h36m_3d", root, gradient_clip=1e-6)
    train_step(benchmark, next(benchmark.batches(0, 0)), 0, nullcontext())
    norms = [parameter.grad.norm() for parameter in benchmark.players["rle"].parameters if parameter.grad is not None]
    assert len(norms) > 60
    torch.testing.assert_close(torch.stack(norms).median(), torch.tensor(1e-6), rtol=0.1, atol=0)
    assert max(norms) <= 1.0001e-6


def test_a_joint_outside_the_crop_is_not_trained_on_in_2d(root):
    """Its Gaussian, of sigma 1.5 cells of 4 px, reaches 18 px into the crop; COCO's people train on that part."""
    benchmark = benchmark_of("h36m_2d", root)
    batch = next(benchmark.batches(0, 0))
    places = torch.tensor([[0.0, 0.0], [63.9, 63.9], [-0.1, 30.0], [30.0, -0.1], [64.0, 30.0], [30.0, 70.0]])
    joints = places.repeat(3, 1)[:17].expand(4, -1, -1)
    batch = dataclasses.replace(batch, joints=joints, visible=torch.ones(4, 17))
    inside = [True, True, False, False, False, False] * 3
    assert (benchmark.counted(batch) > 0).tolist() == 4 * [inside[:17]]
    assert KeypointTask.counted(benchmark, batch).all()
    ((_, terms),) = benchmark.losses(batch)
    terms["heatmaps"].backward()
    moved = benchmark.module.head[-1].bias.grad != 0
    assert moved.tolist() == inside[:17]


@pytest.mark.parametrize("name", RECIPES)
def test_probe_trains_the_head_alone(name, root, tmp_path):
    benchmark = benchmark_of(name, root, frozen=True, epochs=1, milestones=())
    before = {key: value.clone() for key, value in benchmark.module.state_dict().items()}
    train(benchmark, tmp_path)
    moved = {key for key, value in benchmark.module.state_dict().items() if not torch.equal(value, before[key])}
    assert moved and not any(key.startswith("backbone.") for key in moved)


@pytest.fixture(scope="module")
def real(realdata, tmp_path_factory):
    """The four real frames in both official layouts, as the training split and, renamed, as the test split."""
    folder, root = realdata("h36m/mmpose_4frames"), tmp_path_factory.mktemp("real")
    cameras = load_plain(folder / "cameras.pkl", "copy the sample again")
    sample = json.loads((folder / "h36m_coco.json").read_text())
    for split, subjects in (("train", (1, 5, 7, 8)), ("test", (9, 9, 11, 11))):
        images, annotations, entries = [], [], []
        for n, (image, annotation) in enumerate(zip(sample["images"], sample["annotations"], strict=True)):
            camera = cameras[image["file_name"].split("_")[0], image["file_name"].split(".")[1].split("_")[0]]
            R, t, f, c = camera["R"].T, camera["T"].ravel() * 1000, camera["f"].ravel(), camera["c"].ravel()
            world = np.array(annotation["keypoints_3d"]).reshape(17, 4)[:, :3] * 1000
            measured = np.array(annotation["keypoints"]).reshape(17, 3)[:, :2]
            take = f"s_{subjects[n]:02d}_act_{n + 2:02d}_subact_01_ca_01"
            name = f"{take}/{take}_000001.jpg"
            (root / "images" / take).mkdir(parents=True)
            shutil.copy(next(folder.rglob(image["file_name"])), root / "images" / name)
            images.append({"id": n, "file_name": name, "width": image["width"], "height": image["height"]})
            entry = entry_2d(name, world_to_camera(world[None], R[None], t[None])[0], R, t, f, c)
            entry["camera"] |= {"k": camera["k"], "p": camera["p"]}
            entries.append({**entry, "joints_2d": measured})
            low, extent = measured.min(axis=0) - 30, np.ptp(measured, axis=0) + 60
            annotations.append(
                {
                    "image_id": n,
                    "bbox": [*low, *extent],
                    "keypoints_world": world.tolist(),
                    "cam_param": {"R": R.tolist(), "t": t.tolist(), "f": f.tolist(), "c": c.tolist()},
                }
            )
        listed = json.dumps({"images": images, "annotations": annotations})
        for path, content in (
            (reader_3d.annotation_path(root, split), listed.encode()),
            (reader_2d.annotation_path(root, split), pickle.dumps(entries, protocol=2)),
        ):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    return root


def test_real_people_have_their_left_where_ours_is(real):
    """Whoever has the nose nearer to the camera than the neck and head top shows their left on the picture's right."""
    joints = reader_2d.read_h36m_2d(real, "train", 1)
    facing = _facing(joints.poses)
    assert (facing > 0).any()
    for side, pixels in zip(facing, joints.joints, strict=True):
        for part in ("hip", "shoulder"):
            across = pixels[JOINTS.index(f"l{part}"), 0] - pixels[JOINTS.index(f"r{part}"), 0]
            assert side == 0 or np.sign(across) == side


def _facing(poses: np.ndarray) -> np.ndarray:
    """1 where a person (N, 17, 3) faces the camera, -1 where they turn their back on it, 0 where it's neither."""
    depth = poses[..., 2]
    ahead = (depth[:, 8] + depth[:, 10]) / 2 - depth[:, 9]  # nose before neck and head top, mm
    return np.where(np.abs(ahead) > 60, np.sign(ahead), 0)


@pytest.mark.parametrize("name", RECIPES)
def test_real_frames_train_and_are_scored(name, real, tmp_path):
    recipe = dataclasses.replace(RECIPES[name], epochs=1, milestones=())
    benchmark = task_of(name, recipe, real)
    assert len(train(benchmark, tmp_path)) == 1
    benchmark.write_predictions(tmp_path)
    metrics, pictures = (make(name, recipe, real, tmp_path) for make in (scores_of, examples_of))
    assert metrics["samples"] == len(pictures) == 4
    assert cv2.imread(str(next((real / "images").rglob("*.jpg")))).shape == (1002, 1000, 3)
