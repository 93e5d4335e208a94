"""Training on a fraction: which samples, the same steps, and never a picture of anybody else."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from tiny.coco import RECIPE as COCO
from tiny.coco import write_tiny_coco
from tiny.h36m import RECIPE as H36M_3D
from tiny.h36m import RECIPE_2D as H36M_2D
from tiny.h36m import write_tiny_h36m
from tiny.lip import RECIPE as LIP
from tiny.lip import write_tiny_lip
from tiny.mpii import RECIPE as MPII
from tiny.mpii import write_tiny_mpii
from tiny.pw3d import RECIPE as PW3D
from tiny.pw3d import write_tiny_pw3d
from tiny.tasks import task_of as task_with

from downstream.coco.keypoints import MIRRORED
from downstream.coco.reader import read_people
from downstream.h36m.pose_2d.reader import read_h36m_2d
from downstream.h36m.pose_3d.data import PoseBatches
from downstream.h36m.pose_3d.reader import read_h36m_3d
from downstream.h36m.pose_3d.regions import people_of
from downstream.h36m.shared.mpii_mix import read_mix
from downstream.heatmap_pose.keypoint_data import KeypointBatches
from downstream.lip.reader import read_lip
from downstream.pw3d import reader as pw3d
from downstream.reading import frames
from downstream.registry import BENCHMARKS
from downstream.samples.people import LabelledPeople
from downstream.training.epoch_batches import subset_of
from workflow.params import read_params

CASES = {
    "coco": COCO,
    "mpii": MPII,
    "h36m_2d-mixed": H36M_2D,
    "h36m_3d": H36M_3D,
    "h36m_3d-mixed": H36M_3D,
    "pw3d": dataclasses.replace(PW3D, epochs=16),  # as many as it takes to draw everybody
    "lip": LIP,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write = {"coco": write_tiny_coco, "mpii": write_tiny_mpii, "h36m": write_tiny_h36m, "pw3d": write_tiny_pw3d}
    for name, writer in {**write, "lip": write_tiny_lip}.items():
        writer(root / name)
    return root


def below(people):
    return [people.folder / name for name in people.names]


TRAINING_PICTURES = {
    "coco": lambda data: [below(read_people(data / "coco", "train").labelled((48, 64), 1.0).people)],
    "mpii": lambda data: [below(read_mix(data / "mpii").people)],
    "h36m_2d": lambda data: [below(read_h36m_2d(data / "h36m", "train", 1).labelled((64, 64), 1.0).people)],
    "h36m_3d": lambda data: [below(people_of(read_h36m_3d(data / "h36m", "train"), H36M_3D.box_scale))],
    "pw3d": lambda data: [below(samples) for samples, _ in pw3d.read_mix(data / "pw3d")],
    "lip": lambda data: [[data / "lip" / "train_images" / f"{n}.jpg" for n in read_lip(data / "lip", "train").names]],
}
"""Of each set, sample by sample."""


def task_of(case, data, **changes):
    name, recipe = case.split("-")[0], dataclasses.replace(CASES[case], **changes)
    if "mixed" in case:
        recipe = dataclasses.replace(recipe, mpii=str(data / "mpii"))
    return task_with(name, recipe, data / BENCHMARKS[name].data.name)


def test_every_benchmark_has_the_variants_of_the_table():
    recipes = read_params(REPOSITORY / "params.yaml").benchmarks
    for name, (variant, fraction) in itertools.product(
        BENCHMARKS, {"data1": 0.01, "data10": 0.1, "data20": 0.2}.items()
    ):
        assert recipes[f"{name}-{variant}"] == dataclasses.replace(recipes[name], fraction=fraction)


def test_subsets_are_nested_and_of_the_seed_alone():
    counts = (200, 7, 30)
    parts = [subset_of(counts, fraction, 3) for fraction in (0.01, 0.1, 0.2, 1.0)]
    for few, more in itertools.pairwise(parts):
        assert set(few) < set(more)
    sizes = [np.diff(np.searchsorted(rows, [0, 200, 207, 237])).tolist() for rows in parts]
    assert sizes == [[2, 1, 1], [20, 1, 3], [40, 2, 6], [200, 7, 30]]
    assert np.array_equal(parts[-1], np.arange(237))  # nothing is reordered
    assert len(subset_of([100], 0.07, 0)) == 7
    assert not np.array_equal(subset_of(counts, 0.2, 4), parts[2])


@pytest.mark.parametrize("case", CASES)
def test_the_subset_is_all_that_is_looked_at_and_the_steps_stay(case, data, monkeypatch):
    """Of each set, over the epochs of a run; at the end of LIP's rounds the teacher sees pictures too."""
    read, seen = frames.read_image, set()
    monkeypatch.setattr(frames, "read_image", lambda path: seen.add(path.resolve()) or read(path))
    name, *mixed = case.split("-")
    sets = TRAINING_PICTURES[name](data) + (TRAINING_PICTURES["mpii"](data) if mixed else [])
    task, whole = task_of(case, data, fraction=0.3), task_of(case, data)
    assert (task.steps_per_epoch, task.epochs) == (whole.steps_per_epoch, whole.epochs)
    steps = whole.steps_per_epoch
    for epoch, count in enumerate([steps] * whole.epochs if isinstance(steps, int) else steps):
        assert len(list(task.batches(epoch, 0))) == count
    flat = [path.resolve() for paths in sets for path in paths]
    chosen = subset_of([len(paths) for paths in sets], 0.3, 0)
    assert seen == {flat[row] for row in chosen} != set(flat)


@pytest.mark.parametrize("case", ["coco", "h36m_2d-mixed", "h36m_3d", "lip"])
def test_the_whole_set_is_drawn_as_it_stands(case, data):
    """At fraction 1 a draw's number is its sample's, as it was before there were fractions."""
    batches = task_of(case, data)._batches
    everybody = np.arange(len(batches.chosen))
    assert np.array_equal(batches.rows(everybody), everybody)


def test_the_whole_mix_of_3d_goes_round_as_it_stands(data):
    poses, others = read_h36m_3d(data / "h36m", "train"), read_mix(data / "mpii")
    others = LabelledPeople(others.people.at(np.arange(5)), others.joints[:5], others.visible[:5])
    batches, count = PoseBatches(poses, H36M_3D, seed=0, cached=False, others=others), len(poses)
    for epoch in range(3):
        batches.start(epoch)
        turn = (np.arange(count) + epoch * count) % 5
        assert np.array_equal(batches.rows(np.arange(2 * count)), [*range(count), *(count + turn)])


def test_the_whole_sets_of_the_shape_benchmark_keep_their_order(data):
    """The rows of an epoch are those that the seed's permutations give for whole sets."""
    batches = task_of("pw3d", data)._batches
    for epoch in range(3):
        rng, counts, shares = np.random.default_rng([0, epoch]), batches._counts, batches._shares
        places = [np.resize(rng.permutation(count), counts.max()) for count in counts]
        sets = rng.choice(len(counts), size=counts.max(), p=shares / shares.sum())
        rows = [batches._firsts[number] + places[number][n] for n, number in enumerate(sets)]
        assert np.array_equal(batches._order(epoch), rows)


def test_one_person_fills_batches_with_different_crops(data):
    """1% of nine people is one; a draw's random numbers are the same as of the whole set's draw."""
    train = read_people(data / "coco", "train").labelled((48, 64), 1.25)
    few, all_ = (
        KeypointBatches(train, dataclasses.replace(COCO, fraction=fraction), MIRRORED, seed=0, cached=True)
        for fraction in (0.01, 1.0)
    )
    batch = few.batch(np.arange(4))
    assert len(few) == len(all_) and batch.rows.tolist() == 4 * few.chosen.tolist()
    assert all(not torch.equal(*pair) for pair in itertools.combinations(batch.images, 2))
    own_draw = few.chosen
    assert torch.equal(few.batch(own_draw).images, all_.batch(own_draw).images)


def test_shape_samples_keep_their_random_numbers(data):
    part, whole = (task_of("pw3d", data, fraction=fraction) for fraction in (0.5, 1.0))
    for ours, theirs in zip(part.batches(1, 0), whole.batches(1, 0), strict=True):
        assert torch.equal(ours.colours, theirs.colours) and ours.sizes == theirs.sizes
