"""MPII's people among Human3.6M's: whose joints count, where they lie, and that both benchmarks train on them."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.h36m import RECIPE, RECIPE_2D, write_tiny_h36m
from tiny.mpii import DOTTED as MPII_DOTTED
from tiny.mpii import write_tiny_mpii
from tiny.tasks import augmented_of, scores_of, task_of, train

from downstream.h36m.pose_2d.reader import read_h36m_2d
from downstream.h36m.pose_3d.data import PoseBatches
from downstream.h36m.pose_3d.reader import H36MPoses, read_h36m_3d
from downstream.h36m.shared.mpii_mix import read_mix, with_mix
from downstream.h36m.shared.pose_coding import mirrored_order
from downstream.h36m.shared.skeleton_prior_recipe import SkeletonPriorRecipe
from downstream.mpii.joints import JOINTS as MPII_JOINTS
from downstream.registry import BENCHMARKS
from liftedcl.files.atomic import sha256_of_file
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import JOINTS
from workflow.params import read_params

PRIOR = SkeletonPriorRecipe(
    hidden=16, blocks=1, lifting=1.0, penalty=1.0, length_ratio=(0.9, 1.1), bends={"rknee": (0.0, 155.0)}
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_h36m(tmp_path_factory.mktemp("h36m"))


@pytest.fixture(scope="module")
def mpii(tmp_path_factory):
    return write_tiny_mpii(tmp_path_factory.mktemp("mpii"))


def test_mpii_people_are_half_of_the_draws_and_have_no_depth(root, mpii):
    """Everybody in turn, targets on the white dots (both tiny sets have one on every right wrist), weights per axis."""
    poses, others = read_h36m_3d(root, "train"), read_mix(mpii)
    batches = PoseBatches(poses, RECIPE, seed=0, cached=True, others=others)
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
    own = read_h36m_2d(root, "train", 1).labelled((64, 64), 1.0)
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
    recipe = dataclasses.replace(RECIPE_2D, mpii=str(mpii), epochs=1, milestones=())
    benchmark = task_of("h36m_2d", recipe, root)
    assert benchmark.steps_per_epoch == (13 + 13) // 4
    assert np.isfinite(train(benchmark, tmp_path)[0]["pose/heatmaps"])
    benchmark.write_predictions(tmp_path)
    assert scores_of("h36m_2d", recipe, root, tmp_path)["samples"] == 6
    entry, nowhere = BENCHMARKS["h36m_2d"], dataclasses.replace(RECIPE_2D, mpii=str(tmp_path))
    assert entry.fingerprints(recipe, root)["mpii/annot/train.json"] == sha256_of_file(mpii / "annot" / "train.json")
    assert len(augmented_of("h36m_2d", recipe, root, count=24)) > 13
    with pytest.raises(InputError, match=r"train\.json: not found"):
        task_of("h36m_2d", nowhere, root)
    with pytest.raises(InputError, match=r"train\.json: not found"):
        entry.fingerprints(nowhere, root)


def test_mpii_trains_a_flow_of_its_own(root, mpii, tmp_path):
    recipe = dataclasses.replace(RECIPE, mpii=str(mpii), epochs=1, milestones=())
    benchmark = task_of("h36m_3d", recipe, root)
    before = [parameter.clone() for parameter in benchmark.module.flat_flow.parameters()]
    history = train(benchmark, tmp_path)
    assert np.isfinite(history[0]["rle/residual_likelihood"])
    assert any(not torch.equal(a, b) for a, b in zip(before, benchmark.module.flat_flow.parameters(), strict=True))
    assert "mpii/annot/train.json" in BENCHMARKS["h36m_3d"].fingerprints(recipe, root)
    with pytest.raises(InputError, match=r"train\.json: not found"):
        task_of("h36m_3d", dataclasses.replace(RECIPE, mpii=str(tmp_path)), root)


def test_the_prior_of_3d_takes_the_people_with_depth(root, mpii):
    """Their targets' depths are their poses'; a batch of MPII's people alone has a loss all the same."""
    benchmark = task_of("h36m_3d", dataclasses.replace(RECIPE, mpii=str(mpii), prior=PRIOR), root)
    found = 0
    for batch in benchmark.batches(0, 0):
        deep = (batch.weights[..., 2] > 0).any(dim=1)
        assert batch.posed.tolist() == torch.nonzero(deep).flatten().tolist()
        depths = batch.targets[batch.posed, :17, 2] * RECIPE.depth_range_mm
        torch.testing.assert_close(batch.poses[..., 2], depths, rtol=1e-4, atol=1e-2)
        found += len(batch.posed)
    assert found == pytest.approx(13, abs=3)  # of 26 draws, 24 of which are in a batch
    ((_, terms),) = benchmark.losses(benchmark._batches.batch(np.arange(13, 17)))
    assert terms["lifting"] == terms["bone_length"] == terms["joint_angle"] == 0
    assert terms["residual_likelihood"].isfinite()


def test_the_prior_of_2d_takes_the_people_with_a_pose(root, mpii):
    benchmark = task_of("h36m_2d", dataclasses.replace(RECIPE_2D, mpii=str(mpii), prior=PRIOR), root)
    given, own = [], read_h36m_2d(root, "train", 1)
    benchmark.module.beside.register_forward_pre_hook(lambda _, inputs: given.append(inputs[1:]))
    batch = benchmark._batches.batch(np.array([20, 3, 13, 12]))
    ((_, terms),) = benchmark.losses(batch)
    ((posed, poses),) = given
    assert posed.tolist() == [1, 3] and all(term.isfinite() for term in terms.values())
    depths = [
        own.poses[row, mirrored_order(17) if batch.flipped[n] else slice(None), 2] for n, row in ((1, 3), (3, 12))
    ]
    np.testing.assert_allclose(poses[..., 2], depths, rtol=1e-5)


def test_the_published_recipe_takes_4877_steps_an_epoch(mpii):
    """312,188 people of Human3.6M, and as many draws of MPII's, in batches of 128."""
    recipe, count = read_params(REPOSITORY / "params.yaml", {"profile": "paper"}).benchmarks["h36m_3d"], 312_188
    ones = np.ones((count, 2))
    poses = H36MPoses(
        root=mpii, names=["x.jpg"] * count, actions=ones[:, 0], sizes=ones, boxes=np.array([[0.0, 0, 1, 1]] * count),
        joints=np.zeros((count, 18, 3)), f=ones, c=ones,
    )  # fmt: skip
    assert recipe.mpii is not None
    assert len(PoseBatches(poses, recipe, seed=0, cached=False, others=read_mix(mpii))) == 4877
