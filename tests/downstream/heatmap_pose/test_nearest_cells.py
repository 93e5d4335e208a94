"""The joints that heatmaps can give: those that decoding gives and no others, and nothing decoded is nearer."""

import numpy as np
import pytest
import torch
from tiny.mpii import RECIPE

from downstream.heatmap_pose.heatmaps import decode
from downstream.heatmap_pose.nearest_cells import nearest_joints, places_of_cells
from downstream.samples.people import People

CELL, SIDE = 4, 64  # the recipe has heatmaps of 16x16 cells
WIDTH = 160.0
"""Of a crop, px of the image: 2.5 times its size."""


def people(count):
    return People(None, [""] * count, None, np.full((count, 2), 300.0), np.full(count, WIDTH))


def to_image(joints):
    return (joints - SIDE / 2) * WIDTH / SIDE + 300


@pytest.mark.parametrize("offset", [False, True])
def test_the_places_are_those_that_decoding_gives(offset):
    maps = torch.randn(400, 17, 5, 7, generator=torch.Generator().manual_seed(0))
    found = decode(maps, stride=1, offset=offset)[0].reshape(-1, 2).numpy()
    for axis, count in enumerate((7, 5)):
        places = places_of_cells(count, offset=offset)
        decoded = set(found[:, axis].tolist())
        on_cells = set(places.tolist()) - decoded  # neighbours of random maps are never equal, so inner cells move
        assert decoded <= set(places.tolist()) and on_cells <= set(range(count)) and len(places) == len(set(places))


@pytest.mark.parametrize(("offset", "share"), [(False, 1 / 2), (True, 1 / 4)])
def test_inside_the_map_no_joint_is_further_than_a_share_of_a_cell(offset, share):
    joints = np.random.default_rng(0).uniform(CELL, SIDE - 3 * CELL, (50, 16, 2))
    found = nearest_joints(to_image(joints), people(50), RECIPE, offset=offset)
    errors = np.abs(found - to_image(joints)).max(axis=(0, 1))
    limit = share * CELL * WIDTH / SIDE
    assert (errors <= limit + 1e-9).all() and (errors > 0.9 * limit).all()


def test_what_is_outside_the_map_comes_to_its_edge():
    found = nearest_joints(np.array([[[-1e4, 1e4]]]), people(1), RECIPE, offset=True)
    np.testing.assert_allclose(found[0, 0], to_image(np.array([0, SIDE - CELL])))


@pytest.mark.parametrize("offset", [False, True])
def test_no_heatmap_comes_nearer(offset):
    """Gaussians about the true places, which a network would have to give, and noise about them."""
    rng = np.random.default_rng(1)
    joints = rng.uniform(-CELL, SIDE, (40, 16, 2))
    cells = np.arange(SIDE // CELL)
    bells = np.exp(-((cells - joints[..., None] / CELL) ** 2) / 2)  # (40, 16, x and y, cells)
    maps = bells[:, :, 1, :, None] * bells[:, :, 0, None, :]
    nearest = nearest_joints(to_image(joints), people(40), RECIPE, offset=offset)
    least = np.linalg.norm(nearest - to_image(joints), axis=2)
    for noise in (0.0, 0.01, 0.3):
        noisy = torch.from_numpy(maps + noise * rng.normal(size=maps.shape))
        decoded = to_image(decode(noisy, stride=CELL, offset=offset)[0].numpy())
        assert (np.linalg.norm(decoded - to_image(joints), axis=2) >= least - 1e-9).all()
