"""Attention to the second view: it knows no pixel of hidden patches; ranks as closed forms; the command."""

import dataclasses

import cv2
import numpy as np
import pytest
from tiny.h36m import add_second_camera, write_tiny_h36m
from tiny.pretraining import ROWS
from tiny.shard import write_untrained_croco

from downstream.cross_attention import main, patch_at, ranks
from downstream.h36m.pose_3d.person_crops import crops_of, joints_in_crops
from downstream.h36m.pose_3d.reader import read_h36m_3d
from liftedcl.attend import Attention
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from liftedcl.recipes.data_recipes import Crops

CROCO = dataclasses.replace(ROWS["vit_croco"], masking=dataclasses.replace(ROWS["vit_croco"].masking, ratio=0.75))
CROPS = Crops(height=64, width=48, min_keypoints=0, min_side=0.0)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """encoder.pt and heads.pt of an untrained CroCo, as a run writes them."""
    folder = tmp_path_factory.mktemp("croco")
    write_untrained_croco(folder, CROCO)
    return folder / "encoder.pt", folder / "heads.pt"


def noise(seed, count=3):
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48, 3), dtype=np.uint8)


def test_attention_of_a_hidden_patch_knows_the_second_view_and_no_hidden_pixel(networks):
    attend, patches = Attention(CROCO, *networks), np.array([0, 20, 35])
    hidden = attend.hidden(patches, seed=0)
    assert attend.grid == (6, 6) and (hidden.sum(axis=1) == 27).all() and hidden[np.arange(3), patches].all()
    first, second = noise(1), noise(2)
    found = attend(first, second, hidden, patches)
    assert found.shape == (3, 36) and found.min() > 0
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    inside = hidden.reshape(3, 6, 6).repeat(8, axis=1).repeat(8, axis=2)[..., None]
    np.testing.assert_array_equal(attend(np.where(inside, noise(3), first), second, hidden, patches), found)
    assert np.abs(attend(np.where(inside, first, noise(3)), second, hidden, patches) - found).max() > 1e-6
    assert np.abs(attend(first, noise(3), hidden, patches) - found).max() > 1e-6


def test_a_row_without_pairs_or_with_other_heads_is_one_line(networks):
    with pytest.raises(InputError, match="mae has no second image"):
        Attention(ROWS["vit_mae"], *networks)
    deeper = dataclasses.replace(CROCO, masking=dataclasses.replace(CROCO.masking, depth=3))
    with pytest.raises(InputError, match=r"heads.pt: is not the heads of this recipe"):
        Attention(deeper, *networks)


def test_ranks_and_patches_are_closed_forms():
    attention = np.array([[4.0, 3.0, 2.0, 1.0, 0.0], [4.0, 3.0, 2.0, 1.0, 0.0], [1.0] * 5])
    np.testing.assert_allclose(ranks(attention, np.array([0, 4, 2])), [0, 1, 0.5])
    places = np.array([[0.0, 0.0], [0.99, 0.0], [0.0, 0.99], [0.5, 0.5]])
    np.testing.assert_array_equal(patch_at(places, (6, 4)), [0, 3, 20, 14])


def test_joints_are_where_the_crop_shows_them(tmp_path):
    """A white dot marks the right wrist of each tiny person."""
    people = read_h36m_3d(write_tiny_h36m(tmp_path), "test")
    rows = np.arange(len(people))
    crops, places = crops_of(people, rows, Crops(120, 90, 0, 0.0)), joints_in_crops(people, rows)
    found = 0
    for crop, (x, y) in zip(crops, places[:, 16] * [90, 120], strict=True):
        if 2 < x < 88 and 2 < y < 118:
            assert crop[int(y), int(x)].min() > 200
            found += 1
    assert found > 2


def test_the_command_draws_the_same_figure_and_says_what_it_shows(tmp_path, networks, capsys):
    root = write_tiny_h36m(tmp_path / "h36m")
    add_second_camera(root)
    words = ["--recipe", to_json(CROCO), "--encoder", str(networks[0]), "--heads", str(networks[1]), "--crops",
             to_json(CROPS), "--angles", "80", "100", "--data", str(root)]  # fmt: skip
    for name in ("a.png", "b.png"):
        main([*words, "--out", str(tmp_path / name)])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert cv2.imread(str(tmp_path / "a.png")).std() > 10
    lines = capsys.readouterr().out.splitlines()
    assert len(set(lines)) == 1 and lines[0].startswith("In ") and "50% is chance" in lines[0]
