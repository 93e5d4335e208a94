"""Crops cut in batch are those that OpenCV cuts one by one, up to rounding."""

import dataclasses
import pickle

import cv2
import numpy as np
import pytest
import torch
from tiny.data_of_benchmarks import DATA

from downstream.coco.keypoints import MIRRORED
from downstream.coco.reader import read_people
from downstream.h36m.pose_3d.data import training_batches
from downstream.heatmap_pose.keypoint_data import KeypointBatches
from downstream.lip.data import ParsingBatches
from downstream.lip.labels import IGNORED, LABELS
from downstream.lip.parsing_loss import edge_labels
from downstream.lip.reader import read_lip
from downstream.lip.whole_picture import warp_labels
from downstream.pw3d.data import ShapeBatches
from downstream.pw3d.reader import read_mix
from downstream.reading.frames import Region
from downstream.samples.crop import crop_matrices, from_region, warp
from downstream.samples.device_crops import cut_on, labels_on, uncut, uncut_labels
from downstream.samples.network_input import pixels_on

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


def test_labels_are_the_nearest_ones_and_change_sides_in_the_mirror():
    """All but a thousandth of them; what is outside a map is ignored, also where the others are larger."""
    rng = np.random.default_rng(0)
    sizes = np.array([(90 - 7 * n, 50 + 9 * n) for n in range(6)])
    labels = [cv2.resize(rng.integers(0, 20, (9, 7), dtype=np.uint8), size, interpolation=0) for size in sizes.tolist()]
    flips = rng.random(6) < 0.5
    assert flips.any() and not flips.all()
    centres, turned = sizes * rng.uniform(0.3, 0.7, (6, 2)), rng.uniform(-60, 60, 6)
    matrices = crop_matrices(centres, rng.uniform(40, 130, 6), size=(65, 65), rotations=turned, flips=flips)
    regions = [Region.whole(one) for one in labels]
    becomes = np.where(flips[:, None], LABELS.mirrored, np.arange(256, dtype=np.uint8))
    cut = labels_on(uncut_labels(regions, matrices, (65, 65), becomes, IGNORED), CPU)
    expected = np.stack([warp_labels(*one, 65) for one in zip(labels, matrices, strict=True)])
    expected[flips] = LABELS.mirrored[expected[flips]]
    assert (cut.numpy() != expected).mean() < 1e-3 and 0.1 < (expected == IGNORED).mean() < 0.9
    edges, wanted = edge_labels(cut), edge_labels(torch.from_numpy(expected).long())
    assert (edges != wanted).float().mean() < 0.005 and wanted.float().mean() > 0.1


def coco_batches(recipe, data):
    train = read_people(data, "train").labelled((recipe.input_width, recipe.input_height), recipe.box_scale)
    return KeypointBatches(train, recipe, MIRRORED, seed=0, cached=False)


BATCHES = {
    "coco": coco_batches,
    "h36m_3d": lambda recipe, data: training_batches(recipe, data, seed=0, cached=False),
    "lip": lambda recipe, data: ParsingBatches(read_lip(data, "train"), recipe, seed=0, cached=False),
    "pw3d": lambda recipe, data: ShapeBatches(read_mix(data), recipe, seed=0, cached=False),
}


@pytest.mark.parametrize("name", BATCHES)
def test_batches_of_both_kinds_are_the_same_samples(tmp_path, name):
    """Of smooth pictures, without occlusion, whose noise differs."""
    write, recipe = DATA[name]
    data = write(tmp_path / name)
    for path in data.rglob("*.jpg"):
        assert cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(path)), (0, 0), 3))
    one, other = (BATCHES[name](recipe, data) for _ in range(2))
    other.on_device = True
    cropped, left = one[0], pickle.loads(pickle.dumps(other[0]))  # as workers hand it over
    for field in dataclasses.fields(cropped):
        values = getattr(cropped, field.name), getattr(left, field.name)
        if field.name == "labels":
            assert (labels_on(values[0], CPU) != labels_on(values[1], CPU)).float().mean() < 2e-3
        elif field.name != "images" and isinstance(values[0], torch.Tensor):
            assert torch.equal(*values)
    apart = (pixels_on(cropped.images, CPU) - pixels_on(left.images, CPU)).abs()
    assert apart.mean() < 1 and len(left.images) == recipe.batch_size
    assert name != "pw3d" or apart.max() == 0  # whose crops are mirrored only
