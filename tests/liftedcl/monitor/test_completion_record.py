"""Completed images of a run: true pixels but where patches are hidden, at moments spread over it; and the figure."""

import dataclasses
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from tiny.pretraining import ROWS
from tiny.shard import write_tiny_shard

from liftedcl.completion_progress import main
from liftedcl.identity.errors import InputError
from liftedcl.images.pairs import KINDS, open_pairs
from liftedcl.losses.patch_error import normalised, patches_of
from liftedcl.monitor.completion_record import CompletionRecord, Completions, read_completions, write_completions
from liftedcl.views.whole_crops import whole_views

GRID = (6, 6)
EPOCHS = 20
DEVICE = torch.device("cpu")


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return write_tiny_shard(tmp_path_factory.mktemp("shard") / "images.npy", 12)


def record(row, shard, **masking):
    recipe = ROWS[row]
    recipe = dataclasses.replace(
        recipe,
        training=dataclasses.replace(recipe.training, epochs=EPOCHS),
        masking=dataclasses.replace(recipe.masking, **masking),
    )
    return CompletionRecord(recipe, shard, GRID)


def completing(how):
    """A method that predicts ``how(views)`` and keeps what it is given."""
    given = []

    def complete(views, visible, second):
        given.append((visible, second))
        return how(views)

    return SimpleNamespace(eval=lambda: None, complete=complete, given=given)


def completed_by(how, row, shard, **masking):
    kept, method = record(row, shard, **masking), completing(how)
    kept.look(0, method)
    return kept.history(), method


def pixels_hidden(found):
    return found.hidden.repeat(8, axis=1).repeat(8, axis=2)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("row", ["vit_mae", "vit_croco"])
def test_a_perfect_prediction_is_the_image_and_any_other_leaves_visible_patches_alone(row, normalise, shard):
    def perfect(views):
        patches = patches_of(views, GRID)
        return normalised(patches) if normalise else patches

    found, _ = completed_by(perfect, row, shard, normalise=normalise)
    assert np.abs(found.completed[0].astype(int) - found.images).max() <= 1
    wrong, _ = completed_by(lambda views: 9 * torch.ones(len(views), 36, 192), row, shard, normalise=normalise)
    same = (wrong.completed[0] == wrong.images).all(axis=3)
    assert same[~pixels_hidden(wrong)].all() and not same[pixels_hidden(wrong)].all()


def test_predicting_nothing_draws_each_patchs_mean(shard):
    found, _ = completed_by(lambda views: torch.zeros(len(views), 36, 192), "vit_mae", shard, normalise=True)
    (image, picture, hidden) = found.images[0], found.completed[0, 0], found.hidden[0]
    row, column = np.argwhere(hidden)[0]
    of = np.s_[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
    views = whole_views(shard.gather(np.array([0])), (48, 48), DEVICE)
    mean = patches_of(views, GRID)[0, 6 * row + column].mean() * torch.tensor((0.229, 0.224, 0.225))
    expected = (mean + torch.tensor((0.485, 0.456, 0.406))) * 255
    assert np.abs(picture[of] - expected.numpy()).max() <= 1 and np.ptp(image[of]) > 50


def test_as_many_patches_are_hidden_as_in_training_and_always_the_same(shard):
    found, method = completed_by(lambda views: torch.zeros(len(views), 36, 192), "vit_croco", shard, ratio=0.9)
    assert (found.hidden.sum(axis=(1, 2)) == 32).all()  # floor(0.9 * 36)
    visible, second = method.given[0]
    assert not np.take_along_axis(found.hidden.reshape(6, 36), visible.numpy(), axis=1).any()
    again, _ = completed_by(lambda views: torch.zeros(len(views), 36, 192), "vit_croco", shard, ratio=0.9)
    assert (again.hidden == found.hidden).all()
    pairs = open_pairs(shard)
    assert [KINDS[kind] for kind in found.kinds] == ["view"] * 3 + ["pose"] * 3
    assert second.shape == (6, 3, 48, 48) and len(set(pairs.kinds)) == 2


def test_moments_are_spread_over_the_run_and_kept_apart(shard):
    kept = record("vit_mae", shard)
    for epoch in range(EPOCHS + 1):
        kept.look(epoch, completing(lambda views, epoch=epoch: torch.full((len(views), 36, 192), epoch / 20)))
    found = kept.history()
    assert list(found.epochs) == [0, 3, 6, 9, 11, 14, 17, 20]
    means = [moment[pixels_hidden(found)].mean() for moment in found.completed]
    assert (np.diff(means) > 0).all()


@pytest.fixture
def completions():
    rng = np.random.default_rng(0)
    images, seconds = (rng.integers(0, 256, (2, 48, 32, 3), dtype=np.uint8) for _ in range(2))
    completed = rng.integers(0, 256, (3, 2, 48, 32, 3), dtype=np.uint8)
    hidden = rng.random((2, 6, 4)) < 0.5
    return Completions(images, hidden, seconds, np.array([0, 1]), np.array([0, 1, 5]), completed)


def test_completions_are_read_back(tmp_path, completions):
    for name in ("a", "b"):
        write_completions(tmp_path / name, completions)
    read = read_completions(tmp_path / "a")
    assert all(np.array_equal(vars(read)[name], array) for name, array in vars(completions).items())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": np.array([0, 1, 1])},
        {"epochs": np.array([0, 1])},
        {"kinds": np.array([0, 2])},
        {"kinds": np.array([0, 1], np.complex128)},
        {"kinds": np.array([], np.int64)},
        {"hidden": np.zeros((2, 5, 4), bool)},
        {"hidden": np.zeros((2, 6), bool)},
        {"images": np.zeros((2, 48, 32), np.uint8)},
        {"seconds": np.zeros((1, 48, 32, 3), np.uint8)},
        {"completed": np.zeros((3, 2, 48, 32, 3), np.float32)},
    ],
)
def test_arrays_that_do_not_belong_together_are_one_line(tmp_path, completions, change):
    write_completions(tmp_path / "completed.npz", dataclasses.replace(completions, **change))
    with pytest.raises(InputError, match=r"completed\.npz: images .* are not completed images") as error:
        read_completions(tmp_path / "completed.npz")
    assert "\n" not in str(error.value)


def test_the_figure_has_a_line_for_each_image_of_each_run(tmp_path, completions):
    alone = dataclasses.replace(completions, seconds=completions.seconds[:0], kinds=completions.kinds[:0])
    for name, kept in (("croco", completions), ("mae", alone)):
        write_completions(tmp_path / f"{name}.npz", kept)
    files = [str(tmp_path / f"{name}.npz") for name in ("croco", "mae")]
    sizes = []
    for count in (1, 2):
        main([*files[:count], "--names", *"ab"[:count], "--out", str(tmp_path / f"{count}.png")])
        sizes.append(cv2.imread(str(tmp_path / f"{count}.png")).shape[:2])
    assert sizes[0][1] == sizes[1][1] and sizes[1][0] > 1.7 * sizes[0][0]
    main([*files, "--names", "a", "b", "--out", str(tmp_path / "again.png")])
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "2.png").read_bytes()
