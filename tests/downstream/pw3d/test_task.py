"""The shape benchmark as a whole: where targets lie on crops, its schedule, resuming, evaluation and pictures."""

import json
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.interruption import stopped_at_save
from tiny.pw3d import DOTTED, RECIPE, write_tiny_pw3d

from downstream.pw3d.__main__ import main
from downstream.pw3d.benchmark import BENCHMARK
from downstream.pw3d.body.body_model import MIRRORED_TRAINING_JOINTS
from downstream.pw3d.data import ShapeBatches, batch_size_in, steps_in
from downstream.pw3d.drawings import augmented_samples, draw_mesh, examples
from downstream.pw3d.network.shape_network import Shapes
from downstream.pw3d.reader import H36M, TEST, annotation_path, read_mix, read_shape_split
from downstream.pw3d.scores import pose_matrices, score_run
from downstream.pw3d.shape_losses import targets_of
from downstream.pw3d.task import PW3DShape
from downstream.training.epoch_batches import load
from downstream.training.frozen import freeze
from liftedcl.engine.loop import fit
from liftedcl.identity.errors import InputError
from liftedcl.identity.strict import ValueRuleError
from liftedcl.networks.encoder import build_backbone
from workflow.params import read_params


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Threads that wait for each other take a busy machine minutes where one takes seconds."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tiny_pw3d(tmp_path_factory.mktemp("pw3d"))


def benchmark(data, recipe=RECIPE, *, seed=0, workers=0, probe=False):
    torch.manual_seed(1)
    backbone = build_backbone("resnet18_narrow")
    return PW3DShape(recipe, freeze(backbone) if probe else backbone, data=data, seed=seed, workers=workers)


def train(task, folder, seed=0):
    return fit(task, folder=folder, identity={"run": 1}, seed=seed, device=torch.device("cpu"), name="test")


@pytest.mark.parametrize("larger", [0.7, 1.0, 2.0])
def test_targets_lie_where_the_picture_shows_them(data, larger):
    """The white dot at the right wrist is at that joint's target, at the left one's in a mirrored crop.

    Squares twice as large reach far outside the picture; in smaller ones some wrists lie outside the crop.
    """
    recipe = replace(RECIPE, input_size=192, low_resolutions=((24, 48), (12, 24)), epochs=6)
    mix = [(replace(samples, scales=larger * samples.scales), share) for samples, share in read_mix(data)]
    batches = ShapeBatches(mix, recipe, seed=0, cached=True)
    mirrored = {False: 0, True: 0}
    for epoch in range(recipe.epochs):
        batches.start(epoch)
        for batch in load(batches, 0, 0):
            for image, joints in zip(batch.images.numpy(), batch.keypoints_2d.numpy(), strict=True):
                places = (joints[:, :2] + 1) * 96
                # A mirror image exchanges the names: the dot then is at the joint called left wrist.
                names = {False: DOTTED, True: int(MIRRORED_TRAINING_JOINTS[DOTTED])}
                bright = cv2.blur(image.min(axis=0).astype(np.float32), (3, 3))
                spots = np.argwhere(bright > 200)[:, ::-1]
                if len(spots) < 4 or spots.min() < 3 or spots.max() > 188:  # outside, or cut by the border
                    continue
                distances = {flip: np.abs(spots.mean(axis=0) - places[name]).max() for flip, name in names.items()}
                closest = min(distances, key=distances.get)
                assert distances[closest] < 2.5
                mirrored[closest] += 1
    assert min(mirrored.values()) >= 5


def test_mirrored_samples_keep_pose_and_joints_together(data):
    """The body posed by a sample's parameters has the sample's own 3D and 2D joints, mirrored or not."""
    task = benchmark(data, replace(RECIPE, epochs=12))
    errors = []
    for epoch in range(12):
        for batch in task.batches(epoch, 0):
            targets = targets_of(batch, task.module.joints, RECIPE, "cpu")
            with torch.no_grad():
                joints = task.module.joints(targets.rotations, targets.betas)
            known = (batch.has_smpl > 0) & (batch.keypoints_3d[:, 0, 3] > 0)
            truth, found = batch.keypoints_3d[known][:, :, :3], joints[known]
            errors.append((found - found[:, 14:15] - (truth - truth[:, 14:15])).abs().flatten(1).amax(dim=1))
    errors = torch.cat(errors)
    # The tiny body's correctives aren't symmetric, so that a mirrored pose is off by some of them, but by no more.
    assert len(errors) > 20 and 0.2 < (errors < 1e-4).float().mean() < 0.8 and errors.max() < 0.1


def test_schedule_adds_a_level_an_epoch_and_shrinks_the_batch(data):
    task = benchmark(data)
    # Twelve people make 12 // 6, 12 // 4 and 12 // 3 batches.
    assert list(task.steps_per_epoch) == [2, 3, 4]
    steps = [batch for epoch in range(3) for batch in task.batches(epoch, 0)]
    assert [len(batch.images) for batch in steps] == [6, 6, 4, 4, 4, 3, 3, 3, 3]
    assert task.images_per_step == [6, 4, 3]
    assert [len(batch.sizes) for batch in steps] == [2, 2, 3, 3, 3, 3, 3, 3, 3]
    assert [batch.step for batch in steps] == list(range(9))
    for batch in steps:
        assert batch.sizes[0] == 48 and 24 <= batch.sizes[1] < 48 and all(12 <= size < 24 for size in batch.sizes[2:])
        assert batch.colours.shape == (len(batch.sizes), len(batch.images), 6)
    again = list(task.batches(1, 2))
    assert len(again) == 1 and torch.equal(again[0].images, steps[4].images) and again[0].sizes == steps[4].sizes


def test_the_published_steps():
    """Human3.6M's 312,188 people, the most of any set: three epochs end half way, the fourth is whole."""
    recipe = read_params(REPOSITORY / "params.yaml", {"profile": "paper"}).benchmarks["pw3d"]
    people, steps = 312_188, [steps_in(recipe, epoch, 312_188) for epoch in range(4)]
    assert steps == [people // 64, people // 32, 3 * (people // 64), people // 10] == [4877, 9755, 14631, 31218]
    assert sum(steps) == 60_481
    assert [batch_size_in(recipe, epoch) for epoch in range(recipe.epochs)] == [32, 16, 10, 10]
    assert sum(count * batch_size_in(recipe, epoch) for epoch, count in enumerate(steps)) == 770_634
    assert recipe.loss.ramp_epochs * (people // recipe.batch_size) == 48_775
    whole = [steps_in(replace(recipe, half_epochs=0), epoch, people) for epoch in range(4)]
    assert whole == [9755, 19511, 31218, 31218] and sum(whole) == 91_702


def test_half_epochs_end_half_way_and_see_half_the_people(data):
    task, whole = benchmark(data, replace(RECIPE, half_epochs=2)), benchmark(data)
    # 12 // (2 * 6) batches of six, as many of four (6 // 4 = 1), and the third epoch is whole.
    assert list(task.steps_per_epoch) == [1, 1, 4]
    for epoch in (0, 1):
        (half,) = task.batches(epoch, 0)
        first = next(whole.batches(epoch, 0))
        assert torch.equal(half.images, first.images) and torch.equal(half.people, first.people)


def test_sets_are_drawn_by_their_shares(data):
    recipe = replace(
        RECIPE, batch_size=2, later_batch_sizes=(), epochs=200, augmentation=replace(RECIPE.augmentation, flip=0)
    )
    mix = read_mix(data)
    batches = ShapeBatches(mix, recipe, seed=3, cached=True)
    rows = np.concatenate([batches._order(epoch) for epoch in range(200)])
    ends = np.cumsum([len(samples) for samples, _ in mix])
    found = np.bincount(np.searchsorted(ends, rows, side="right"), minlength=len(mix)) / len(rows)
    np.testing.assert_allclose(found, [share for _, share in mix], atol=0.03)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """An undisturbed run, and its history."""
    task = benchmark(data)
    return task, train(task, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("saves", [1, 2, 4, 5])  # inside an epoch, and at the end of one, before a level enters
def test_a_stopped_run_goes_on_to_the_same_bits(data, whole, tmp_path, saves):
    with stopped_at_save(saves):
        train(benchmark(data), tmp_path / "cut")
    resumed = benchmark(data)
    assert train(resumed, tmp_path / "cut") == whole[1]
    other = resumed.module.state_dict()
    for name, value in whole[0].module.state_dict().items():
        assert torch.equal(value, other[name]), name
    assert "negatives.keys" in other and not any("v_template" in name for name in other)
    assert [row["step"] for row in whole[1]] == [2, 5, 9]


def test_workers_change_nothing(data):
    plain, others = benchmark(data), benchmark(data, workers=1)
    for one, other in zip(plain.batches(1, 1), others.batches(1, 1), strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.pose, other.pose)
        assert torch.equal(one.colours, other.colours) and torch.equal(one.people, other.people)
        assert one.sizes == other.sizes


@pytest.mark.parametrize("probe", [False, True])
def test_a_run_trains_all_it_should(data, tmp_path, probe):
    """Frozen, the encoder stays as it is to the bit, its scalars too; all behind it is trained in any case."""
    task = benchmark(data, probe=probe)
    before = {name: value.clone() for name, value in task.module.state_dict().items()}
    images, encoder = torch.rand(2, 3, 48, 48), task.module.encoder
    with torch.no_grad():
        maps = [encoder.eval()(images, level) for level in range(3)]
        plain = encoder.backbone(images)
    assert all(torch.equal(level, plain) for level in maps)
    history = train(task, tmp_path)
    terms = {key.removeprefix("shape/") for key in history[-1]} - {"epoch", "step"}
    assert terms == {"keypoints_2d", "keypoints_3d", "rotations", "betas", "camera", "consistency", "contrast"}
    moved = {name for name, value in task.module.state_dict().items() if not torch.equal(value, before[name])}
    inside = {name for name in before if name.startswith("encoder.")}
    assert moved.isdisjoint(inside) if probe else inside <= moved
    assert before.keys() - inside - moved == {"regressor.start"}
    assert probe or all((scalars != 1).all() for scalars in encoder.scalars)
    with torch.no_grad():
        same = [torch.equal(encoder.eval()(images, level), maps[level]) for level in range(3)]
    assert same == [probe] * 3


def test_a_level_starts_where_the_finer_one_is_when_its_epoch_begins(data):
    """Not when a run goes on in the middle of that epoch: there the level has been trained already."""
    task, seen = benchmark(data), []
    scalars = task.module.encoder.scalars
    for epoch, learnt in enumerate((1.5, 2.5, 3.5)):
        with torch.no_grad():
            scalars[epoch].fill_(learnt)
        for first_step in (1, 0):
            next(task.batches(epoch, first_step))
            seen.append([values[0].item() for values in scalars])
    assert seen[0::2] == [[1.5, 1.0, 1.0], [1.5, 2.5, 1.0], [1.5, 2.5, 3.5]]
    # Level 1 enters with the first epoch, level 2 with the second, and the third adds none.
    assert seen[1::2] == [[1.5, 1.5, 1.0], [1.5, 2.5, 2.5], [1.5, 2.5, 3.5]]


def test_negatives_are_of_all_levels_and_of_this_step_already(data):
    task = benchmark(data)
    batch = next(task.batches(1, 0))
    list(task.losses(batch))
    people = task.module.negatives.people
    assert people[:12].tolist() == 3 * batch.people.tolist() and (people[12:] == -1).all()
    norms = task.module.negatives.keys.norm(dim=1)
    torch.testing.assert_close(norms, torch.cat([torch.ones(12), torch.zeros(28)]))


def scored(task, data, out):
    task.write_predictions(out)
    return score_run(RECIPE, data, out)


def true_parameters(data):
    """What a perfect network says of the test set: neutral bodies whose first beta makes up for the gender's size."""
    truth = read_shape_split(data, TEST)
    betas = truth.betas.copy()
    size = np.where(truth.gender == 1, 1.05, 0.95)
    betas[:, 0] = size * (1 + betas[:, 0]) - 1
    rotations = torch.from_numpy(pose_matrices(truth.pose)).float()
    cameras = torch.tensor([0.8, 0.0, 0.0]).expand(len(betas), 3)
    return Shapes(rotations, torch.from_numpy(betas).float(), cameras, torch.zeros(len(betas), 8))


def evaluate_command(monkeypatch, data, predictions, out):
    words = ["--annotations", str(annotation_path(data, TEST)), "--predictions", str(predictions), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["pw3d", "evaluate", *words, "--body", str(data)])
    main()
    return json.loads(out.read_text())


def test_the_truth_scores_perfectly_and_a_turned_body_by_what_it_is_turned(data, tmp_path, monkeypatch):
    task, truth = benchmark(data), true_parameters(data)
    monkeypatch.setattr(task, "predict", lambda size: truth)
    perfect = scored(task, data, tmp_path)
    for scores in (perfect, perfect["at_16"]):
        assert scores["samples"] == 6
        assert max(scores["pa_mpjpe_mm"], scores["mpjpe_mm"], scores["pve_mm"]) < 0.01
    again = evaluate_command(monkeypatch, data, tmp_path / "predictions.npz", tmp_path / "again.json")
    assert again == {
        key: value for key, value in perfect.items() if key not in ("input_size", "at_16", "resolution_scalars")
    }
    assert perfect["input_size"] == 48
    # Half a turn about the vertical: every joint is off by twice its distance from the axis; Procrustes forgives it.
    half = torch.diag(torch.tensor([-1.0, 1.0, -1.0]))
    turned = truth.rotations.clone()
    turned[:, 0] = half @ turned[:, 0]
    monkeypatch.setattr(task, "predict", lambda size: replace(truth, rotations=turned))
    scores = scored(task, data, tmp_path)
    with np.load(tmp_path / "predictions.npz") as file:
        expected = 2000 * np.linalg.norm(file["joints"][..., [0, 2]], axis=2).mean()
    assert scores["mpjpe_mm"] == pytest.approx(expected, rel=1e-4) and scores["pa_mpjpe_mm"] < 0.01


def test_evaluation_of_a_trained_network(data, whole, tmp_path):
    task = whole[0]
    metrics = scored(task, data, tmp_path)
    assert 0 < metrics["pa_mpjpe_mm"] <= metrics["mpjpe_mm"] < 3000 and metrics["at_16"] != metrics["pa_mpjpe_mm"]
    pictures = examples(RECIPE, data, tmp_path)
    assert pictures.shape == (6, 240, 240, 3) and pictures.dtype == np.uint8
    size, low = task.predict(48), task.predict(16)
    assert not torch.equal(size.betas, low.betas)


def test_pictures_of_augmented_samples(data):
    samples = augmented_samples(RECIPE, data=data, seed=0, count=9)
    assert samples.shape == (9, 240, 240, 3) and samples.dtype == np.uint8


def test_fingerprints_name_every_file_that_decides(data):
    found = BENCHMARK.fingerprints(RECIPE, data)
    assert len(found) == 7 + 6 and all(len(digest) == 64 for digest in found.values())


def test_a_mesh_is_drawn_where_it_is_and_its_near_side_only():
    """Two squares, the larger one behind: only faces that look at the camera are drawn, the near one on top."""
    square = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], dtype=float)
    towards = np.array([(0, 2, 1), (0, 3, 2)])  # counter-clockwise for somebody who looks along +z with y down
    picture, away = np.zeros((100, 120, 3), dtype=np.uint8), np.array([0, 0, 10])
    drawn = draw_mesh(picture, square + np.array([0.5, 0, 10]), towards, focal_length=200.0, opacity=1.0)
    rows, columns = np.nonzero(drawn.any(axis=2))
    # 200 / 10 = 20 px for each unit, about (60 + 10, 50).
    assert abs(rows.min() - 30) <= 1 and abs(rows.max() - 70) <= 1
    assert abs(columns.min() - 50) <= 1 and abs(columns.max() - 90) <= 1
    assert not draw_mesh(picture, square + away, towards[:, ::-1], focal_length=200.0).any()
    assert not draw_mesh(picture, square - away, towards, focal_length=200.0).any()  # behind the camera
    tilted = square @ np.array([[1, 0, 0], [0, 0.5, 0.8], [0, -0.8, 0.5]]).T
    both = np.concatenate([(square + away) * 0.5, tilted + away])
    faces = np.concatenate([towards, towards + 4])
    near = draw_mesh(picture, both, faces, focal_length=200.0, opacity=1.0)
    order = draw_mesh(picture, both, faces[::-1], focal_length=200.0, opacity=1.0)
    assert np.array_equal(near, order) and near[50, 60].max() > 200


def test_users_mistakes_are_named(data, tmp_path):
    with pytest.raises(InputError, match=r"images/h36m_train_protocol1: 12 samples.*batch of 13"):
        benchmark(data, replace(RECIPE, batch_size=13, later_batch_sizes=()))
    for changes, message in (
        ({"epochs": 1}, "epochs: 1 are too few"),
        ({"low_resolutions": ((12, 24), (24, 48))}, "from the input's size downwards"),
        ({"low_test_size": 8}, "8 is in none of low_resolutions"),
        ({"loss": replace(RECIPE.loss, queue=17, negatives=8)}, "17 is less than the 18 embeddings of a step"),
        ({"later_batch_sizes": (4, 8)}, "at most batch_size"),
    ):
        with pytest.raises(ValueRuleError, match=message):
            replace(RECIPE, **changes)


def test_a_broken_picture_is_named(tmp_path):
    """Before a run where the header is damaged, and when it is read where that was whole at first."""
    data = write_tiny_pw3d(tmp_path)
    task = benchmark(data)
    for path in (data / "images" / H36M).rglob("*.jpg"):
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"00000\.jpg: empty, truncated .* 11 other faults"):
        benchmark(data)
    with pytest.raises(InputError, match=r"\.jpg: .*docs/data"):
        for epoch in range(3):
            list(task.batches(epoch, 0))
