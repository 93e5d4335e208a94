"""Bounds: what encoding and decoding leave of the true labels, against closed forms and slow searches."""

import dataclasses
import json

import numpy as np
import pytest
from tiny.coco import RECIPE as COCO
from tiny.coco import write_tiny_coco
from tiny.data_of_benchmarks import DATA
from tiny.h36m import RECIPE_2D, write_tiny_h36m
from tiny.lip import RECIPE as LIP
from tiny.lip import write_sample, write_tiny_lip
from tiny.mpii import RECIPE as MPII
from tiny.mpii import write_tiny_mpii
from tiny.pw3d import RECIPE as PW3D
from tiny.pw3d import write_tiny_pw3d
from tiny.tables import TABLES

from downstream.coco import reference as coco
from downstream.coco.reader import DETECTIONS, read_detections, read_people
from downstream.h36m.pose_2d import reference as h36m_2d
from downstream.h36m.pose_2d.reader import read_h36m_2d
from downstream.lip import reference as lip
from downstream.lip.labels import IGNORED
from downstream.mpii import reference as mpii
from downstream.pw3d import reference as pw3d
from downstream.pw3d.reader import TEST, annotation_path, read_shape_split
from downstream.pw3d.scores import pose_matrices, true_bodies
from downstream.registry import BENCHMARKS
from downstream.samples.crop import apply_affine, crop_matrices, invert_affine
from workflow.tables.table_spec import main_tables


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_it_is_better_than_the_trivial_predictor_in_every_metric(benchmark, tmp_path):
    write, recipe = DATA[benchmark]
    root, reference = write(tmp_path / "data"), BENCHMARKS[benchmark].load("reference")
    trivial = reference.reference_scores(recipe, root)
    bound = reference.bound_scores(recipe, root)
    assert bound["samples"] == trivial["samples"]
    for column in main_tables(TABLES)[benchmark].columns:
        way = 1 if column.better == "up" else -1
        if trivial[column.key] is not None:
            assert way * bound[column.key] > way * trivial[column.key], column.name
    assert 0 <= len(trivial.keys() - bound.keys()) <= 2 and bound.keys() <= trivial.keys()


def test_fine_heatmaps_find_every_person_of_coco(tmp_path):
    """In crops that are larger than their people, cells of one px leave OKS above 0.95, and cells of 32 px don't."""
    root = write_tiny_coco(tmp_path / "coco")
    recipes = (dataclasses.replace(COCO, input_width=192, input_height=256, heatmap_stride=cell) for cell in (1, 32))
    best, worse = (coco.bound_scores(recipe, root) for recipe in recipes)
    assert best["ap"] == best["ar"] == best["ground_truth_boxes"]["ap"] == pytest.approx(100)
    assert worse["mean_oks"] < 90 < 99 < best["mean_oks"] and worse["ap"] < 90


def test_a_box_that_is_found_exactly_overlaps_its_person_wholly(tmp_path):
    """Annotated boxes are read up to their last pixel, detected ones to the pixel after; here they are the same."""
    root = write_tiny_coco(tmp_path / "coco")
    exact = [box for box in json.loads((root / DETECTIONS).read_text()) if box["category_id"] == 1]
    halves = [{**box, "bbox": [*box["bbox"][:3], box["bbox"][3] / 2]} for box in exact]
    for boxes, expected in ((exact, 1.0), (halves, 0.5)):
        (root / DETECTIONS).write_text(json.dumps(boxes))
        annotated = read_people(root, "val")
        owners, overlaps = coco._owners(read_detections(root), annotated.boxes)
        assert sorted(owners) == list(range(len(annotated)))
        np.testing.assert_allclose(overlaps, expected, atol=1e-9)


def test_a_detector_costs_whom_it_misses_and_nobody_else(tmp_path):
    """A box beside everybody, a weak second box of somebody: an encoder could see through both."""
    root = write_tiny_coco(tmp_path / "coco")
    recipe = dataclasses.replace(COCO, input_width=192, input_height=256, heatmap_stride=1)
    boxes = json.loads((root / DETECTIONS).read_text())
    real = [box for box in boxes if box["category_id"] == 1]
    beside = {**real[0], "bbox": [1, 1, 6, 6], "score": 1.0}
    (root / DETECTIONS).write_text(json.dumps([*boxes, beside, {**real[0], "score": 0.1}]))
    assert coco.bound_scores(recipe, root)["ap"] == pytest.approx(100)
    left = [box for box in boxes if box["image_id"] != real[0]["image_id"]]
    (root / DETECTIONS).write_text(json.dumps(left))
    bound = coco.bound_scores(recipe, root)
    people = 1 / len({box["image_id"] for box in real})
    assert bound["ar"] == pytest.approx(100 * (1 - people)) and bound["ground_truth_boxes"]["ar"] == pytest.approx(100)


def test_pckh_of_people_who_are_large_against_the_cells_is_100(tmp_path):
    """A quarter of a cell of 2 px is 0.9 px of these pictures along the diagonal, a tenth of a head 1.2 and more."""
    root = write_tiny_mpii(tmp_path / "mpii")
    recipes = {cell: dataclasses.replace(MPII, heatmap_stride=cell) for cell in (1, 2, 4, 8, 16)}
    found = {cell: mpii.bound_scores(recipe, root) for cell, recipe in recipes.items()}
    tenths = [scores["pckh_10"] for scores in found.values()]
    assert tenths == sorted(tenths, reverse=True) and tenths[:2] == [100, 100] and tenths[3] < 90
    assert [scores["pckh_50"] for scores in found.values()][:3] == [100] * 3 and found[16]["pckh_50"] < 100


@pytest.mark.parametrize("head_size", [1.0, 5.0, 12.0])
def test_jdr_is_that_of_the_nearest_of_all_cells(tmp_path, head_size):
    root, size = write_tiny_h36m(tmp_path / "h36m"), RECIPE_2D.input_width
    recipe = dataclasses.replace(RECIPE_2D, head_size=head_size)
    truth = read_h36m_2d(root, "test", 1)
    people = truth.labelled((size, size), recipe.box_scale).people
    cell = recipe.heatmap_stride
    grid = np.stack(np.meshgrid(*[np.arange(0, size, cell)] * 2), axis=2).reshape(1, -1, 2)
    matrices = invert_affine(crop_matrices(people.centres, people.widths, size=(size, size)))
    places = apply_affine(matrices, np.broadcast_to(grid, (len(truth), *grid.shape[1:])))
    nearest = np.linalg.norm(places[:, :, None] - truth.joints[:, None], axis=3).min(axis=1)  # (N, 17)
    expected = 100 * (nearest <= head_size / 2).mean()
    assert h36m_2d.bound_scores(recipe, root)["jdr"] == pytest.approx(expected)
    assert (expected < 100) == (head_size < 12)


def test_a_neutral_body_is_off_by_what_the_genders_differ(tmp_path):
    root = write_tiny_pw3d(tmp_path / "pw3d")
    truth = read_shape_split(root, TEST)
    bodies, regressors = pw3d.read_bodies(root), pw3d.read_regressors(root, pw3d.read_bodies(root)[0])
    everybody = slice(0, len(truth))
    true, _ = true_bodies(truth, everybody, bodies, regressors)
    neutral, _ = true_bodies(dataclasses.replace(truth, gender=0 * truth.gender), everybody, bodies, regressors)
    expected = 1000 * np.linalg.norm(true - neutral, axis=2).mean()
    bound = pw3d.bound_scores(PW3D, root)
    assert bound["mpjpe_mm"] == pytest.approx(expected, abs=0.01) and expected > 1
    path = annotation_path(root, TEST)
    np.savez(path, **{**np.load(path), "gender": np.full(len(truth), "n")})
    bound = pw3d.bound_scores(PW3D, root)
    assert max(bound[key] for key in ("pa_mpjpe_mm", "mpjpe_mm", "pve_mm")) < 0.01


@pytest.mark.parametrize("count", [1, 7])
def test_six_numbers_give_every_rotation_back(count):
    rotations = pose_matrices(np.random.default_rng(0).normal(0, 2, (count, 72)))
    numbers = rotations[..., :2].reshape(count, 144)
    np.testing.assert_allclose(pw3d.rotations_of_6d(numbers), rotations, atol=1e-12)
    np.testing.assert_allclose(pw3d.rotations_of_6d(numbers[0]), rotations[0], atol=1e-12)


def write_lip(root, labels):
    for split in ("train", "val"):
        write_sample(root, split, "a", labels)
        (root / f"{split}_id.txt").write_text("a\n")
    return root


def bound_of(root, size):
    return lip.bound_scores(dataclasses.replace(LIP, input_size=size), root)


def test_labels_that_fit_into_the_square_come_back_whole(tmp_path):
    root = write_tiny_lip(tmp_path / "lip", sizes=((132, 132), (132, 80), (62, 132)))
    scores = [bound_of(root, size)["miou"] for size in (132, 66, 33)]
    assert scores[0] == 100 and scores == sorted(scores, reverse=True) and scores[1] < 99


def test_of_lines_that_are_half_a_pixel_wide_half_is_lost(tmp_path):
    """A pixel of the square sees one of two lines and gives its class to both."""
    labels = np.tile(np.array([3, 5], np.uint8), (66, 33))
    assert bound_of(write_lip(tmp_path, labels), 33)["pixel_accuracy"] == pytest.approx(50, abs=2)


def test_ignored_pixels_are_neither_scored_nor_predicted(tmp_path):
    """They reach into the square, where a prediction has a class all the same."""
    labels = np.full((66, 66), 7, np.uint8)
    labels[20:41] = IGNORED
    bound = bound_of(write_lip(tmp_path, labels), 33)
    assert set(bound["per_class"]) <= {"background", "dress", "coat"} and bound["pixel_accuracy"] > 97
