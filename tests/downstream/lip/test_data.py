"""Geometry of LIP's batches: labels stay on their picture, mirrored or not, and find back to its size."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from tiny.lip import COLOURS, RECIPE, SIZES, label_map, write_tiny_lip

from downstream.lip.data import ParsingBatches, fitted_images
from downstream.lip.labels import IGNORED, swap_sides
from downstream.lip.reader import read_lip
from downstream.lip.whole_picture import fitted, unwarp_labels, warp_labels
from downstream.samples.crop import crop_matrices, warp
from downstream.training.epoch_batches import load

SIDE = RECIPE.input_size


def fitting_matrices(sizes, size):
    """Maps (N, 2, 3) from images of ``sizes`` (N, 2) to squares of ``size`` px."""
    return crop_matrices(*fitted(sizes, size), size=(size, size))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_lip(tmp_path_factory.mktemp("lip"), train=16)


def labels_of_colours(image):
    """The label whose colour each pixel (..., 3) has exactly; 255 for mixtures and for what is outside the picture."""
    hits = (image[..., None, :] == COLOURS).all(-1)
    return np.where(hits.any(-1), hits.argmax(-1), IGNORED)


def test_augmented_labels_are_those_of_the_augmented_picture(root):
    """Pixel by pixel: an unmixed colour is its label, mirrored pictures with left and right exchanged."""
    recipe = dataclasses.replace(RECIPE, input_size=65)
    batches = ParsingBatches(read_lip(root, "train"), recipe, seed=3, cached=True)
    plain = mirrored = 0
    for epoch in range(4):
        batches.start(epoch)
        for step in range(len(batches)):
            batch = batches[step]
            assert batch.epoch == epoch and batch.images.dtype == batch.labels.dtype == torch.uint8
            for image, labels in zip(batch.images.numpy().transpose(0, 2, 3, 1), batch.labels.numpy(), strict=True):
                colours = labels_of_colours(image)
                known = (colours != IGNORED) & (labels != IGNORED)
                outside = (image == 0).all(-1)
                assert (labels[cv2.erode(outside.astype(np.uint8), np.ones((3, 3))) > 0] == IGNORED).all()
                sided = known & (colours >= 14)
                if sided.sum() < 30:
                    continue
                as_is = (labels == colours)[sided].mean()
                exchanged = (labels == swap_sides(colours.astype(np.uint8)))[sided].mean()
                assert max(as_is, exchanged) == 1 and min(as_is, exchanged) == 0
                assert (labels == colours)[known & (colours < 14)].all()
                plain, mirrored = plain + (as_is == 1), mirrored + (exchanged == 1)
    assert plain > 10 and mirrored > 10


def test_fitting_a_mirrored_picture_gives_the_mirror_image():
    labels = label_map(48, 90, seed=1)
    matrix = fitting_matrices(np.array([[48, 90]]), 60)[0]
    image = cv2.GaussianBlur(COLOURS[labels], (0, 0), 2)
    straight, mirrored = warp(image, matrix, (60, 60)), warp(image[:, ::-1].copy(), matrix, (60, 60))
    assert np.abs(straight[:, ::-1].astype(int) - mirrored).max() <= 3  # fixed-point interpolation
    there = warp_labels(swap_sides(labels[:, ::-1]), matrix, 60)
    assert (there == swap_sides(warp_labels(labels, matrix, 60)[:, ::-1])).mean() > 0.98  # ties of nearest


def test_a_square_of_the_input_size_stays_as_it_is():
    labels = label_map(33, 33, seed=2)
    matrix = fitting_matrices(np.array([[33, 33]]), 33)[0]
    np.testing.assert_allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    assert (warp_labels(labels, matrix, 33) == labels).all()
    assert (unwarp_labels(labels, matrix, (33, 33)) == labels).all()


@pytest.mark.parametrize("size", SIZES)
def test_labels_find_back(size):
    """Through a larger square nothing is lost, and no pixel of the picture is taken from outside the square."""
    labels = label_map(*size, seed=4)
    matrices = fitting_matrices(np.array([size]), 401)
    back = unwarp_labels(warp_labels(labels, matrices[0], 401), matrices[0], size)
    assert back.shape == labels.shape and (back == labels).all()
    small = fitting_matrices(np.array([size]), SIDE)[0]
    assert (unwarp_labels(np.full((SIDE, SIDE), 3, np.uint8), small, size) == 3).all()


def test_batches_depend_on_seed_epoch_and_step_alone(root):
    train = read_lip(root, "train")
    one, two = (ParsingBatches(train, RECIPE, seed=0, cached=cached) for cached in (True, False))
    one.start(1)
    two.start(1)
    for step in (2, 0, 2):  # in any order, from the cache or not
        assert torch.equal(one[step].images, two[step].images) and torch.equal(one[step].labels, two[step].labels)
    here, there = (list(load(two, 1, workers)) for workers in (0, 2))
    assert len(here) == 3
    assert all(torch.equal(a.images, b.images) and a.epoch == b.epoch == 1 for a, b in zip(here, there, strict=True))
    two.start(2)
    assert not torch.equal(one[0].images, two[0].images)


def test_test_pictures_come_in_order_and_whole(root):
    val = read_lip(root, "val")
    batches = fitted_images(val, SIDE, RECIPE.batch_size)
    images = torch.cat([batches[i] for i in range(len(batches))]).numpy().transpose(0, 2, 3, 1)
    assert len(images) == len(val)
    assert (images[2] == val.image(2)).all()
    for n, image in enumerate(images):
        known = labels_of_colours(image)
        truth = warp_labels(val.label(n), batches.matrices[n], SIDE)
        assert (known == truth)[(known != IGNORED) & (truth != IGNORED)].all()
