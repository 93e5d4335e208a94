"""Human3.6M 3D: reader, augmentation geometry, targets and decoding, scores."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from tiny.h36m import DOTTED, RECIPE, SIDE, write_tiny_h36m
from torch import nn

from downstream.h36m.pose_3d.data import PoseBatches
from downstream.h36m.pose_3d.reader import annotation_path, read_h36m_3d
from downstream.h36m.pose_3d.reference import mean_camera_pose, mean_crop_pose, reference_scores
from downstream.h36m.pose_3d.regions import people_of
from downstream.h36m.pose_3d.scores import score, score_run, true_poses
from downstream.h36m.pose_3d.task import H36MPose3D
from downstream.h36m.shared.pose_coding import decode, encode, mirrored_order, root_relative, unmirror
from downstream.h36m.shared.prediction_file import read_predictions, write_predictions
from downstream.samples.crop import apply_affine, crop_matrices, invert_affine, square_boxes
from downstream.samples.plain_crops import PlainCrops
from downstream.training.epoch_batches import load
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import JOINTS


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_h36m(tmp_path_factory.mktemp("h36m"))


@pytest.fixture(scope="module")
def test_split(root):
    return read_h36m_3d(root, "test")


def coding(poses, recipe=RECIPE, **changes):
    centres, sides = square_boxes(poses.boxes, recipe.box_scale)
    matrices = crop_matrices(centres, sides, size=(recipe.input_size, recipe.input_size), **changes)
    return {
        "f": poses.f,
        "c": poses.c,
        "matrices": matrices,
        "size": recipe.input_size,
        "depth_range": recipe.depth_range_mm,
    }


# ------------------------------------------------------------------------------------------- reader
def test_reader_gives_camera_frame_poses_with_a_thorax(test_split):
    assert test_split.joints.shape == (6, 18, 3)
    shoulders = test_split.joints[:, [JOINTS.index("lshoulder"), JOINTS.index("rshoulder")]].mean(1)
    np.testing.assert_allclose(test_split.joints[:, 17], shoulders)
    assert set(test_split.actions) == {2, 3, 4}
    assert (test_split.joints[..., 2] > 2000).all()


def test_drifted_sequences_of_s9_are_left_out(root, tmp_path):
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    path = annotation_path(tmp_path, "test")
    file = json.loads(path.read_text())
    file["images"][0]["file_name"] = "s_09_act_05_subact_02_ca_03/x.jpg"
    path.write_text(json.dumps(file))
    assert len(read_h36m_3d(tmp_path, "test")) == 5


def test_boxes_are_first_and_last_pixel_cut_to_the_image(root, tmp_path):
    (tmp_path / "images").symlink_to(root / "images")
    shutil.copytree(root / "annotations", tmp_path / "annotations")
    path = annotation_path(tmp_path, "test")
    change(path, lambda file: file["annotations"][0].update(bbox=[-3.5, 10.0, 100.0, 500.0]))
    change(path, lambda file: file["annotations"][1].update(bbox=[20.0, 30.5, 90.0, 80.25]))
    expected = [[0, 10, 95.5, SIDE - 1], [20, 30.5, 109, 109.75]]
    np.testing.assert_allclose(read_h36m_3d(tmp_path, "test").boxes[:2], expected)


def change(path, edit):
    file = json.loads(path.read_text())
    edit(file)
    path.write_text(json.dumps(file))


EDITS = {
    "no lists": (lambda file: file.pop("images"), "no lists"),
    "empty": (lambda file: (file["images"].clear(), file["annotations"].clear()), "holds no sample"),
    "one annotation short": (lambda file: file["annotations"].pop(), "6 images for 5 annotations"),
    "mispaired": (lambda file: file["annotations"].reverse(), "sample 0: annotation of image 5 beside image 0"),
    "NaN": (lambda file: file["annotations"][3]["keypoints_world"][2].__setitem__(1, np.nan), "sample 3: .*NaN"),
    "16 joints": (lambda file: file["annotations"][2]["keypoints_world"].pop(), "sample 2: .*shape"),
    "a word": (lambda file: file["annotations"][2]["bbox"].__setitem__(0, "left"), "sample 2: bbox"),
    "a number beyond all bounds": (
        lambda file: file["images"][2].update(width=int("9" * 400)),
        "sample 2: width and height",
    ),
    "no camera": (lambda file: file["annotations"][1].pop("cam_param"), "sample 1: cam_param"),
    "camera transposed": (
        lambda file: file["annotations"][1]["cam_param"].update(
            R=np.transpose(file["annotations"][1]["cam_param"]["R"]).tolist()
        ),
        "sample 1",
    ),
    "camera scaled": (
        lambda file: file["annotations"][4]["cam_param"].update(R=(2 * np.eye(3)).tolist()),
        "sample 4: cam_param.R is not a rotation",
    ),
    "box without area": (lambda file: file["annotations"][5]["bbox"].__setitem__(2, 0), "sample 5: bbox"),
    "box outside": (lambda file: file["annotations"][5]["bbox"].__setitem__(0, SIDE + 5), "sample 5: bbox"),
    "metres": (
        lambda file: file["annotations"][0].update(
            keypoints_world=(np.array(file["annotations"][0]["keypoints_world"]) / 1000 + 1e5).tolist()
        ),
        "sample 0",
    ),
    "world in metres": (
        lambda file: [
            part.update(
                keypoints_world=(np.array(part["keypoints_world"]) / 1000).tolist(),
                cam_param=part["cam_param"] | {"t": (np.array(part["cam_param"]["t"]) / 1000).tolist()},
            )
            for part in file["annotations"]
        ],
        "sample 0: the bones of keypoints_world are on average 0.* seems to be in m, .* so it is with 5 more: 1, 2",
    ),
    "all joints in one point": (
        lambda file: file["annotations"][1].update(keypoints_world=17 * [file["annotations"][1]["keypoints_world"][0]]),
        "sample 1: the bones of keypoints_world are on average 0 mm",
    ),
    "one joint far away": (
        lambda file: file["annotations"][1]["keypoints_world"].__setitem__(16, [2600, 0, 900]),
        "sample 1: the longest bone",
    ),
    "cameras of frames twice the size": (
        lambda file: file["annotations"][4]["cam_param"].update(c=[2 * 63, 2 * 65], f=[280, 280]),
        "sample 4: cam_param.c, the camera's principal point, .* frames of half the size",
    ),
    "sizes exchanged with others": (
        lambda file: file["images"][3].update(width=SIDE + 2),
        "sample 3: its frame is 128x128 px, annotated as 130x128",
    ),
    "truth for a number": (lambda file: file["annotations"][2]["bbox"].__setitem__(0, True), "sample 2: bbox"),
    "text for a number": (lambda file: file["annotations"][2].update(bbox="1234"), "sample 2: bbox is missing or no"),
    "no picture": (lambda file: file["images"][2].update(file_name="s_09_act_02_x/none.jpg"), "none.jpg: not found"),
    "no action": (lambda file: file["images"][2].update(file_name="s_09/none.jpg"), "no action"),
    "outside the folder": (lambda file: file["images"][2].update(file_name="../act_02.jpg"), "not a path below"),
}


@pytest.mark.parametrize("name", EDITS)
def test_damage_is_named(root, tmp_path, name):
    edit, message = EDITS[name]
    (tmp_path / "images").symlink_to(root / "images")
    shutil.copytree(root / "annotations", tmp_path / "annotations")
    path = annotation_path(tmp_path, "test")
    change(path, edit)
    with pytest.raises(InputError, match=message) as caught:
        read_h36m_3d(tmp_path, "test")
    assert "docs/data/h36m.md" in str(caught.value) and "\n" not in str(caught.value)


# ----------------------------------------------------------------------------------------- geometry
def test_affine_maps_invert_and_mirror():
    rng = np.random.default_rng(0)
    centres, sides = rng.uniform(50, 200, (5, 2)), rng.uniform(50, 100, 5)
    turned = {"size": (64, 64), "rotations": rng.uniform(-60, 60, 5)}
    plain = crop_matrices(centres, sides, **turned)
    points = rng.uniform(0, 200, (5, 9, 2))
    np.testing.assert_allclose(apply_affine(invert_affine(plain), apply_affine(plain, points)), points)
    np.testing.assert_allclose(apply_affine(plain, centres[:, None]), np.full((5, 1, 2), 32.0))
    mirrored = apply_affine(crop_matrices(centres, sides, flips=np.ones(5, bool), **turned), points)
    np.testing.assert_allclose(mirrored, apply_affine(plain, points) * [-1, 1] + [63, 0])


def test_flip_swaps_left_and_right_and_leaves_the_middle():
    order = mirrored_order(18)
    for joint, mirrored in zip(JOINTS, order[:17], strict=True):
        partner = {"l": "r", "r": "l"}[joint[0]] + joint[1:] if joint[0] in "lr" and joint != "root" else joint
        assert JOINTS[mirrored] == partner
    assert order[17] == 17
    assert (order[order] == np.arange(18)).all()


def test_augmented_targets_stay_on_the_picture(root):
    """The white dot must be found where the target of the (perhaps swapped) wrist says."""
    batches = PoseBatches(read_h36m_3d(root, "train"), RECIPE, seed=3, cached=True)
    seen, mirrored = 0, 0
    for epoch in range(4):
        batches.start(epoch)
        for step in range(len(batches)):
            batch = batches[step]
            for image, target in zip(batch.images.numpy(), batch.targets.numpy(), strict=True):
                bright = np.argwhere(image.min(0) > 170)  # rows are (v, u)
                if len(bright) <= 4:
                    continue
                u, v = bright.mean(0)[::-1] / 64 - 0.5
                errors = [
                    np.hypot(u - target[j, 0], v - target[j, 1]) * 64 for j in (DOTTED, mirrored_order(18)[DOTTED])
                ]
                if max(abs(u), abs(v)) > 0.35:
                    continue
                assert min(errors) < 0.8
                seen, mirrored = seen + 1, mirrored + (errors[1] < errors[0])
    assert seen > 25 and 0.25 < mirrored / seen < 0.75


def test_weights_are_zero_outside_the_crop(test_split):
    targets, weights = encode(test_split.joints, **coding(test_split))
    assert weights.all()
    shifted, weights = encode(
        test_split.joints + [0, 0, 1] * (np.arange(18) == 5)[:, None] * 2500, **coding(test_split)
    )
    assert (weights[:, 5] == 0).all() and weights.sum() == 6 * 17
    assert np.abs(shifted[:, 5]).max() > 0.5 and np.abs(targets).max() <= 0.5


def test_batches_depend_on_seed_epoch_and_step_alone(root):
    train = read_h36m_3d(root, "train")
    recipe = dataclasses.replace(RECIPE, augmentation=dataclasses.replace(RECIPE.augmentation, occlusion=0.7))
    one, two = (PoseBatches(train, recipe, seed=0, cached=cached) for cached in (True, False))
    one.start(1)
    two.start(1)
    for step in (2, 0, 2):  # in any order, from the cache or not
        assert torch.equal(one[step].images, two[step].images) and torch.equal(one[step].targets, two[step].targets)
    two.start(2)
    assert not torch.equal(one[0].images, two[0].images)
    assert not torch.equal(PoseBatches(train, recipe, seed=1, cached=True)[0].images, one[0].images)


def test_workers_give_the_same_batches(root):
    batches = PoseBatches(read_h36m_3d(root, "train"), RECIPE, seed=0, cached=False)
    here, there = (list(load(batches, 1, workers)) for workers in (0, 2))
    assert len(here) == len(there) == 2
    assert all(
        torch.equal(a.images, b.images) and torch.equal(a.weights, b.weights) for a, b in zip(here, there, strict=True)
    )


# --------------------------------------------------------------------------------- decoding, scores
def test_decoding_undoes_encoding(test_split):
    targets, _ = encode(test_split.joints, **coding(test_split))
    joints = decode(targets, root_depth=test_split.joints[:, 0, 2], **coding(test_split))
    np.testing.assert_allclose(joints, test_split.joints, atol=1e-8)


def test_unmirrored_targets_of_the_mirrored_crop_are_the_targets(test_split):
    plain, _ = encode(test_split.joints, **coding(test_split))
    flipped, _ = encode(test_split.joints, **coding(test_split, flips=np.ones(6, bool)))
    np.testing.assert_allclose(unmirror(flipped[:, mirrored_order(18)], 64), plain, atol=1e-12)


class Oracle(nn.Module):
    """Answers with given targets, batch by batch: for the crops and, behind them, their mirror images."""

    def __init__(self, plain: np.ndarray, mirrored: np.ndarray) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.answers = np.stack([plain, mirrored])
        self.done = 0

    def forward(self, images):
        first, self.done = self.done, self.done + len(images) // 2
        answer = torch.from_numpy(np.concatenate(self.answers[:, first : self.done]))
        return answer, torch.ones_like(answer)


@pytest.mark.parametrize("shift", [(0, 0, 0), (3, 4, 12)])
def test_a_perfect_prediction_scores_zero_and_a_shifted_one_the_shift(root, test_split, shift):
    """The whole way: targets, flip test, decoding, back-projection, root, metric."""
    benchmark = H36MPose3D(RECIPE, TinyBackbone(), data=root, seed=0, workers=0)
    joints = test_split.joints.copy()
    joints[:, 1:] += shift
    plain, _ = encode(joints, **coding(test_split))
    mirrored, _ = encode(joints, **coding(test_split, flips=np.ones(6, bool)))
    benchmark.module = Oracle(plain, mirrored[:, mirrored_order(18)])
    scores = score(benchmark.predict(), test_split)
    assert scores["mpjpe_mm"] == pytest.approx(np.linalg.norm(shift) * 16 / 17, abs=1e-6)
    assert scores["samples"] == 6 and set(scores["per_action"]) == {"02", "03", "04"}
    assert scores["pa_mpjpe_mm"] <= scores["mpjpe_mm"] + 1e-9


def test_depths_are_relative_to_the_predicted_root(root, test_split):
    """A network that is wrong by the same depth everywhere, root included, is right about the pose."""
    benchmark = H36MPose3D(RECIPE, TinyBackbone(), data=root, seed=0, workers=0)
    plain, _ = encode(test_split.joints, **coding(test_split))
    mirrored, _ = encode(test_split.joints, **coding(test_split, flips=np.ones(6, bool)))
    deeper = np.array([0, 0, 150 / RECIPE.depth_range_mm])
    benchmark.module = Oracle(plain + deeper, mirrored[:, mirrored_order(18)] + 2 * deeper)
    assert score(benchmark.predict(), test_split)["mpjpe_mm"] == pytest.approx(0, abs=1e-6)


class TinyBackbone(nn.Module):
    out_channels = 3

    def forward(self, images):
        return images


def test_flip_test_turns_the_very_crop_round(test_split):
    """What is fed to the network second is the mirror image that `unmirror` assumes."""
    images, mirrored = (
        PlainCrops(people_of(test_split, RECIPE.box_scale), (64, 64), RECIPE.batch_size) for _ in range(2)
    )
    mirrored.matrices = crop_matrices(*square_boxes(test_split.boxes, 1.0), size=(64, 64), flips=np.ones(6, bool))
    difference = images[0].flip(3).int() - mirrored[0].int()
    assert images[0].shape == (4, 3, 64, 64) and images[1].shape == (2, 3, 64, 64)
    assert difference.abs().max() <= 2  # fixed-point interpolation of the warp


def test_predictions_give_the_scores_again(tmp_path, test_split):
    poses = true_poses(test_split) + np.random.default_rng(0).normal(0, 30, (6, 17, 3))
    names = test_split.names
    write_predictions(tmp_path / "predictions.npz", "poses", poses, names)
    found = read_predictions(tmp_path / "predictions.npz", "poses", 3, names)
    assert score(found, test_split) == score(poses, test_split)
    np.savez(tmp_path / "other.npz", poses=poses, images=np.array(["a"] * 6))
    with pytest.raises(InputError, match="other images"):
        read_predictions(tmp_path / "other.npz", "poses", 3, names)
    (tmp_path / "broken.npz").write_bytes((tmp_path / "predictions.npz").read_bytes()[:100])
    with pytest.raises(InputError, match="not an npz"):
        read_predictions(tmp_path / "broken.npz", "poses", 3, names)


@pytest.mark.parametrize("shift", [(0, 0, 0), (3, 4, 12)])
def test_stored_poses_score_the_exact_shift(test_split, root, tmp_path, shift):
    poses = true_poses(test_split).copy()
    poses[:, 1:] += shift
    write_predictions(tmp_path / "predictions.npz", "poses", poses, test_split.names)
    scores = score_run(RECIPE, root, tmp_path)
    assert scores["mpjpe_mm"] == pytest.approx(np.linalg.norm(shift) * 16 / 17, abs=1e-9)
    assert set(scores["per_action"]) == {"02", "03", "04"}


def test_mean_pose_reports_the_stronger_constant(root, test_split):
    train = read_h36m_3d(root, "train")
    scores = reference_scores(RECIPE, root)
    assert scores["mpjpe_mm"] == min(row["mpjpe_mm"] for row in scores["candidates"].values())
    camera = mean_camera_pose(train, test_split)
    np.testing.assert_allclose(camera[3], true_poses(train).mean(0))
    crop = mean_crop_pose(train, test_split, RECIPE)
    np.testing.assert_allclose(crop[:, 0], 0, atol=1e-9)
    again, _ = encode(crop + test_split.joints[:, :1], **coding(test_split))
    assert np.ptp(root_relative(again)[..., 2], axis=0).max() < 1e-9  # the same depths for every sample


def scored(root, tmp_path, poses, names):
    np.savez(tmp_path / "predictions.npz", poses=poses, images=np.array(names))
    return score_run(RECIPE, root, tmp_path)


def test_poses_of_others_in_another_unit_or_with_a_root_are_named(root, test_split, tmp_path):
    truth, names = true_poses(test_split), test_split.names
    near = truth + np.random.default_rng(0).normal(0, 30, truth.shape) * (np.arange(17) > 0)[:, None]
    own = scored(root, tmp_path, near, names)
    for factor, unit in ((1e-3, "metres"), (0.1, "cm")):
        with pytest.raises(InputError, match=f"in {unit}, where mm are expected; multiply them by {1 / factor:g}"):
            scored(root, tmp_path, factor * near, names)
    with pytest.raises(InputError, match=r"no root-relative poses; store poses - poses\[:, :1\]"):
        scored(root, tmp_path, near + test_split.joints[:, :1], names)
    order = [5, 1, 3, 0, 2, 4]
    assert scored(root, tmp_path, near[order], [names[n].split("/")[1] for n in order]) == own
    drifted = "s_09_act_10_subact_02_ca_01/s_09_act_10_subact_02_ca_01_000065.jpg"
    assert scored(root, tmp_path, np.concatenate([near, near[:1]]), [*names, drifted]) == own


def test_a_predictor_that_is_only_bad_is_scored(root, test_split, tmp_path):
    """No pose at all, or one a tenth as large: bad scores, and no suspicion of another unit."""
    for poses in (np.zeros((6, 17, 3)), 0.1 * np.random.default_rng(1).normal(0, 260, (6, 17, 3))):
        poses[:, 0] = 0
        assert scored(root, tmp_path, poses, test_split.names)["mpjpe_mm"] > 100
