"""Crops of Human3.6M: the right frames, never a test subject's, by names and boxes alone; mistakes are named."""

import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from repository import REPOSITORY
from tiny.h36m import write_tiny_h36m

from liftedcl.crops import make_h36m_crops
from liftedcl.data_sets.h36m.files import POSES
from liftedcl.files.image_files import read_image
from liftedcl.identity.errors import InputError
from liftedcl.images.h36m_people import read_h36m_people
from liftedcl.images.person_box import extend_box
from liftedcl.images.shard import open_shard
from liftedcl.recipes.data_recipes import Crops

RECIPE = Crops(height=40, width=30, min_keypoints=17, min_side=0.0)  # keypoints are none of Human3.6M's business here


class H36M:
    """A Human3.6M folder filled by hand: frames of noise, without any pose."""

    def __init__(self, root):
        self.root, self.images, self.annotations = root, [], []

    def frame(self, subject=1, camera=1, number=1, box=(20, 10, 30, 40), **annotated):
        take = f"s_{subject:02d}_act_02_subact_01_ca_{camera:02d}"
        name = f"{take}/{take}_{number:06d}.png"
        path = self.root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng([subject, camera, number]).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        cv2.imwrite(str(path), pixels)
        image_id = len(self.images)
        self.images.append({"id": image_id, "file_name": name, "width": 80, "height": 60, **annotated})
        self.annotations.append({"image_id": image_id, "bbox": list(box)})
        return path

    def write(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({"images": self.images, "annotations": self.annotations}))
        return self.root

    @property
    def file(self):
        return self.root / POSES["train"]


@pytest.fixture
def h36m(tmp_path):
    return H36M(tmp_path / "h36m")


def crop(root, out, recipe=RECIPE):
    make_h36m_crops(root, out, recipe)
    return open_shard(out)


def test_crops_are_the_boxes_of_their_frames(tmp_path):
    root = write_tiny_h36m(tmp_path / "h36m")
    shard = crop(root, tmp_path / "x.npy")
    content = json.loads((root / POSES["train"]).read_text())
    boxes = {entry["image_id"]: entry["bbox"] for entry in content["annotations"]}
    names = {image["id"]: image["file_name"] for image in content["images"]}
    assert len(shard) == 13 and shard.image_size == (40, 30)
    assert [names[i] for i in shard.index["image_id"]] == sorted(names.values())
    for row in shard.index.itertuples():
        np.testing.assert_allclose([row.box_x, row.box_y, row.box_width, row.box_height], boxes[row.image_id])
        assert row.crop_height * 3 == row.crop_width * 4


def test_a_box_of_whole_pixels_is_copied_exactly(h36m, tmp_path):
    path = h36m.frame(box=(20, 10, 30, 40))
    shard = crop(h36m.write(), tmp_path / "x.npy")
    np.testing.assert_array_equal(shard.images[0], read_image(path)[10:50, 20:50])


def test_same_geometry_as_coco(h36m, tmp_path):
    h36m.frame(box=(-5.5, 12.25, 33, 21))
    row = crop(h36m.write(), tmp_path / "x.npy").index.iloc[0]
    rectangle = extend_box((-5.5, 12.25, 33, 21))
    assert (row.crop_x, row.crop_y, row.crop_width, row.crop_height) == (
        rectangle.x, rectangle.y, rectangle.width, rectangle.height
    )  # fmt: skip


def test_no_test_subject_is_ever_cropped(h36m, tmp_path):
    for subject in (9, 1, 11, 5, 6, 9, 7, 8):
        h36m.frame(subject, number=len(h36m.images) + 1)
    shard = crop(h36m.write(), tmp_path / "x.npy")
    names = [h36m.images[i]["file_name"] for i in shard.index["image_id"]]
    assert [name[:4] for name in names] == ["s_01", "s_05", "s_06", "s_07", "s_08"]
    report = shard.meta["report"]
    assert (report["people"], report["skipped_test_subject"], report["crops"]) == (8, 3, 5)


def test_stride_counts_within_each_take_and_camera(h36m):
    """Human3.6M lists may have the cameras in turn: a stride of 4 over the list would see one camera only."""
    for number in range(1, 8):
        for camera in (1, 2, 3, 4):
            h36m.frame(camera=camera, number=number)
    images, left_out = read_h36m_people(h36m.write(), 4)
    found = [image.path.stem.split("_ca_")[1] for image in images]
    assert found == [f"{camera:02d}_{number:06d}" for camera in (1, 2, 3, 4) for number in (1, 5)]
    assert left_out == {"test_subject": 0, "stride": 20}
    assert len(read_h36m_people(h36m.root, 1)[0]) == 28


def test_every_frame_is_accounted_for(h36m, tmp_path):
    for number in range(1, 9):
        h36m.frame(number=number)
    h36m.frame(5, number=1, box=(1, 1, 4, 30))
    h36m.frame(5, number=2)  # every second one is between two strides
    h36m.frame(9)
    report = crop(h36m.write(), tmp_path / "x.npy", Crops(40, 30, 0, 5.0, h36m_stride=2)).meta["report"]
    counts = {key.removeprefix("skipped_"): value for key, value in report.items() if key.startswith("skipped_")}
    assert counts == {
        "test_subject": 1, "stride": 5, "crowd": 0, "no_area": 0, "outside_image": 0, "too_small": 1,
        "too_few_keypoints": 0, "broken_image": 0,
    }  # fmt: skip
    assert report["crops"] == 4 == report["people"] - sum(counts.values())


def test_a_missing_frame_in_a_hundred_is_reported_and_skipped(h36m, tmp_path, capsys):
    paths = [h36m.frame(number=number) for number in range(100)]
    h36m.write()
    paths[50].unlink()
    shard = crop(h36m.root, tmp_path / "x.npy")
    assert len(shard) == 99 and shard.meta["report"]["broken_images"] == [paths[50].name]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and str(paths[50]) in lines[0]
    paths[51].write_bytes(paths[51].read_bytes()[:100])
    with pytest.raises(InputError, match="2 of 100"):
        crop(h36m.root, tmp_path / "y.npy")
    assert not list(tmp_path.glob("*y.*"))


def _edit(**change):
    def edit(h36m):
        h36m.images[0].update(change)
        h36m.write()

    return edit


def _box(*box):
    def edit(h36m):
        h36m.annotations[0]["bbox"] = list(box)
        h36m.write()

    return edit


def _foreign_annotation(h36m):
    h36m.annotations[0]["image_id"] = 7
    h36m.write()


def _fewer_annotations(h36m):
    h36m.annotations.pop()
    h36m.write()


def _twice(h36m):
    h36m.images[1]["file_name"] = h36m.images[0]["file_name"]
    h36m.write()


def _test_subjects_only(h36m):
    for image in h36m.images:
        image["file_name"] = image["file_name"].replace("s_01", "s_09")
    h36m.write()


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (lambda h36m: h36m.file.unlink(), "protocol_2.json: not found"),
        (lambda h36m: h36m.file.write_text(h36m.file.read_text()[:-20]), "protocol_2.json: not valid JSON"),
        (lambda h36m: h36m.file.write_text("[]"), "no lists `images` and `annotations`"),
        (lambda h36m: h36m.file.write_text('{"images": [], "annotations": []}'), "no frame of a training subject"),
        (lambda h36m: h36m.file.write_text('{"images": [1], "annotations": [2]}'), "sample 0"),
        (lambda h36m: shutil.rmtree(h36m.root / "images"), "images: no such folder"),
        (_test_subjects_only, "no frame of a training subject"),
        (_foreign_annotation, "sample 0"),
        (_fewer_annotations, "2 images for 1 annotations"),
        (_twice, "twice"),
        (_edit(file_name="frame.png"), "its subject is unknown"),
        (_edit(file_name="/s_01_act_02.png"), "not a path below images/"),
        (_edit(file_name="../s_01_act_02.png"), "not a path below images/"),
        (_edit(file_name=None), "sample 0"),
        (_edit(width=81), "80x60 pixels, 81x60 annotated"),
        (_edit(width=float("nan")), "its box, id or size"),
        (_box(1, 2, 3), "its box, id or size"),
        (_box(1, 2, 3, "four"), "its box, id or size"),
        (_box(*"1234"), "bbox: '1' is not a number"),
        (_box(True, 2, 30, 40), "bbox: True is not a number"),
        (_edit(width="80"), "width: '80' is not a number"),
        (_edit(width=80.5), "width: 80.5 is not a whole number"),
    ],
)
def test_mistakes_end_in_one_line_and_leave_nothing(h36m, tmp_path, mistake, named):
    h36m.frame(number=1)
    h36m.frame(number=2)
    h36m.write()
    mistake(h36m)
    with pytest.raises(InputError) as error:
        make_h36m_crops(h36m.root, tmp_path / "out" / "x.npy", RECIPE)
    pictures = "can't be used" in str(error.value)  # said of the pictures of any data set
    page = "docs/data.md" if pictures else "docs/data/h36m.md"
    assert named in str(error.value) and page in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def run(*words):
    recipe = '{"height": 40, "width": 30, "min_keypoints": 1, "min_side": 4, "h36m_stride": 2}'
    command = [sys.executable, "-m", "liftedcl.crops", "--recipe", recipe, *map(str, words)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


def test_command_line(h36m, tmp_path):
    for number in (1, 2, 3):
        h36m.frame(number=number)
    out = tmp_path / "x.npy"
    result = run("--h36m", h36m.write(), "--out", out, "--sheet", tmp_path / "x.png")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(open_shard(out)) == 2 and cv2.imread(str(tmp_path / "x.png")) is not None
    result = run("--h36m", h36m.root, "--split", "train", "--out", tmp_path / "y.npy")
    assert result.returncode == 2 and result.stderr.startswith("error: --split") and result.stderr.count("\n") == 1
    assert run("--h36m", h36m.root, "--coco", tmp_path, "--out", tmp_path / "y.npy").returncode == 2
