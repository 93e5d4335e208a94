"""NTU RGB+D: its text files, the alignment of colour with depth, and the crops with joints and depth beside them."""

import dataclasses

import numpy as np
import pytest
from tiny.depth.ntu import DEPTH_MM, FRAMES, SHIFT_PX, TAGS, body_of, write_tiny_ntu

from downstream.ntu.__main__ import check
from liftedcl.data_sets.ntu.files import LIST, Tag, depth_path, read_tags, skeleton_path, video_path
from liftedcl.data_sets.ntu.skeleton_file import read_skeletons, skeleton_text
from liftedcl.identity.errors import InputError
from liftedcl.images.modalities import open_modalities
from liftedcl.images.ntu_people import alignments, read_recordings
from liftedcl.images.shard import open_shard
from liftedcl.images.shard_union import ShardUnion
from liftedcl.ntu import pack
from liftedcl.recipes.data_recipes import NtuPeople
from liftedcl.skeletons.common_joints import FROM_KINECT

RECIPE = NtuPeople(stride=1, margin=0.15, height=64, width=48)


@pytest.fixture
def root(tmp_path):
    write_tiny_ntu(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ntu")
    write_tiny_ntu(folder)
    pack(folder, folder / "out.npy", RECIPE, workers=2)
    return folder


def test_skeletons_are_read_as_they_are_written(root):
    for frame, (body,) in enumerate(read_skeletons(skeleton_path(root, TAGS[0]))):
        true = body_of(TAGS[0], frame)
        for name in ("places", "depth_px", "colour_px"):
            assert np.allclose(getattr(body, name), getattr(true, name), atol=1e-3), name


def test_colour_is_laid_over_depth_though_a_third_of_the_joints_is_wrong(root):
    recordings = read_recordings(root, 1)
    rng = np.random.default_rng(0)
    for recording in recordings:
        wrong = rng.random(recording.tracked.shape) < 0.3
        recording.colour_px[wrong] += rng.uniform(-40, 40, (int(wrong.sum()), 2))
    found = alignments(root, recordings)
    assert set(found) == {(1, 1), (1, 2)}
    for one in found.values():
        expected = np.array([[0.5, 0, -SHIFT_PX[0] / 2], [0, 0.5, -SHIFT_PX[1] / 2], [0, 0, 1]])
        assert np.allclose(one.matrix / one.matrix[2, 2], expected, atol=0.05) and 0.6 < one.share < 0.85


def test_joints_that_are_not_finite_or_not_tracked_have_no_label(root):
    path = skeleton_path(root, TAGS[0])
    frames = read_skeletons(path)
    frames[0][0].colour_px[FROM_KINECT[0], 0] = np.nan
    frames[0][0].states[FROM_KINECT[4]] = 0
    frames[1] = []
    path.write_text(skeleton_text(frames))
    first, second = read_recordings(root, 1)
    assert first.frames.tolist() == [0] and second.frames.tolist() == [0, 1]
    assert np.flatnonzero(~first.tracked[0, FROM_KINECT]).tolist() == [0, 4]


def test_crops_show_joints_in_colour_and_in_depth(packed):
    shard = open_shard(packed / "out.npy")
    assert len(shard) == len(TAGS) * FRAMES
    modalities = open_modalities(shard)
    assert modalities.has_depth.all()
    depth = modalities.depth(np.arange(4), (64, 48))
    bright = []
    for row in range(4):
        for x, y in np.round(modalities.joints[row][modalities.labelled[row]]).astype(int).clip(0, (47, 63)):
            assert depth[row, y, x] == DEPTH_MM
            bright.append(shard.images[row, y, x].mean())
    assert modalities.labelled.all() and np.mean(bright) > 200
    assert set(np.unique(depth)) == {0, DEPTH_MM}


def test_the_same_bytes_for_any_number_of_workers(packed, tmp_path):
    pack(packed, tmp_path / "out.npy", RECIPE, workers=1)
    names = ("out.npy", "out.csv", "out.depth.npy", "out.modalities.csv")
    assert all((tmp_path / name).read_bytes() == (packed / name).read_bytes() for name in names)


def test_a_union_has_depth_where_its_shards_have(packed, tmp_path):
    from tiny.shard import write_tiny_shard

    first, second = write_tiny_shard(tmp_path / "a.npy", 4), open_shard(packed / "out.npy")
    whole = open_modalities(ShardUnion((first, second)))
    assert whole.has_depth.tolist() == [True, False, True, False, True, True, True, True]
    depth = whole.depth(np.array([5, 1, 0]), (64, 48))
    assert depth[0].max() == DEPTH_MM and depth[1].max() == 0 and depth[2].max() > 0


def test_depth_maps_of_another_packing_are_refused(packed, tmp_path):
    for file in packed.glob("out.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    pack(packed, tmp_path / "other.npy", dataclasses.replace(RECIPE, margin=0.4))
    for kind in ("npy", "csv", "json"):
        (tmp_path / f"out.depth.{kind}").write_bytes((tmp_path / f"other.depth.{kind}").read_bytes())
    with pytest.raises(InputError, match=r"out\.depth\.npy: not the depth maps that out\.npy was packed with"):
        open_modalities(open_shard(tmp_path / "out.npy"))
    (tmp_path / "out.modalities.csv").unlink()
    (tmp_path / "out.modalities.json").unlink()
    with pytest.raises(InputError, match=r"out\.npy: has no list of modalities"):
        open_modalities(open_shard(tmp_path / "out.npy"))


def test_check_names_what_is_missing_and_depth_of_another_unit(root):
    assert {finding.state for finding in check(root)} == {"ok", "differs"}
    for tag in TAGS:
        depth_path(root, tag, 0).write_bytes(depth_path(root, tag, 0).read_bytes()[:40])
    assert any(finding.state == "broken" and "MDepth-00000001.png" in finding.text for finding in check(root))
    video_path(root, TAGS[1]).unlink()
    assert any(finding.state == "missing" and f"{TAGS[1]}_rgb.avi" in finding.text for finding in check(root))
    with pytest.raises(InputError, match="more than 1%"):
        pack(root, root / "out.npy", RECIPE)
    assert not (root / "out.npy").exists()


@pytest.mark.parametrize(
    ("line", "text", "problem"),
    [(0, "3", "ends too early"), (1, "x", "no number"), (3, "24", "a body has 25 joints"), (4, "1 2 3", "3 numbers")],
)
def test_a_damaged_skeleton_file_is_named_with_its_line(root, line, text, problem):
    path = skeleton_path(root, TAGS[0])
    lines = path.read_text().splitlines()
    lines[line] = text
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=rf"R001A001\.skeleton: line \d+: .*{problem}"):
        read_skeletons(path)


def test_a_list_names_recordings_by_any_path(root):
    (root / LIST).write_text("# a comment\n\nC:\\data\\S017C003P020R002A060.skeleton\nS001C001P001R001A001\n")
    assert read_tags(root) == [Tag(1, 1, 1, 1, 1), Tag(17, 3, 20, 2, 60)]
    (root / LIST).write_text("S001C001P001R001A001\nno recording\n")
    with pytest.raises(InputError, match="line 2 names no recording"):
        read_tags(root)
