"""The task of Human3.6M parsing: whole-way scores, the rate, the loss, resuming, frozen encoders, HRNet, depth."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny.parsing.h36m_parsing import RECIPE, write_tiny_parsing
from torch import nn
from torch.nn import functional as F

from downstream.h36m.parsing.drawings import augmented_samples, examples
from downstream.h36m.parsing.labels import CLASSES
from downstream.h36m.parsing.network import ParsingNetwork, resize
from downstream.h36m.parsing.network_input import centred_depth
from downstream.h36m.parsing.reader import read_parsing
from downstream.h36m.parsing.schedule import polynomial
from downstream.h36m.parsing.scores import score_run
from downstream.h36m.parsing.task import H36MPartParsing, parsing_loss
from downstream.training.frozen import freeze
from liftedcl.engine import loop
from liftedcl.engine.device import prepare_device
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_parsing(tmp_path_factory.mktemp("h36m"))


def make(root, recipe=RECIPE, probe=False):
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow")
    return H36MPartParsing(recipe, freeze(backbone) if probe else backbone, data=root, seed=0, workers=0)


def fit(task, folder):
    return loop.fit(task, folder=folder, identity={}, seed=0, device=prepare_device(1), name="h36m_parsing")


class Oracle(nn.Module):
    """Answers with the true parts of the test frames, in their order."""

    def __init__(self, samples):
        super().__init__()
        self.anchor, self.asked = nn.Parameter(torch.zeros(1)), 0
        self.known = torch.stack([torch.from_numpy(samples.label(n)).long() for n in range(len(samples))])

    def forward(self, images):
        first, self.asked = self.asked, self.asked + len(images)
        return F.one_hot(self.known[first : self.asked], 25).permute(0, 3, 1, 2).float()


def test_the_mirrored_prediction_changes_sides_and_is_turned_back(root):
    task = make(root)
    seen = []

    class Network(nn.Module):
        """The left hand at the left edge of what it is shown; the same of both images."""

        def __init__(self):
            super().__init__()
            self.anchor = nn.Parameter(torch.zeros(1))

        def forward(self, images):
            seen.append(images)
            logits = torch.zeros(len(images), 25, 33, 33)
            logits[:, CLASSES.index("left_hand"), :, 0] = 1.0
            return logits

    task.module = Network()
    logits = task._predict(torch.randint(0, 255, (2, 3, 33, 33), dtype=torch.uint8))
    (together,) = seen
    assert torch.equal(together[:2].flip(3), together[2:])
    assert (logits[:, CLASSES.index("left_hand"), :, 0] == 0.5).all()
    assert (logits[:, CLASSES.index("right_hand"), :, 32] == 0.5).all() and logits.sum() == 2 * 33


def test_a_perfect_network_scores_100_at_the_frames_own_size(tmp_path):
    """All frames have the network's size, so nothing is resampled."""
    root = write_tiny_parsing(tmp_path / "h36m", sizes=((33, 33),))
    recipe = dataclasses.replace(RECIPE, flip_test=False)
    task = make(root, recipe)
    task.module = Oracle(read_parsing(root, "test", 1))
    task.write_predictions(tmp_path)
    scores = score_run(recipe, root, tmp_path)
    assert scores["miou"] == scores["pixel_accuracy"] == 100 and scores["samples"] == 6


def test_the_rate_is_polynomial_a_step_late_as_published():
    rate = polynomial(0.007, steps=100, power=0.9)
    assert rate(0) == rate(1) == 0.007
    assert rate(51) == pytest.approx(0.007 * 0.5**0.9) and rate(99) == pytest.approx(0.007 * 0.02**0.9)


def test_the_loss_is_the_unweighted_mean_over_labelled_pixels():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 25, 4, 5), torch.randint(0, 25, (2, 4, 5))
    labels[0, :2] = 255
    terms = [-torch.log_softmax(logits[b, :, y, x], 0)[labels[b, y, x]]
             for b in range(2) for y in range(4) for x in range(5) if labels[b, y, x] != 255]  # fmt: skip
    assert parsing_loss(logits, labels).item() == pytest.approx(torch.stack(terms).mean().item(), rel=1e-6)
    assert parsing_loss(logits, torch.full_like(labels, 255)).item() == 0


def test_maps_are_joined_as_one_convolution_of_their_concatenation():
    torch.manual_seed(0)
    network = ParsingNetwork(build_backbone("resnet18_narrow"), width=6, classes=25).eval()
    images = torch.randn(2, 3, 48, 48)
    maps = network.backbone.maps(images)
    joined = torch.cat([resize(x, maps[0].shape[2:]) for x in maps], dim=1)
    weight = torch.cat([join.weight for join in network.join], dim=1)
    expected = network.head(F.conv2d(joined, weight, network.join[0].bias))
    torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-4)


def test_an_hrnets_four_branches_are_joined_without_its_classifier():
    torch.manual_seed(0)
    network = ParsingNetwork(build_backbone("timm/hrnet_w18_small"), width=8, classes=25)
    assert [join.in_channels for join in network.join] == [16, 32, 64, 128]
    logits = network(torch.randn(2, 3, 64, 64))
    assert logits.shape == (2, 25, 16, 16)
    logits.sum().backward()
    untouched = {name.split(".")[0] for name, value in network.backbone.named_parameters() if value.grad is None}
    assert untouched == {"incre_modules", "downsamp_modules", "final_layer"}


def test_depth_is_centred_on_the_person_and_holes_stay_zero():
    depth = torch.zeros(2, 1, 2, 2)
    depth[0, 0] = torch.tensor([[3.0, 5.0], [0.0, 4.0]])
    seen = centred_depth(depth)
    assert seen.shape == (2, 3, 2, 2) and torch.equal(seen[0, 1], torch.tensor([[-1.0, 1.0], [0.0, 0.0]]))
    assert (seen[1] == 0).all(), "a frame without any depth"


@pytest.mark.parametrize("kind", ["rgb", "depth"])
def test_training_lowers_the_loss_and_a_stopped_run_ends_in_the_same_bits(root, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    recipe = dataclasses.replace(RECIPE, input=kind, epochs=3, learning_rate=0.03)
    whole = make(root, recipe)
    history = fit(whole, tmp_path / "whole")
    assert history[-1]["parsing/cross_entropy"] < history[0]["parsing/cross_entropy"]
    stopped = make(root, recipe)
    losses, count = stopped.losses, 0

    def stopping(batch):
        nonlocal count
        for item in losses(batch):
            yield item
            count += 1
            if count == 4:  # after the step, before its checkpoint
                raise KeyboardInterrupt

    stopped.losses = stopping
    with pytest.raises(KeyboardInterrupt):
        fit(stopped, tmp_path / "stopped")
    resumed = make(root, recipe)
    fit(resumed, tmp_path / "stopped")
    for (key, ours), theirs in zip(
        resumed.module.state_dict().items(), whole.module.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), key
    whole.write_predictions(tmp_path / "whole")
    pictures = examples(recipe, root, tmp_path / "whole")
    assert pictures.shape == (6, 256, 512, 3) and pictures.dtype == np.uint8
    drawn = augmented_samples(recipe, data=root, seed=0, count=5)
    assert drawn.shape == (5, 231, 231, 3) and drawn.dtype == np.uint8


def test_the_probe_trains_all_but_the_encoder(root, tmp_path):
    task = make(root, probe=True)
    before = {key: value.clone() for key, value in task.module.state_dict().items()}
    fit(task, tmp_path)
    moved = {key for key, value in task.module.state_dict().items() if not torch.equal(value, before[key])}
    assert "head.2.weight" in moved and not {key for key in moved if key.startswith("backbone.")}


def test_less_than_a_batch_is_refused(root):
    with pytest.raises(InputError, match="9 frames are less than a batch of 10"):
        make(root, dataclasses.replace(RECIPE, batch_size=10))
