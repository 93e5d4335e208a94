"""Human3.6M's official distribution becomes what both benchmarks read."""

import argparse
import re
import shutil

import cv2
import numpy as np
import pytest
from tiny.h36m_official import (
    BRIGHTNESS,
    CAMERAS,
    FRAMES,
    SIDE,
    TAKES,
    orientation,
    pixels,
    world_poses,
    write_cdf,
    write_tiny_official,
    write_video,
)

from downstream.h36m.check import findings
from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_3d import reader as reader_3d
from downstream.h36m.prepare import add_arguments, prepare, run
from downstream.h36m.release import video_frames
from downstream.h36m.release.official import JOINTS_OF_32, read_metadata, read_poses, view_name
from downstream.reading.restricted_pickle import load_plain
from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError

STRIDES = {"train": 5, "test": 16}
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    pytest.importorskip("cdflib")
    return write_tiny_official(tmp_path_factory.mktemp("official"))


@pytest.fixture(scope="module")
def prepared(official, tmp_path_factory):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    out = tmp_path_factory.mktemp("h36m") / "out"
    prepare(official, out, STRIDES, workers=2)
    return out


@pytest.fixture
def copy(official, tmp_path):
    """The distribution, to be damaged."""
    return shutil.copytree(official, tmp_path / "official")


# ---------------------------------------------------------------------------------- the distribution
def test_metadata_gives_takes_and_cameras(official):
    metadata = read_metadata(official)
    assert metadata.names == TAKES  # not the rows of calibration takes (action 1)
    for subject in (1, 9):
        for camera in range(4):
            lens, (_, position) = metadata.lenses[subject, camera + 1], orientation(subject, camera)
            np.testing.assert_allclose(lens.t, position, rtol=1e-9)
            assert lens.R @ (np.array([0, 0, 900.0]) - lens.t) == pytest.approx([0, 0, 5048.76], abs=0.1)


def test_poses_are_17_of_32_joints_and_project(official):
    metadata = read_metadata(official)
    take = (9, 12, 1)  # its files are called Photo, metadata.xml says TakingPhoto
    poses = read_poses(official, metadata, (take, 3))
    world = world_poses(take)
    np.testing.assert_allclose(poses.world, world[:, list(JOINTS_OF_32)], atol=1e-3)
    np.testing.assert_allclose(poses.pixels, pixels(world, 9, 2)[:, list(JOINTS_OF_32)], atol=1e-4)
    np.testing.assert_allclose(poses.extents[:, 2], pixels(world, 9, 2)[..., 0].max(1), atol=1e-4)


def test_joints_of_other_cameras_are_refused(copy):
    one, two = (copy / "S1" / "MyPoseFeatures" / "D2_Positions" / f"Directions.{CAMERAS[i]}.cdf" for i in (0, 1))
    shutil.copy(one, two)
    metadata = read_metadata(copy)
    read_poses(copy, metadata, ((1, 2, 2), 1))
    with pytest.raises(InputError, match=r"Directions.55011271.cdf: is \d+\.\d px away"):
        read_poses(copy, metadata, ((1, 2, 2), 2))


def test_damage_is_named(copy):
    metadata = read_metadata(copy)
    poses = copy / "S1" / "MyPoseFeatures" / "D3_Positions" / "Directions.cdf"

    def message() -> str:
        with pytest.raises(InputError) as caught:
            read_poses(copy, metadata, ((1, 2, 2), 1))
        assert "docs/data/h36m.md" in str(caught.value) and "\n" not in str(caught.value)
        return str(caught.value)

    content = poses.read_bytes()
    for damaged in (b"", content[:100], content[: len(content) // 2], b"<html>"):
        poses.write_bytes(damaged)
        assert "Directions.cdf: not a pose file" in message()
    world = world_poses((1, 2, 2))
    world[3, 4, 1] = np.nan
    write_cdf(poses, world)
    assert "NaN" in message()
    write_cdf(poses, world[:, :31])
    assert "not a pose file" in message()
    poses.unlink()
    assert "not found" in message()


@pytest.mark.parametrize(
    ("pattern", "by", "said"),
    [
        (r"</metadata>", "", "not valid XML"),
        (r"<mapping>.*</mapping>", "", "lists no take"),
        (r"<w0>\[\S+ ", "<w0>[", "w0"),
        (r"<w0>\[\S+ ", "<w0>[nan ", "w0"),
        (r"<w0>.*</w0>", "", "w0"),
    ],
)
def test_a_damaged_metadata_file_is_named(copy, pattern, by, said):
    path = copy / "metadata.xml"
    path.write_text(re.sub(pattern, by, path.read_text(), flags=re.DOTALL))
    with pytest.raises(InputError, match=f"metadata.xml: .*{said}"):
        read_metadata(copy)


# ------------------------------------------------------------------------------------------- frames
@needs_ffmpeg
def test_frames_are_those_of_the_stride(prepared):
    folders = sorted(path.name for path in (prepared / "images").iterdir())
    assert folders == sorted(view_name((take, camera)) for take in TAKES for camera in (1, 2, 3, 4))
    for folder, stride in (("s_01_act_02_subact_02_ca_03", 5), ("s_09_act_12_subact_01_ca_01", 16)):
        frames = range(0, FRAMES, stride)
        names = [f"{folder}_{frame + 1:06d}.jpg" for frame in frames]
        assert sorted(path.name for path in (prepared / "images" / folder).iterdir()) == names
        for name, frame in zip(names, frames, strict=True):
            picture = cv2.imread(str(prepared / "images" / folder / name))
            assert picture.shape == (SIDE, SIDE, 3)
            assert abs(picture.mean() - BRIGHTNESS * (frame + 1)) < 0.49 * BRIGHTNESS  # that frame, not the next


def test_the_readers_read_what_is_prepared(prepared):
    for split, subject, count in (("train", 1, 2 * 4 * 9), ("test", 9, 4 * 3)):
        poses = reader_3d.read_h36m_3d(prepared, split)
        joints = reader_2d.read_h36m_2d(prepared, split, 1)
        assert poses.names == joints.names and len(poses) == count
        assert all(name.startswith(f"s_{subject:02d}_") for name in poses.names)
        seen = poses.joints[:, :17]
        np.testing.assert_allclose(joints.poses, seen - seen[:, :1], atol=1e-2)
        # The 3D benchmark's camera has no lens, so its joints are up to some px beside the picture's.
        flat = seen[..., :2] / seen[..., 2:] * poses.f[:, None] + poses.c[:, None]
        assert 0.01 < np.linalg.norm(flat - joints.joints, axis=2).mean() < 1.0
        low, high = poses.boxes[:, None, :2], poses.boxes[:, None, 2:]
        inside = (joints.joints >= low) & (joints.joints <= high)
        outside = (joints.joints < 0) | (joints.joints > SIDE)
        assert (inside | outside).all()
    name = "s_09_act_12_subact_01_ca_02/s_09_act_12_subact_01_ca_02_000017.jpg"
    i = joints.names.index(name)
    np.testing.assert_allclose(
        joints.joints[i], pixels(world_poses((9, 12, 1)), 9, 1)[16, list(JOINTS_OF_32)], atol=1e-4
    )
    entry = load_plain(reader_2d.annotation_path(prepared, "test"), "")[i]
    assert (entry["image_id"], entry["camera_id"], entry["action"], entry["subject"]) == (17, 1, 12, 9)
    depth = entry["joints_3d_camera"][0, 2]
    width, height = np.array([2000, 2000]) / depth * [145.0, 143.0]
    np.testing.assert_allclose(np.array(entry["scale"]) * 200, [width, height])


def test_every_image_has_an_id_of_its_own(prepared):
    ids = []
    for split in ("train", "test"):
        ids += [image["id"] for image in read_json(reader_3d.annotation_path(prepared, split), "")["images"]]
    assert len(ids) == len(set(ids)) == 84


def test_check_reads_what_is_prepared(prepared):
    states = [finding.state for finding in findings(prepared)]
    assert states == [*4 * ["differs", "ok"], "ok"]  # the last one says that there is nothing of the parsing benchmark


# ------------------------------------------------------------------------------- interrupted and wrong
def count_cuts(monkeypatch) -> list:
    cuts, real = [], video_frames.FrameCutter._run_ffmpeg

    def counted(self, video, *arguments):
        cuts.append(video.name)
        return real(self, video, *arguments)

    monkeypatch.setattr(video_frames.FrameCutter, "_run_ffmpeg", counted)
    return cuts


def test_an_interrupted_run_goes_on(official, prepared, tmp_path, monkeypatch):
    out = shutil.copytree(prepared, tmp_path / "out")
    cuts = count_cuts(monkeypatch)
    prepare(official, out, STRIDES, workers=1)
    assert not cuts  # nothing to do
    gone = out / "images" / "s_01_act_02_subact_01_ca_02"
    half = gone.with_name(f".{gone.name}.1.part")
    gone.rename(half)  # as a killed run leaves it
    next(half.iterdir()).unlink()
    (half / "00000001.jpg").write_bytes(b"half a fra")
    prepare(official, out, STRIDES, workers=1)
    assert cuts == ["Directions 1.55011271.mp4"] and not half.exists()
    for path in sorted(prepared.rglob("*")):
        if path.is_file():
            assert (out / path.relative_to(prepared)).read_bytes() == path.read_bytes(), path


def test_stopping_leaves_no_half_view_and_no_annotations(official, tmp_path, monkeypatch, prepared):
    out = shutil.copytree(prepared, tmp_path / "out")
    shutil.rmtree(out / "images" / "s_01_act_02_subact_01_ca_02")
    monkeypatch.setattr(video_frames.FrameCutter, "_run_ffmpeg", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepare(official, out, STRIDES, workers=1)
    assert not list((out / "images").glob("*.part")) and not list((out / "images").glob(".*"))
    assert not list(out.glob("anno*/*"))


def test_a_broken_video_is_named_after_the_others_are_cut(copy, prepared, tmp_path, monkeypatch, capsys):
    out = shutil.copytree(prepared, tmp_path / "out")
    for name in ("Directions 1.55011271.mp4", "Directions 1.58860488.mp4", "Directions 1.60457274.mp4"):
        shutil.rmtree(out / "images" / f"s_01_act_02_subact_01_ca_{CAMERAS.index(name.split('.')[1]) + 1:02d}")
    videos = copy / "S1" / "Videos"
    write_video(videos / "Directions 1.55011271.mp4", FRAMES // 2)
    (videos / "Directions 1.58860488.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"Directions 1.*mp4: gives \d of 9 frames .*and 1 more videos") as caught:
        prepare(copy, out, STRIDES, workers=1)
    assert "\n" not in str(caught.value) and "left out for now" in capsys.readouterr().out
    assert (out / "images" / "s_01_act_02_subact_01_ca_04").is_dir()
    assert not (out / "images" / "s_01_act_02_subact_01_ca_02").exists()
    # One that is damaged in the distribution itself is left out, and the rest described.
    monkeypatch.setattr(
        video_frames, "_KNOWN_BROKEN", {(1, "Directions 1", camera) for camera in ("55011271", "58860488")}
    )
    prepare(copy, out, STRIDES, workers=1)
    assert len(reader_3d.read_h36m_3d(out, "train")) == 2 * 4 * 9 - 2 * 9
    cuts = count_cuts(monkeypatch)
    prepare(copy, out, STRIDES, workers=1)
    assert not cuts


def test_a_missing_file_is_named_at_once(copy, tmp_path):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    (copy / "S9" / "Videos" / "Photo 1.58860488.mp4").unlink()
    with pytest.raises(InputError, match=r"TakingPhoto 1.58860488.mp4: not found; docs/data/h36m.md"):
        prepare(copy, tmp_path / "out", STRIDES, workers=1)


def test_other_strides_and_other_folders_are_refused(official, prepared, tmp_path):
    with pytest.raises(InputError, match=r"prepare\.json: frames were cut with"):
        prepare(official, prepared, {"train": 10, "test": 16}, workers=1)
    (tmp_path / "annot").mkdir()
    (tmp_path / "annot" / "h36m_train.pkl").write_bytes(b"the user's")
    with pytest.raises(InputError, match=r"h36m_train\.pkl: is there, but this command didn't make it"):
        prepare(official, tmp_path, STRIDES, workers=1)


def test_missing_programs_and_bad_arguments_are_named(official, tmp_path, monkeypatch):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    command = ["--official", str(official), "--out", str(tmp_path / "out")]
    with pytest.raises(InputError, match="--test-stride 0"):
        run(parser.parse_args([*command, "--test-stride", "0"]))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="ffmpeg: not found"):
        run(parser.parse_args(command))
