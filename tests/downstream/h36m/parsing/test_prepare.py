"""Part labels of the official distribution become label maps; those that don't fit their video are named."""

import shutil

import numpy as np
import pytest
from tiny.h36m_official import CAMERAS, FILE_NAMES, FRAMES, SIDE, pixels, world_poses, write_tiny_official

from downstream.h36m.parsing.labels import CLASSES, LABELS, VALUE_OF
from downstream.h36m.parsing.reader import read_parsing
from downstream.h36m.prepare_parsing import prepare
from downstream.h36m.release.official import JOINTS_OF_32
from downstream.h36m.release.part_labels import check_sides
from liftedcl.data_sets.h36m.parsing_files import PART_LABELS, PART_VARIABLE
from liftedcl.files.hdf5_mat import write_cells
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.skeleton import JOINTS

PARTS = {"lknee": "left_knee", "rknee": "right_knee", "lankle": "left_foot", "rankle": "right_foot",
         "lelbow": "left_elbow", "relbow": "right_elbow", "lwrist": "left_hand", "rwrist": "right_hand"}  # fmt: skip
STRIDE = 10


def label_maps(take, camera):
    """(F, SIDE, SIDE): a square of its part around each of eight joints."""
    poses = pixels(world_poses(take), take[0], camera)[:, list(JOINTS_OF_32)]
    maps = np.zeros((FRAMES, SIDE, SIDE), np.uint8)
    for one, pose in zip(maps, poses, strict=True):
        for joint, part in PARTS.items():
            x, y = np.rint(pose[JOINTS.index(joint)]).astype(int)
            one[max(0, y - 2) : max(0, y + 3), max(0, x - 2) : max(0, x + 3)] = CLASSES.index(part)
    return maps


def mat(root, take, camera):
    return root / f"S{take[0]}" / PART_LABELS / f"{FILE_NAMES[take]}.{CAMERAS[camera]}.mat"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    pytest.importorskip("cdflib")
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    root = write_tiny_official(tmp_path_factory.mktemp("official"))
    for take in FILE_NAMES:
        for camera in range(4):
            mat(root, take, camera).parent.mkdir(parents=True, exist_ok=True)
            write_cells(mat(root, take, camera), PART_VARIABLE, list(VALUE_OF[label_maps(take, camera)]))
    return root


@pytest.fixture
def official(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "official")


def test_every_nth_frame_has_its_own_label_map_and_a_second_run_changes_nothing(official, tmp_path, capsys):
    out = tmp_path / "h36m"
    prepare(official, out, STRIDE, workers=2)
    for split, takes in (("train", 2), ("test", 1)):
        samples = read_parsing(out, split, STRIDE)
        assert len(samples) == takes * 4 * 5  # frames 0, 10, 20, 30 and 40
    train = read_parsing(out, "train", STRIDE)
    name = "s_01_act_02_subact_02_ca_03/s_01_act_02_subact_02_ca_03_000021"
    np.testing.assert_array_equal(train.label(train.names.index(name)), label_maps((1, 2, 2), 2)[20])
    before = {path: path.stat().st_mtime_ns for path in (out / "parsing").rglob("*.png")}
    prepare(official, out, STRIDE, workers=2)
    assert {path: path.stat().st_mtime_ns for path in (out / "parsing").rglob("*.png")} == before
    with pytest.raises(InputError, match=r"not \{'stride': 5\}"):
        prepare(official, out, 5, workers=2)


def test_label_maps_that_dont_fit_are_named_and_the_same_command_goes_on(official, tmp_path):
    out, take, labels = tmp_path / "h36m", (1, 2, 1), label_maps((1, 2, 1), 1)
    path = mat(official, take, 1)
    for changed, named in (
        (labels[:, :, :100], "have 100x128 px and the video 128x128"),
        (labels.transpose(0, 2, 1), "if they are transposed"),
        (LABELS.swap_sides(labels), "if left and right are exchanged"),
        (labels[:25], "has 25 label maps"),
    ):
        write_cells(path, PART_VARIABLE, list(VALUE_OF[changed]))
        with pytest.raises(InputError) as caught:
            prepare(official, out, STRIDE, workers=2)
        assert str(path) in str(caught.value) and named in str(caught.value)
        assert not (out / "parsing" / "train.txt").exists()
    write_cells(path, PART_VARIABLE, [np.full((SIDE, SIDE), 4, np.uint8)] * FRAMES)
    with pytest.raises(InputError, match=r"none of Human3\.6M's parts"):
        prepare(official, out, STRIDE, workers=2)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"55011271\.mat"):
        prepare(official, out, STRIDE, workers=2)
    path.unlink()
    with pytest.raises(InputError, match="not found"):
        prepare(official, out, STRIDE, workers=2)
    write_cells(path, PART_VARIABLE, list(VALUE_OF[labels]))
    prepare(official, out, STRIDE, workers=2)
    assert len(read_parsing(out, "train", STRIDE)) == 40


def test_a_few_joints_on_other_parts_are_no_mistake():
    labels = label_maps((1, 2, 1), 0)[::STRIDE]
    poses = pixels(world_poses((1, 2, 1)), 1, 0)[::STRIDE, list(JOINTS_OF_32)]
    hidden = labels.copy()
    hidden[:, : SIDE // 2] = CLASSES.index("upper_spine")
    check_sides(None, list(hidden), poses)
