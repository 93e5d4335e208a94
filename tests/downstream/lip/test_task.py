"""LIP's task: training, rounds and resuming, evaluation through the whole way, figures."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from tiny.lip import RECIPE, SIZES, write_tiny_lip
from torch import nn

from downstream.lip.benchmark import BENCHMARK
from downstream.lip.drawings import augmented_samples, examples
from downstream.lip.labels import NUM_CLASSES
from downstream.lip.parsing_network import ParsingLogits
from downstream.lip.reader import read_lip
from downstream.lip.scores import score_folders, score_run
from downstream.lip.task import LIPParsing
from downstream.lip.whole_picture import fitted, warp_labels
from downstream.samples.crop import crop_matrices
from downstream.training.frozen import freeze
from downstream.training.norm_groups import group_norms
from liftedcl.engine import loop
from liftedcl.engine.device import prepare_device
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone

KEYS = ("miou", "mean_accuracy", "pixel_accuracy")


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_lip(tmp_path_factory.mktemp("lip"))


def make(root, recipe=RECIPE, probe=False, workers=0):
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow")
    task = LIPParsing(recipe, freeze(backbone) if probe else backbone, data=root, seed=0, workers=workers)
    group_norms(task.module, recipe)
    return task


def fit(task, folder):
    device = prepare_device(1)
    return loop.fit(task, folder=folder, identity={}, seed=0, device=device, name="lip")


def run(root, folder, monkeypatch, stop=None):
    """Three epochs of two steps, rounds after each, a checkpoint after each step; stopped at one place if asked."""
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    task = make(root)
    losses, end_round, counts = task.losses, task.module.end_round, (itertools.count(), itertools.count())

    def stopping_losses(batch):
        for item in losses(batch):
            yield item
            if next(counts[0]) == stop:  # after the step, before its checkpoint
                raise StoppedError

    def stopping_end_round(images):
        number = next(counts[1])
        end_round(images)
        if stop == f"after round {number}":
            raise StoppedError

    task.losses, task.module.end_round = stopping_losses, stopping_end_round
    fit(task, folder)
    task.write_predictions(folder)
    return task, score_run(RECIPE, root, folder)


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as monkeypatch:
        return folder, *run(root, folder, monkeypatch)


@pytest.mark.parametrize("stop", [1, 3, "after round 0", "after round 2"])
def test_a_stopped_run_ends_in_the_same_bits(root, whole, tmp_path, monkeypatch, stop):
    """Steps 0 to 5; rounds end before steps 2 and 4, and after the last. A stop loses the step it falls on."""
    folder, task, metrics = whole
    with pytest.raises(StoppedError):
        run(root, tmp_path, monkeypatch, stop)
    resumed, again = run(root, tmp_path, monkeypatch)
    assert again == metrics and resumed.module.rounds == 3
    for (key, ours), theirs in zip(resumed.module.state_dict().items(), task.module.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), key
    ours, theirs = (t.players["schp"].optimiser.state_dict()["state"] for t in (resumed, task))
    assert all(torch.equal(ours[i]["momentum_buffer"], theirs[i]["momentum_buffer"]) for i in theirs)
    for path in [folder / "history.csv", *(folder / "predictions").iterdir()]:
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_teacher_and_labels_teach_after_a_round(root, whole):
    """The second epoch's targets hang on the teacher, the first one's don't."""
    _, task, _ = whole
    batch = task._batches[0]
    losses = {}
    for epoch, spoilt in itertools.product((0, 1), (False, True)):
        fresh = make(root)
        fresh.module.load_state_dict(task.module.state_dict())
        if spoilt:
            with torch.no_grad():
                fresh.module.teacher.module.fuse[-1].bias.add_(torch.linspace(0, 3, NUM_CLASSES))
        fresh.module.train()
        torch.manual_seed(0)
        (_, terms), *_ = fresh.losses(dataclasses.replace(batch, epoch=epoch))
        losses[epoch, spoilt] = {name: value.item() for name, value in terms.items()}
    assert losses[0, False] == losses[0, True]
    assert losses[1, False]["labels"] != losses[1, True]["labels"]
    assert losses[1, False]["edges"] != losses[0, False]["edges"]
    assert losses[1, False]["lovasz"] == losses[1, True]["lovasz"]


def test_products_and_scores_from_the_predictions_alone(root, whole):
    folder, _, metrics = whole
    names = read_lip(root, "val").names
    assert {path.name for path in (folder / "predictions").iterdir()} == {f"{name}.png" for name in names}
    again = score_folders(root / "val_segmentations", folder / "predictions")
    assert again == {key: value for key, value in metrics.items() if key != "student"}
    assert metrics["samples"] == 8 and all(0 <= metrics["student"][key] <= 100 for key in KEYS)
    pictures = examples(RECIPE, root, folder)
    assert pictures.shape == (8, 256, 512, 3) and pictures.dtype == np.uint8


class Oracle(nn.Module):
    """Answers with the logits of given label maps (N, S, S), one batch after the other."""

    def __init__(self, labels):
        super().__init__()
        self.anchor, self.labels, self.asked = nn.Parameter(torch.zeros(1)), torch.from_numpy(labels).long(), 0

    def forward(self, images):
        labels = self.labels[self.asked : self.asked + len(images)]
        self.asked += len(images)
        logits = nn.functional.one_hot(labels, NUM_CLASSES).movedim(3, 1).float()
        return ParsingLogits(logits, logits, logits[:, :2])


def answered(root, out, labels_of, size):
    """Scores of an oracle, through the whole way and by the folders that others may name."""
    recipe = dataclasses.replace(RECIPE, input_size=size)
    task = make(root, recipe)
    val = read_lip(root, "val")
    matrices = crop_matrices(*fitted(val.sizes, size), size=(size, size))
    maps = np.stack([warp_labels(labels_of(val.label(n)), matrices[n], size) for n in range(len(val))])
    maps[maps == 255] = 0  # outside the picture
    task.module = nn.ModuleDict({"teacher": Oracle(maps), "student": Oracle(maps)})
    task._end_round = lambda epoch: None
    task.write_predictions(out)
    metrics = score_run(recipe, root, out)
    assert score_folders(root / "val_segmentations", out / "predictions")["miou"] == metrics["miou"]
    return metrics


@pytest.fixture(scope="module")
def of_input_size(tmp_path_factory):
    """All pictures have the network's size: nothing is resampled."""
    return write_tiny_lip(tmp_path_factory.mktemp("square"), sizes=((33, 33),))


def test_a_perfect_prediction_scores_100(of_input_size, tmp_path):
    metrics = answered(of_input_size, tmp_path, lambda labels: labels, 33)
    assert all(metrics[key] == 100 for key in KEYS)


def test_a_shifted_prediction_scores_the_overlap(of_input_size, tmp_path):
    val = read_lip(of_input_size, "val")
    truth = np.stack([val.label(n) for n in range(len(val))])
    shifted = np.roll(truth, 3, axis=2)
    pairs = [(truth == k, shifted == k) for k in range(NUM_CLASSES)]
    ious = [(a & b).sum() / (a | b).sum() for a, b in pairs if a.any() or b.any()]
    metrics = answered(of_input_size, tmp_path, lambda labels: np.roll(labels, 3, axis=1), 33)
    assert metrics["miou"] == pytest.approx(100 * np.mean(ious))
    assert metrics["pixel_accuracy"] == pytest.approx(100 * (truth == shifted).mean())


def test_every_size_of_picture_finds_its_own_back(root, tmp_path):
    """At an input no smaller than the pictures, resampling there and back by the nearest pixel loses nothing."""
    metrics = answered(root, tmp_path, lambda labels: labels, 257)
    assert all(metrics[key] == 100 for key in KEYS)
    assert max(max(size) for size in SIZES) < 257
    coarse = answered(root, tmp_path, lambda labels: labels, 193)
    assert 99 < coarse["pixel_accuracy"] < 100  # the largest picture has more pixels than that


def test_the_probe_trains_all_but_the_encoder(root, tmp_path):
    task = make(root, probe=True)
    before = {key: value.clone() for key, value in task.module.state_dict().items()}
    fit(task, tmp_path)
    task.write_predictions(tmp_path)  # ends the last round
    moved = {key for key, value in task.module.state_dict().items() if not torch.equal(value, before[key])}
    assert not {key for key in moved if ".backbone." in key}
    assert {"student.classify.weight", "teacher.module.classify.weight"} <= moved


def test_training_lowers_the_loss(root, tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=12, first_round=12, learning_rate=0.05)
    history = fit(make(root, recipe), tmp_path)
    assert history[-1]["schp/labels"] < 0.95 * history[0]["schp/labels"]
    for term in ("schp/lovasz", "schp/edges"):
        assert history[-1][term] < history[0][term]


def test_augmented_samples_show_labels(root):
    drawn = augmented_samples(RECIPE, data=root, seed=0, count=5)
    assert drawn.shape == (5, 231, 231, 3) and drawn.dtype == np.uint8
    assert np.array_equal(drawn, augmented_samples(RECIPE, data=root, seed=0, count=5))
    assert not np.array_equal(drawn, augmented_samples(RECIPE, data=root, seed=1, count=5))


def test_fingerprints_name_what_is_missing(root, tmp_path):
    assert set(BENCHMARK.fingerprints(RECIPE, root)) == {"lip/train_id.txt", "lip/val_id.txt"}
    with pytest.raises(InputError, match=r"train_id\.txt: not found"):
        BENCHMARK.fingerprints(RECIPE, tmp_path)


def test_less_than_a_batch_is_refused(root):
    with pytest.raises(InputError, match="9 samples are less than a batch of 10"):
        make(root, dataclasses.replace(RECIPE, batch_size=10))
