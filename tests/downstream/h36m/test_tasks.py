"""Both Human3.6M tasks: stored predictions through the command, MPII mixed in, the 3D prior, the probe, real frames."""

import dataclasses
import json
import pickle
import shutil
import sys

import cv2
import numpy as np
import pytest
import torch
from tiny.h36m import RECIPE, RECIPE_2D, entry_2d, write_tiny_h36m
from tiny.mpii import DOTTED as MPII_DOTTED
from tiny.mpii import write_tiny_mpii

from downstream.h36m import __main__ as command
from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_2d import task as task_2d
from downstream.h36m.pose_3d import task as task_3d
from downstream.h36m.pose_3d.data import TrainingBatches
from downstream.h36m.pose_3d.reader import annotation_path, read_h36m_3d
from downstream.h36m.pose_3d.scores import true_poses, write_predictions
from downstream.h36m.shared.camera import world_to_camera
from downstream.h36m.shared.mpii_mix import read_mix, with_mix
from downstream.h36m.shared.pose_coding import mirrored_order
from downstream.h36m.shared.skeleton_prior_recipe import SkeletonPriorRecipe
from downstream.mpii.joints import JOINTS as MPII_JOINTS
from downstream.reading.restricted_pickle import load_plain
from downstream.training.frozen import freeze
from liftedcl.engine.loop import fit
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone
from liftedcl.skeletons.skeleton import JOINTS

PRIOR = SkeletonPriorRecipe(
    hidden=16, blocks=1, lifting=1.0, penalty=1.0, length_ratio=(0.9, 1.1), bends={"rknee": (0.0, 155.0)}
)
TASKS = {"h36m_2d": (task_2d, RECIPE_2D), "h36m_3d": (task_3d, RECIPE)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_h36m(tmp_path_factory.mktemp("h36m"))


@pytest.fixture(scope="module")
def mpii(tmp_path_factory):
    return write_tiny_mpii(tmp_path_factory.mktemp("mpii"))


def benchmark_of(name, root, *, frozen=False, **changes):
    module, recipe = TASKS[name]
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow")
    recipe = dataclasses.replace(recipe, **changes)
    return module.Benchmark(recipe, freeze(backbone) if frozen else backbone, data=root, seed=0, workers=0)


def train(benchmark, folder):
    return fit(benchmark, folder=folder, identity={}, seed=0, device=torch.device("cpu"), name="test")


def evaluate(monkeypatch, folder, benchmark, annotations):
    words = ["evaluate", "--benchmark", benchmark, "--annotations", annotations]
    words += ["--predictions", folder / "predictions.npz", "--out", folder / "scores.json"]
    monkeypatch.setattr(sys, "argv", ["downstream.h36m", *map(str, words)])
    command.main()
    return json.loads((folder / "scores.json").read_text())


# --------------------------------------------------------------------------------- the evaluate command
@pytest.mark.parametrize("shift", [(0, 0, 0), (3, 4, 12)])
def test_stored_poses_score_the_exact_shift(root, tmp_path, monkeypatch, shift):
    test = read_h36m_3d(root, "test")
    poses = true_poses(test).copy()
    poses[:, 1:] += shift
    write_predictions(tmp_path / "predictions.npz", poses, test)
    scores = evaluate(monkeypatch, tmp_path, "h36m_3d", annotation_path(root, "test"))
    assert scores["mpjpe_mm"] == pytest.approx(np.linalg.norm(shift) * 16 / 17, abs=1e-9)
    assert set(scores["per_action"]) == {"02", "03", "04"}


@pytest.mark.parametrize("name", TASKS)
def test_the_command_gives_the_metrics_again_without_pictures(name, root, tmp_path, monkeypatch):
    module, recipe = TASKS[name]
    benchmark = benchmark_of(name, root)
    metrics = benchmark.evaluate(tmp_path)
    examples = benchmark.examples()
    assert examples.dtype == np.uint8 and len(examples) == 6 and examples.shape[3] == 3
    path = (annotation_path if name == "h36m_3d" else reader_2d.annotation_path)(root, "test")
    shutil.copy(path, tmp_path / path.name)
    assert evaluate(monkeypatch, tmp_path, name, tmp_path / path.name) == metrics
    samples = module.augmented_samples(recipe, data=root, seed=0, count=7)
    assert samples.dtype == np.uint8 and len(samples) == 7
    assert set(module.fingerprints(recipe, root)) == {f"{name}_train", f"{name}_test"}


# ------------------------------------------------------------------------------------------------ MPII
def test_mpii_people_are_half_of_the_draws_and_have_no_depth(root, mpii):
    """Everybody in turn, targets on the white dots (both tiny sets have one on every right wrist), weights per axis."""
    poses, others = read_h36m_3d(root, "train"), read_mix(mpii)
    batches = TrainingBatches(poses, RECIPE, seed=0, cached=True, others=others)
    wrist = JOINTS.index("rwrist")
    assert MPII_JOINTS[MPII_DOTTED] == "right_wrist" and len(batches) == 2 * len(poses) // 4
    drawn, dots = [], 0
    for epoch in range(6):
        batches.start(epoch)
        drawn += [batches.rows(np.arange(2 * len(poses)))]
        for batch in map(batches.__getitem__, range(len(batches))):
            flat = ~(batch.weights[..., 2] > 0).any(dim=1).numpy()
            assert (batch.targets[flat, :, 2] == 0).all() and not batch.weights[flat][:, [7, 9]].any()
            for image, target, weight in zip(
                batch.images.numpy()[flat], batch.targets.numpy()[flat], batch.weights.numpy()[flat], strict=True
            ):
                bright = np.argwhere(image.min(axis=0) > 170)[:, ::-1]
                if len(bright) <= 4 or np.ptp(bright, axis=0).max() > 12 or np.abs(bright.mean(0) - 31.5).max() > 22:
                    continue  # none, two people's, or cut
                joints = [wrist, mirrored_order(18)[wrist]]
                errors = [np.abs((target[j, :2] + 0.5) * 64 - bright.mean(0)).max() for j in joints if weight[j, 0]]
                if errors and min(errors) < 15:  # else a neighbour's
                    assert min(errors) < 1.2
                    dots += 1
    counts = np.bincount(np.concatenate(drawn), minlength=len(poses) + len(others))
    assert (counts[: len(poses)] == 6).all() and np.ptp(counts[len(poses) :]) <= 1
    assert dots > 20


def test_mpii_follows_in_2d_with_the_joints_that_both_have(root, mpii):
    own = reader_2d.read_h36m_2d(root, "train", 1).labelled((64, 64), 1.0)
    mixed, theirs = with_mix(own, mpii, (64, 64)), read_mix(mpii)
    count, wrist = len(own), JOINTS.index("rwrist")
    assert len(mixed) == count + len(theirs) and mixed.joints.shape[1:] == (17, 2)
    for part, people in ((slice(count), own), (slice(count, None), theirs)):
        assert np.array_equal(mixed.joints[part], people.joints[:, :17])
        assert np.array_equal(mixed.people.widths[part], people.people.widths)
        assert np.array_equal(mixed.people.centres[part], people.people.centres)
    trained = mixed.visible[count:].any(axis=0)
    assert mixed.visible[:count].all()
    assert {name for name, any_ in zip(JOINTS, trained, strict=True) if not any_} == {"belly", "neck", "nose", "head"}
    dots = 0
    for n in range(len(mixed)):  # both tiny sets have a white dot on every right wrist
        picture, (x, y) = cv2.imread(str(mixed.people.folder / mixed.people.names[n])), mixed.joints[n, wrist].round()
        if mixed.visible[n, wrist] and 0 <= x < picture.shape[1] and 0 <= y < picture.shape[0]:
            assert picture[int(y), int(x)].min() > 200
            dots += 1
    assert dots > 20
    for size, wider in (((48, 64), 1), ((64, 48), 4 / 3)):  # the whole square of a person stays in the crop
        widths = with_mix(own, mpii, size).people.widths[count:]
        np.testing.assert_allclose(widths, wider * theirs.people.widths)


def test_mpii_trains_2d_too(root, mpii, tmp_path):
    benchmark = benchmark_of("h36m_2d", root, mpii=str(mpii), epochs=1, milestones=())
    assert benchmark.steps_per_epoch == (13 + 13) // 4
    assert np.isfinite(train(benchmark, tmp_path)[0]["pose/heatmaps"]) and benchmark.evaluate(tmp_path)["samples"] == 6
    assert "mpii_train" in task_2d.fingerprints(benchmark._recipe, root)
    assert len(task_2d.augmented_samples(benchmark._recipe, data=root, seed=0, count=24)) > 13
    with pytest.raises(InputError, match=r"train\.json: not found"):
        benchmark_of("h36m_2d", root, mpii=str(tmp_path))
    with pytest.raises(InputError, match=r"train\.json: not found"):
        task_2d.fingerprints(dataclasses.replace(RECIPE_2D, mpii=str(tmp_path)), root)
    with pytest.raises(InputError, match="prior"):
        dataclasses.replace(RECIPE_2D, mpii="data/mpii", prior=PRIOR)


def test_mpii_trains_a_flow_of_its_own(root, mpii, tmp_path):
    benchmark = benchmark_of("h36m_3d", root, mpii=str(mpii), epochs=1, milestones=())
    before = [parameter.clone() for parameter in benchmark.module.flat_flow.parameters()]
    history = train(benchmark, tmp_path)
    assert np.isfinite(history[0]["rle/residual_likelihood"])
    assert any(not torch.equal(a, b) for a, b in zip(before, benchmark.module.flat_flow.parameters(), strict=True))
    assert "mpii_train" in task_3d.fingerprints(benchmark._recipe, root)
    with pytest.raises(InputError, match=r"train\.json: not found"):
        benchmark_of("h36m_3d", root, mpii=str(tmp_path))
    with pytest.raises(InputError, match="prior"):
        dataclasses.replace(RECIPE, mpii="data/mpii", prior=PRIOR)


# ----------------------------------------------------------------------------------------------- prior
def test_poses_of_the_prior_turn_and_mirror_with_the_crops(root):
    """In each augmented crop, root-relative targets are the turned pose's x and y, up to size and perspective."""
    train_poses = read_h36m_3d(root, "train")
    batches = TrainingBatches(train_poses, dataclasses.replace(RECIPE, prior=PRIOR), seed=0, cached=True)
    for batch in map(batches.__getitem__, range(len(batches))):
        places = (batch.targets[:, 1:17, :2] - batch.targets[:, :1, :2]).flatten(1).numpy()
        turned = batch.poses[:, 1:, :2].flatten(1).numpy()
        for place, pose in zip(places, turned, strict=True):
            assert np.corrcoef(place, pose)[0, 1] > 0.98
        depths = batch.poses[:, :, 2] / RECIPE.depth_range_mm
        torch.testing.assert_close(depths, batch.targets[:, :17, 2])
    plain = TrainingBatches(train_poses, RECIPE, seed=0, cached=True)
    assert plain[0].poses is None and torch.equal(plain[0].images, batches[0].images)


def test_2d_poses_of_the_prior_turn_and_mirror_too(root):
    benchmark = benchmark_of("h36m_2d", root, prior=PRIOR)
    batch = next(benchmark.batches(0, 0))
    places = (batch.joints - batch.joints[:, :1]).flatten(1).numpy()
    for place, pose in zip(places, benchmark._turned_poses(batch)[..., :2].flatten(1).numpy(), strict=True):
        assert np.corrcoef(place, pose)[0, 1] > 0.98


@pytest.mark.parametrize("name", TASKS)
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


@pytest.mark.parametrize("name", TASKS)
def test_probe_trains_the_head_alone(name, root, tmp_path):
    benchmark = benchmark_of(name, root, frozen=True, epochs=1, milestones=())
    before = {key: value.clone() for key, value in benchmark.module.state_dict().items()}
    train(benchmark, tmp_path)
    moved = {key for key, value in benchmark.module.state_dict().items() if not torch.equal(value, before[key])}
    assert moved and not any(key.startswith("backbone.") for key in moved)


# ----------------------------------------------------------------------------------------- real frames
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
        for path, content in (
            (annotation_path(root, split), json.dumps({"images": images, "annotations": annotations}).encode()),
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


@pytest.mark.parametrize("name", TASKS)
def test_real_frames_train_and_evaluate(name, real, tmp_path, monkeypatch):
    benchmark = benchmark_of(name, real, epochs=1, milestones=())
    history = train(benchmark, tmp_path)
    metrics = benchmark.evaluate(tmp_path)
    assert len(history) == 1 and metrics["samples"] == 4 and len(benchmark.examples()) == 4
    path = (annotation_path if name == "h36m_3d" else reader_2d.annotation_path)(real, "test")
    assert evaluate(monkeypatch, tmp_path, name, path) == metrics
    assert cv2.imread(str(next((real / "images").rglob("*.jpg")))).shape == (1002, 1000, 3)
