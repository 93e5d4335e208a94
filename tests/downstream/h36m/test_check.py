"""``python -m downstream.h36m check``: complete, incomplete and damaged folders are told apart."""

import argparse
import json
import os
import pickle
import shutil

import pytest
from tiny.h36m import write_tiny_h36m

from downstream.h36m.check import add_arguments, findings, run
from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_3d import reader as reader_3d
from liftedcl.data_sets.h36m.data_set import DATA_SET


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_tiny_h36m(tmp_path_factory.mktemp("h36m"))


@pytest.fixture
def root(whole, tmp_path):
    """A folder to be damaged."""
    return shutil.copytree(whole, tmp_path / "h36m")


def lines(root, start: str) -> list[tuple[str, str]]:
    return [(finding.state, finding.text) for finding in findings(root) if finding.text.startswith(start)]


def told_second(root) -> tuple[str, str]:
    """What is said after the first line, which is about the training split's annotations."""
    told = findings(root)
    next(told)
    finding = next(told)
    return finding.state, finding.text


def test_counts_and_pictures_are_told(root):
    (annotations, told), (pictures, seen) = lines(root, "3D, train")
    assert annotations == "differs" and "13 samples of s_01, s_05" in told and "has 312,188" in told
    assert pictures == "ok" and "13 there, 13 of them read (128x128)" in seen
    assert "8,500 to 8,900" in lines(root, "3D, test")[0][1]


def test_frames_of_the_2d_benchmark_are_counted_at_the_papers_strides(root, monkeypatch):
    """13 frames of six videos: every 25th is the first of each."""
    (annotations, told), (pictures, seen) = lines(root, "2D, train")
    assert annotations == "differs" and "13 samples" in told and "every 25th frame of the videos: 6;" in told
    assert "the official release has 62,000 to 64,000" in told and pictures == "ok" and "13 there" in seen
    annotations, told = lines(root, "2D, test")[0]
    assert annotations == "differs" and "every 64th" in told and "8,500 to 9,000" in told
    monkeypatch.setitem(DATA_SET.counts["frames for 2D pose"], "train", (6, 6))
    assert lines(root, "2D, train")[0][0] == "ok"


def test_an_empty_folder_lacks_four_files(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(SystemExit) as ended:
        run(parser.parse_args(["--data", str(tmp_path)]))
    out = capsys.readouterr().out
    assert ended.value.code == 1 and out.count("missing") == 4 and out.count(": not found;") == 4
    for module in (reader_2d, reader_3d):
        for split in ("train", "test"):
            assert str(module.annotation_path(tmp_path, split)) in out


def test_missing_and_broken_pictures_are_named(root):
    picture = sorted((root / "images").rglob("*.jpg"))[0]  # S1's, of the training split
    content = picture.read_bytes()
    picture.write_bytes(content[:40])
    state, text = told_second(root)
    assert state == "broken" and picture.name in text
    picture.unlink()
    state, text = told_second(root)
    assert state == "missing" and f"{picture.name}: not found" in text


def test_damaged_and_hostile_annotations_are_broken(root):
    path = reader_3d.annotation_path(root, "test")
    path.write_bytes(path.read_bytes()[:-50])
    path = reader_2d.annotation_path(root, "train")
    path.parent.mkdir(exist_ok=True)
    trace = root / "trace"

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {trace}",)

    path.write_bytes(pickle.dumps([Hostile()]))
    reader_2d.annotation_path(root, "test").write_bytes(pickle.dumps([{"image": "a.jpg"}]))
    (state, text) = lines(root, "3D, test")[0]
    assert state == "broken" and "truncated or damaged" in text
    (state, text) = lines(root, "2D, train")[0]
    assert state == "broken" and "was not run" in text and not trace.exists()
    (state, text) = lines(root, "2D, test")[0]
    assert state == "broken" and "sample 0" in text


def test_every_fault_of_a_file_is_told_with_its_places(root):
    """Two kinds of damaged entries, two missing frames and a broken one: nothing hides behind the first."""
    path = reader_3d.annotation_path(root, "train")
    content = json.loads(path.read_text())
    for n in (2, 7):
        content["annotations"][n]["bbox"][2] = 0
    content["annotations"][4]["keypoints_world"][3] = [1e9, 0, 0]
    path.write_text(json.dumps(content))
    frames = [root / "images" / content["images"][n]["file_name"] for n in (9, 11, 12)]
    frames[0].unlink(), frames[1].unlink(), frames[2].write_bytes(frames[2].read_bytes()[:40])
    (annotations, told), (pictures, seen) = ((found.state, found.text) for found in list(findings(root))[:2])
    assert annotations == pictures == "broken"
    assert "sample 2: bbox" in told and "so it is with 1 more: 7" in told and "sample 4: the" in told
    assert f"{frames[0].name}: not found" in seen and "so it is with 1 more: 11" in seen
    assert f"{frames[2].name}: empty, truncated" in seen
