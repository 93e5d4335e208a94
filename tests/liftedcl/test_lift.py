"""Figures 5 and 8: crops lifted by a trained network, and their drawing."""

import dataclasses

import cv2
import numpy as np
import pytest
from repository import REPOSITORY
from tiny.pretraining import write_untrained_liftedcl

from liftedcl import lifted_figure
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from liftedcl.images.shard import ShardWriter
from liftedcl.lift import lift
from liftedcl.lifted_figure import NOT_MEASURED, main
from liftedcl.skeletons.drawing import figure_of_lifted
from liftedcl.skeletons.lifting_scores import LiftingScores
from workflow.params import read_params

ROWS = read_params(REPOSITORY / "params.yaml", {"profile": "demo"}).encoders
RECIPE = ROWS["liftedcl_in_cc"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with encoder.pt and heads.pt of an untrained LiftedCL, and crops.npy of 40 images."""
    folder = tmp_path_factory.mktemp("run")
    write_untrained_liftedcl(folder, RECIPE)
    rng = np.random.default_rng(0)
    with ShardWriter(folder / "crops.npy", 64, 48, ("file",)) as writer:
        for i in range(40):
            writer.append(rng.integers(0, 256, (64, 48, 3), dtype=np.uint8), (f"{i}.jpg",))
    return folder


def lifted(run, images):
    return lift(RECIPE, encoder=run / "encoder.pt", heads=run / "heads.pt", images=images)


def test_skeletons_are_in_the_gauge_of_the_sampled_ones_and_belong_to_their_crop(run):
    images = np.load(run / "crops.npy")
    skeletons = lifted(run, images)
    assert skeletons.shape == (40, 17, 3)
    assert np.abs(skeletons[:, 0]).max() == 0
    assert np.linalg.norm(skeletons.reshape(40, -1), axis=1) == pytest.approx(np.ones(40), abs=1e-5)
    assert lifted(run, images[35:36]) == pytest.approx(skeletons[35:36], abs=1e-5)  # of the second batch
    assert np.abs(skeletons[1:] - skeletons[:-1]).max(axis=(1, 2)).min() > 0


def test_a_row_without_lifting_is_refused(run):
    with pytest.raises(InputError, match="no lifting network"):
        lift(ROWS["moco_v2_in_cc"], encoder=run / "encoder.pt", heads=run / "heads.pt", images=np.zeros(()))


def test_the_command_draws_as_many_crops_as_asked(run, tmp_path):
    words = ["--recipe", to_json(RECIPE), "--encoder", str(run / "encoder.pt"), "--heads", str(run / "heads.pt")]
    words += ["--images", str(run / "crops.npy"), "--out", str(tmp_path / "figure.png"), "--count"]
    heights = {}
    for count in ("12", "36"):
        main([*words, count])
        heights[count] = cv2.imread(str(tmp_path / "figure.png")).shape[0]
    assert heights["36"] - heights["12"] == pytest.approx(3 * 138, abs=2)  # rows of 1.38 inches: six against three
    with pytest.raises(InputError, match="--count 0"):
        main([*words, "0"])


@pytest.mark.parametrize("measured", [True, False])
def test_the_figure_says_what_the_skeletons_are_worth_or_that_nobody_measured_it(run, tmp_path, monkeypatch, measured):
    drawn = {}
    monkeypatch.setattr(lifted_figure, "figure_of_lifted", lambda *arrays, line, **more: drawn.update(line=line))
    words = ["--recipe", to_json(RECIPE), "--encoder", str(run / "encoder.pt"), "--heads", str(run / "heads.pt")]
    words += ["--images", str(run / "crops.npy"), "--out", str(tmp_path / "figure.png")]
    scores = LiftingScores(9, 210.0, 125.0, 212.0, 0.25, 0.5, 0.05, 0.75)
    write_json(tmp_path / "lifting.json", dataclasses.asdict(scores))
    main([*words, *(["--scores", str(tmp_path / "lifting.json")] if measured else [])])
    assert drawn["line"] == (scores.in_one_line() if measured else NOT_MEASURED)


def test_a_line_stands_below_the_crops_and_moves_none_of_them(tmp_path):
    images, skeletons = np.zeros((2, 64, 48, 3), np.uint8), np.random.default_rng(0).normal(size=(2, 17, 3))
    pictures = []
    for line in ("", "a line", "words " * 60):
        figure_of_lifted(images, skeletons, tmp_path / "figure.png", line=line)
        pictures.append(cv2.imread(str(tmp_path / "figure.png")))
    heights = [picture.shape[0] for picture in pictures]
    assert heights[1] - heights[0] == 17 and (heights[2] - heights[0]) % 17 == 0 and heights[2] > heights[1]
    cells = [picture[:160] for picture in pictures]
    assert (cells[0] == cells[1]).all() and (cells[0] == cells[2]).all()
    written = [picture[160 : len(picture) - 30] for picture in pictures]  # between the crops and the legend
    assert (written[1] < 99).any() and (written[2][-17:] < 99).any() and (written[2][:17] < 99).any()
    assert (written[2][:, :5] == 255).all() and (written[2][:, -5:] == 255).all(), "no word is cut off"


@pytest.mark.parametrize(("count", "columns"), [(1, 4), (5, 4), (4, 2)])
def test_any_number_of_people_fits(tmp_path, count, columns):
    rng = np.random.default_rng(0)
    images = np.zeros((count, 64, 48, 3), np.uint8)
    figure_of_lifted(images, rng.normal(size=(count, 17, 3)), tmp_path / "figure.png", columns=columns)
    black = (cv2.imread(str(tmp_path / "figure.png")) == 0).all(2).sum()
    assert black == pytest.approx(count * 130 * 97.5, rel=0.05)


def test_a_skeleton_is_whole_and_at_one_scale_from_both_sides(tmp_path):
    skeleton = np.random.default_rng(0).normal(size=(1, 17, 3)) * [0.5, 1, 1.5]  # widest from the side
    figure_of_lifted(np.zeros((1, 64, 48, 3), np.uint8), skeleton, tmp_path / "figure.png")
    drawn = np.ptp(cv2.imread(str(tmp_path / "figure.png")), axis=2) > 40  # coloured bones, not the grey trunk
    cells = [drawn[30:160, left : left + 130] for left in (30 + 97 + 8, 30 + 97 + 8 + 130 + 8)]
    sizes = [[np.ptp(axis) for axis in np.nonzero(cell)] for cell in cells]  # height and width in pixels
    limbs = skeleton[0, [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]]
    scale = 130 / 1.1 / np.ptp(skeleton[0], axis=0).max()
    for (height, width), across in zip(sizes, (0, 2), strict=True):
        assert height == pytest.approx(scale * np.ptp(limbs[:, 1]), abs=12)
        assert width == pytest.approx(scale * np.ptp(limbs[:, across]), abs=12)
