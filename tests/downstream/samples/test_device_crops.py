"""Crops cut in batch are those that OpenCV cuts one by one, up to rounding."""

import dataclasses
import pickle

import cv2
import numpy as np
import torch
from tiny.data_of_benchmarks import DATA

from downstream.coco.keypoints import MIRRORED
from downstream.coco.reader import read_people
from downstream.h36m.pose_3d.data import training_batches
from downstream.heatmap_pose.keypoint_data import KeypointBatches
from downstream.reading.frames import Region
from downstream.samples.crop import crop_matrices, from_region, warp
from downstream.samples.device_crops import cut_on, uncut
from downstream.samples.network_input import pixels_to_network

CPU = torch.device("cpu")


def smooth(rng, height, width):
    return cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), (0, 0), 3) * 2


def test_regions_of_all_sizes_are_turned_mirrored_and_scaled_alike():
    rng = np.random.default_rng(0)
    regions = [Region(smooth(rng, 60 + 9 * n, 110 - 8 * n), rng.integers(0, 50, 2), np.array([110 - 8 * n, 60 + 9 * n]))
               for n in range(8)]  # fmt: skip
    regions[0] = regions[0]._replace(extent=np.array([220, 120]))  # was shrunk to half its size
    centres = np.array([region.corner + region.extent * rng.uniform(0.2, 0.8, 2) for region in regions])
    matrices = crop_matrices(
        centres, rng.uniform(30, 160, 8), size=(48, 64), rotations=rng.uniform(-80, 80, 8), flips=rng.random(8) < 0.5
    )
    cut = cut_on(uncut(regions, matrices, (48, 64)), CPU)
    for one, region, matrix in zip(cut, regions, matrices, strict=True):
        expected = warp(region.pixels, from_region(matrix, region), (48, 64)).astype(int)
        apart = np.abs(one.permute(1, 2, 0).numpy() - expected)
        assert apart.mean() < 0.6 and np.quantile(apart, 0.95) <= 3
        assert (expected > 0).mean() > 0.2


def test_gains_and_noise_are_where_they_are_said_to_be():
    black = Region.whole(np.full((40, 50, 3), 100, np.uint8))
    identity = np.array([[[1.0, 0, 0], [0, 1, 0]]] * 2)
    crops = uncut([black, black], identity, (50, 40), noise=np.array([[10, 5, 30, 25], [0, 0, 0, 0]]),
                  gains=np.array([[0.5, 1.0, 3.0], [1.0, 1.0, 1.0]]))  # fmt: skip
    torch.manual_seed(0)
    cut = cut_on(crops, CPU)
    assert torch.equal(cut[1], torch.full((3, 40, 50), 100.0))
    inside = torch.zeros(40, 50, dtype=torch.bool)
    inside[5:25, 10:30] = True
    assert torch.equal(cut[0, :, ~inside], torch.tensor([50.0, 100.0, 255.0])[:, None].expand(3, int((~inside).sum())))
    assert cut[0, 1, inside].std() > 60 and abs(cut[0, 1, inside].mean() - 127) < 15


def test_batches_of_both_kinds_are_the_same_samples(tmp_path):
    """Of smooth pictures, without occlusion, whose noise differs."""
    for name in ("h36m_3d", "coco"):
        write, recipe = DATA[name]
        data = write(tmp_path / name)
        for path in data.rglob("*.jpg"):
            assert cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(path)), (0, 0), 3))
        if name == "h36m_3d":
            one, other = (training_batches(recipe, data, seed=0, cached=False) for _ in range(2))
        else:
            train = read_people(data, "train").labelled((recipe.input_width, recipe.input_height), recipe.box_scale)
            one, other = (KeypointBatches(train, recipe, MIRRORED, seed=0, cached=False) for _ in range(2))
        other.on_device = True
        cropped, left = one[0], pickle.loads(pickle.dumps(other[0]))  # as workers hand it over
        for field in dataclasses.fields(cropped):
            values = getattr(cropped, field.name), getattr(left, field.name)
            if field.name != "images" and isinstance(values[0], torch.Tensor):
                assert torch.equal(*values)
        apart = (pixels_to_network(cropped.images, CPU) - pixels_to_network(left.images, CPU)).abs() * 0.226 * 255
        assert apart.mean() < 1 and len(left.images) == recipe.batch_size
