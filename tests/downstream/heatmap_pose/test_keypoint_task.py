"""The task that COCO, MPII and Human3.6M 2D share: samples in place, repeatable, predictions put back."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny.coco import DOTTED, RECIPE, write_tiny_coco
from tiny.interruption import stopped_at_save

from downstream.coco.keypoints import MIRRORED
from downstream.coco.reader import read_people
from downstream.heatmap_pose.heatmaps import gaussian_targets
from downstream.heatmap_pose.keypoint_data import KeypointBatches
from downstream.heatmap_pose.keypoint_task import KeypointTask
from downstream.heatmap_pose.mean_keypoints import mean_keypoints
from downstream.heatmap_pose.simple_pose import SimplePose
from downstream.samples.people import LabelledPeople, People
from downstream.training.frozen import freeze
from liftedcl.engine.loop import fit
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone

SIZE = (RECIPE.input_width, RECIPE.input_height)
NO_AUGMENTATION = dataclasses.replace(RECIPE.augmentation, scale_deviation=0.0, rotation_probability=0.0, flip=0.0)


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    root = write_tiny_coco(tmp_path_factory.mktemp("tiny") / "coco")
    return read_people(root, "train").labelled(SIZE, RECIPE.box_scale)


def brightest(image):
    """Centre of the white dot of a crop (3, H, W), in px; None where there is none."""
    white = image.min(axis=0) > 170
    return np.argwhere(white)[:, ::-1].mean(axis=0) if white.sum() >= 3 else None


def test_augmented_joints_stay_on_their_dots(train):
    """Turned, scaled and mirrored, the dot is where the sample says the right wrist (mirrored: the left) is."""
    batches = KeypointBatches(train, RECIPE, MIRRORED, seed=0, cached=True)
    seen, mirrored = 0, 0
    for epoch in range(6):
        batches.start(epoch)
        for batch in map(batches.__getitem__, range(len(batches))):
            for image, joints, visible, row, flip in zip(
                batch.images.numpy(), batch.joints.numpy(), batch.visible, batch.rows, batch.flipped, strict=True
            ):
                joint = MIRRORED[DOTTED] if flip else DOTTED
                assert visible.sum() == train.visible[row].sum()
                if not visible[joint] or not ((joints[joint] > 3) & (joints[joint] < np.array(SIZE) - 4)).all():
                    continue
                dot = brightest(image)
                assert dot is not None and np.abs(dot - joints[joint]).max() < 1
                seen, mirrored = seen + 1, mirrored + int(flip)
    assert seen > 20 and 5 < mirrored < seen


def test_samples_depend_on_seed_epoch_and_index_alone(train):
    def all_of(seed, cached):
        batches = KeypointBatches(train, RECIPE, MIRRORED, seed=seed, cached=cached)
        batches.start(2)
        return torch.cat([batches[step].images for step in range(len(batches))])

    first = all_of(0, cached=True)
    assert torch.equal(first, all_of(0, cached=False)) and not torch.equal(first, all_of(1, cached=True))


class Oracle(torch.nn.Module):
    """Says where the white dot is, for every joint: a network that is right about one joint."""

    stride = 4

    def __init__(self, joints):
        super().__init__()
        self.joints = joints
        self.anchor = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images):
        dots = [brightest((image * 0.226 + 0.45).mul(255).numpy()) for image in images]
        joints = torch.tensor(np.array([(-999, -999) if dot is None else dot for dot in dots]), dtype=torch.float32)
        joints = joints[:, None].expand(-1, self.joints, -1)
        size = images.shape[3] // self.stride, images.shape[2] // self.stride
        return gaussian_targets(joints, torch.ones(joints.shape[:2]), size=size, stride=self.stride, sigma=2.0)[0]


@pytest.mark.parametrize("flip_test", [False, True])
def test_predictions_come_back_to_the_picture(train, flip_test):
    """Crop, network, flip test and back: exact to half a cell, also for boxes that reach out of the picture."""
    recipe = dataclasses.replace(RECIPE, flip_test=flip_test)
    task = KeypointTask(recipe, build_backbone("resnet18_narrow"), train=train, mirrored=MIRRORED, seed=0, workers=0)
    task.module = Oracle(17)
    people = train.people
    joints, heights = task.predict(people, offset=False)
    dotted = train.visible[:, DOTTED]
    assert dotted.sum() >= 4 and (people.centres[:, 0] + people.widths / 2 > people.sizes[:, 0]).any()
    cell = 4 * people.widths / SIZE[0]
    errors = np.abs(joints[:, DOTTED] - train.joints[:, DOTTED]).max(axis=1)
    assert (errors[dotted] <= cell[dotted] / 2 + 1.5).all() and (heights[dotted] > 0.9).all()


def test_pictures_without_an_annotated_size(train):
    unsized = dataclasses.replace(train.people, sizes=None)
    sized = KeypointBatches(train, RECIPE, MIRRORED, seed=0, cached=False)[0]
    free = KeypointBatches(dataclasses.replace(train, people=unsized), RECIPE, MIRRORED, seed=0, cached=False)[0]
    assert torch.equal(sized.images, free.images)


def make(train, recipe=RECIPE, backbone=None, workers=0):
    torch.manual_seed(0)
    backbone = backbone or build_backbone("resnet18_narrow")
    return KeypointTask(recipe, backbone, train=train, mirrored=MIRRORED, seed=0, workers=workers)


def run(task, folder):
    fit(task, folder=folder, identity={"a": 1}, seed=0, device=torch.device("cpu"), name="tiny")
    return {key: value.clone() for key, value in task.module.state_dict().items()}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_run_ends_in_the_same_bits(train, tmp_path, workers):
    whole = run(make(train), tmp_path / "whole")
    with stopped_at_save(3):
        run(make(train, workers=workers), tmp_path / "cut")
    resumed = run(make(train, workers=workers), tmp_path / "cut")
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


@pytest.mark.parametrize(("loss", "steps", "share"), [("mse_mean", 50, 0.8), ("cross_entropy", 50, 0.8)])
def test_it_learns_a_few_people_by_heart(train, tmp_path, loss, steps, share):
    recipe = dataclasses.replace(
        RECIPE, loss=loss, epochs=steps, batch_size=4, learning_rate=1e-2, augmentation=NO_AUGMENTATION, milestones=()
    )
    few = LabelledPeople(train.people.at(np.arange(4)), train.joints[:4], train.visible[:4])
    task = make(few, recipe)
    before = np.linalg.norm(mean_keypoints(few, few.people, SIZE) - few.joints, axis=2)[few.visible].mean()
    run(task, tmp_path)
    joints, _ = task.predict(few.people, offset=True)
    after = np.linalg.norm(joints - few.joints, axis=2)[few.visible].mean()
    assert after < share * before


def test_a_frozen_encoder_stays_as_it_is(train, tmp_path):
    backbone = freeze(build_backbone("resnet18_narrow"))
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    task = make(train, dataclasses.replace(RECIPE, epochs=1), backbone)
    head = {key: value.clone() for key, value in task.module.head.state_dict().items()}
    run(task, tmp_path)
    assert all(torch.equal(before[key], value) for key, value in backbone.state_dict().items())
    assert not torch.equal(head["0.weight"], task.module.head[0].weight)


def test_the_published_architecture():
    """34.0 million parameters, 64x48 heatmaps for 256x192, deconvolutions and head from N(0, 0.001)."""
    network = SimplePose(build_backbone("resnet50"), joints=17, size=(192, 256), stride=4, width=256)
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 1) == 34.0
    assert network.size == (48, 64)
    with torch.no_grad():
        assert network.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 17, 16, 16)
    for layer in network.head:
        if isinstance(layer, torch.nn.ConvTranspose2d | torch.nn.Conv2d):
            assert 0.0008 < float(layer.weight.detach().std()) < 0.0012


def test_mean_keypoints_are_exact_where_everybody_is_alike():
    """People who differ by where and how large they are: the mean in crop coordinates is everybody's pose."""
    pose = np.array([[0.1, -0.2], [-0.3, 0.4], [0.0, 0.0]])
    centres, widths = np.array([[50.0, 60.0], [90.0, 20.0], [10.0, 10.0]]), np.array([40.0, 80.0, 20.0])
    joints = centres[:, None] + widths[:, None, None] * pose
    visible = np.array([[True, True, False], [True, False, False], [True, True, False]])
    joints[1, 1] = 1e6  # hidden, so it must not count
    everybody = People("folder", ["a", "b", "c"], None, centres, widths)
    found = mean_keypoints(LabelledPeople(everybody, joints, visible), everybody, SIZE)
    np.testing.assert_allclose(found, centres[:, None] + widths[:, None, None] * pose, atol=1e-9)


def test_what_does_not_fit_is_named(train):
    with pytest.raises(InputError, match="less than a batch of 64"):
        make(train, dataclasses.replace(RECIPE, batch_size=64))
    with pytest.raises(InputError, match="not divisible by the backbone's stride"):
        make(train, dataclasses.replace(RECIPE, input_width=52))
    for stride in (16, 3):
        with pytest.raises(InputError, match=f"heatmap_stride: no doubling .* stride 8 to {stride}"):
            make(train, dataclasses.replace(RECIPE, heatmap_stride=stride, input_width=48, input_height=96))
    with pytest.raises(InputError, match="input_width: 50 is not a multiple of heatmap_stride, 4"):
        dataclasses.replace(RECIPE, input_width=50)
