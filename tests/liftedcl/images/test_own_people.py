"""A folder of one's own pictures: with boxes or each a person, in any subfolder; what is wrong with it is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from repository import REPOSITORY, copy_to, planned

from liftedcl.crops import make_own_crops
from liftedcl.identity.errors import InputError
from liftedcl.images.own_people import listing_digest, read_own_people
from liftedcl.images.person_box import PADDING
from liftedcl.images.shard import open_shard
from liftedcl.recipes.data_recipes import Crops
from workflow.command_line import label_of
from workflow.layout import is_generated, layout_of
from workflow.params import read_params

RECIPE = Crops(height=40, width=30, min_keypoints=1, min_side=4)


def noise(height=40, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def picture(root, name, pixels):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(root / name), pixels[..., ::-1])


@pytest.fixture
def folder(tmp_path):
    """Three pictures of 30x40 pixels, and things beside them that are none."""
    root = tmp_path / "people"
    for number, name in enumerate(("b.PNG", "a/z.png", "a.png")):
        picture(root, name, noise(seed=number))
    picture(root, ".previews/a.png", noise())
    (root / "notes.txt").write_text("no picture")
    (root / "._b.PNG").write_bytes(b"no picture either")
    return root


def box(number, image=1, **more):
    return {"id": number, "image_id": image, "bbox": [0, 0, 30, 40], **more}


def write_boxes(root, *annotations, **more):
    images = [
        {"id": number, "file_name": name, "width": 30, "height": 40}
        for number, name in enumerate(("a/z.png", "b.PNG"), start=1)
    ]
    (root / "boxes.json").write_text(json.dumps({"images": images, "annotations": annotations, **more}))


def crop(root, tmp_path, recipe=RECIPE):
    make_own_crops(root, tmp_path / "x.npy", recipe)
    return open_shard(tmp_path / "x.npy")


def test_without_boxes_each_picture_is_a_person_by_relative_path(folder, tmp_path):
    assert [str(image.path.relative_to(folder)) for image in read_own_people(folder).images] == [
        "a/z.png",
        "a.png",
        "b.PNG",
    ]
    shard = crop(folder, tmp_path)
    np.testing.assert_array_equal(shard.images, [noise(seed=1), noise(seed=2), noise(seed=0)])
    assert list(shard.index["image_id"]) == [1, 2, 3]
    assert (shard.index[["box_x", "box_y", "box_width", "box_height"]].to_numpy() == [0, 0, 30, 40]).all()


def test_a_wide_picture_is_padded_and_stays_whole(tmp_path):
    root = tmp_path / "people"
    picture(root, "a.png", noise(20, 30))
    (image,) = crop(root, tmp_path).images
    np.testing.assert_array_equal(image[10:30], noise(20, 30))
    assert (image[:10] == PADDING).all() and (image[30:] == PADDING).all()


def test_a_photograph_that_lies_on_its_side_is_turned_unless_boxes_say_where_people_are(tmp_path):
    root, sideways = tmp_path / "people", np.zeros((30, 40, 3), np.uint8)
    sideways[:, :20] = 255  # stored: bright at the left; turned by a quarter to the right: bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation
    root.mkdir()
    Image.fromarray(sideways).save(root / "a.jpg", quality=95, exif=exif)
    (image,) = crop(root, tmp_path).images
    assert image[:18].min() > 200 and image[22:].max() < 50
    images = [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}]
    write_boxes(root, box(1, bbox=[0, 0, 40, 30]), images=images)
    (image,) = crop(root, tmp_path).images
    assert image[18:22, 2:13].min() > 200 and image[18:22, 17:28].max() < 50


def test_with_boxes_the_people_are_theirs(folder, tmp_path):
    picture(folder, "a/z.png", noise(120, 90))
    size = {"width": 90, "height": 120}
    images = [
        {"id": 7, "file_name": "a/z.png", **size},
        {"id": 3, "file_name": "b.PNG", "width": 30, "height": 40},
        {"id": 9, "file_name": "a.png", "width": 30, "height": 40},  # nobody is in it
    ]
    people = [box(1, 7, bbox=[12, 8, 30, 40]), box(2, 3), box(3, 7, bbox=[60.0, 80.0, 30.0, 40.0])]
    write_boxes(folder, *people, images=images)
    shard = crop(folder, tmp_path)
    big = noise(120, 90)
    np.testing.assert_array_equal(shard.images, [noise(seed=0), big[8:48, 12:42], big[80:, 60:]])
    assert list(shard.index["annotation_id"]) == [2, 1, 3]


def test_of_boxes_only_people_count_and_who_is_left_out_is_counted(folder, tmp_path, capsys):
    people = [
        box(1), box(2, num_keypoints=1), box(3, keypoints=[0, 0, 0, 5, 5, 2]), box(4, iscrowd=0),
        box(5, iscrowd=1), box(6, num_keypoints=0), box(7, keypoints=[9, 9, 0]), box(9, bbox=[0, 0, 3, 9]),
    ]  # fmt: skip
    categories = [{"id": 4, "name": "person"}, {"id": 5, "name": "dog"}]
    write_boxes(
        folder, *({**person, "category_id": 4} for person in people), box(12, category_id=5), categories=categories
    )
    shard = crop(folder, tmp_path)
    assert list(shard.index["annotation_id"]) == [1, 2, 3, 4]
    report = {key.removeprefix("skipped_"): value for key, value in shard.meta["report"].items() if "skipped" in key}
    assert report == {
        "crowd": 1, "too_few_keypoints": 2, "outside_image": 0, "too_small": 1, "no_area": 0, "broken_image": 0
    }  # fmt: skip
    assert "of 8 people left out: 1 crowd, 1 too_small, 2 too_few_keypoints" in capsys.readouterr().err


def test_one_broken_picture_in_a_hundred_is_named_and_skipped(tmp_path, capsys):
    root = tmp_path / "people"
    for number in range(100):
        picture(root, f"{number:03d}.png", noise(8, 6, number))
    (root / "050.png").write_bytes(b"no picture")
    shard = crop(root, tmp_path)
    assert len(shard) == 99 and shard.meta["report"]["broken_images"] == ["050.png"]
    assert "050.png" in capsys.readouterr().err
    picture(root, "051.png", noise(3, 6))
    with pytest.raises(InputError, match=r"051\.png: 6x3 pixels, below crops\.min_side \(4\); with it 2 of 100"):
        make_own_crops(root, tmp_path / "y.npy", RECIPE)


def test_all_that_is_no_image_is_counted_and_named_in_the_report(folder, tmp_path):
    (folder / "phone.HEIC").touch()
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")).write_bytes((folder / "a.png").read_bytes())
    (folder / "linked").symlink_to(folder / "a")
    (note,) = crop(folder, tmp_path).meta["report"]["notes"]
    for part in (
        "1 .heic files (phone.HEIC)", "1 .txt files (notes.txt)", "1 linked folders (linked)",
        r"1 images whose name is not valid UTF-8 (caf\xe9.png)",
    ):  # fmt: skip
        assert part in note


def test_a_folder_that_can_not_be_read_is_named(folder, monkeypatch):
    walk = os.walk

    def refuse(root, onerror):
        onerror(PermissionError(13, "Permission denied", str(folder / "a")))
        return (place for place in walk(root) if not place[0].endswith("a"))

    monkeypatch.setattr(os, "walk", refuse)
    found = read_own_people(folder)
    assert len(found.images) == 2 and "1 folders that can't be read (a)" in found.notes[0]


def _no_pictures(root):
    for name in ("b.PNG", "a/z.png", "a.png"):
        (root / name).unlink()


def _truncate(root):
    (root / "boxes.json").write_text((root / "boxes.json").read_text()[:-9])


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (
            _no_pictures,
            "people: holds no .jpg, .jpeg, .png image, nor do its subfolders (left out 1 .txt files (notes.txt))",
        ),
        (lambda root: root.rename(root.parent / "elsewhere"), "people: no such folder"),
        (lambda root: (root / "b.PNG").write_bytes(b""), "b.PNG: empty, truncated or not an image"),
        (lambda root: write_boxes(root), "boxes.json: no person is annotated"),
        (lambda root: write_boxes(root, box(1, num_keypoints=0)), "boxes.json: no person gives a crop"),
        (lambda root: (write_boxes(root, box(1)), _truncate(root)), "boxes.json: not valid JSON"),
        (lambda root: (root / "boxes.json").write_text("[]"), "boxes.json: not in COCO's format"),
        (lambda root: (root / "boxes.json").write_text('{"annotations": []}'), "boxes.json: no entry 'images'"),
        (lambda root: write_boxes(root, box(1, bbox=[0.5, 0.5, 0.3, 0.7])), "all boxes are from 0 to 1"),
        (lambda root: write_boxes(root, {**box(1), "id": "a1b2"}), "annotations[0] (id 'a1b2'): id: 'a1b2' is not a"),
        (lambda root: write_boxes(root, box(1, iscrowd=None)), "iscrowd: None is not 0 or 1"),
        (lambda root: write_boxes(root, box(1), images=5), "boxes.json: not in COCO's format"),
        (
            lambda root: write_boxes(root, box(1, image=5)),
            "(annotations[0] (id 1): image_id 5 is not the id of an image)",
        ),
        (lambda root: write_boxes(root, box(1, bbox=[0, 0, "30", 40])), "bbox: '30' is not a number"),
        (lambda root: write_boxes(root, box(1, image="1")), "image_id: '1' is not a number"),
        (lambda root: write_boxes(root, box(1, bbox=[0, 0, 30])), "boxes.json: not in COCO's format"),
        (lambda root: write_boxes(root, box(1), images=[{"id": 1, "width": 30, "height": 40}]), "'file_name'"),
        (
            lambda root: write_boxes(
                root, box(1), images=[{"id": 1, "file_name": "../x.png", "width": 1, "height": 1}]
            ),
            "'../x.png' is not a path below",
        ),
        (
            lambda root: write_boxes(root, box(1), images=[{"id": 1, "file_name": "\ud800", "width": 1, "height": 1}]),
            r"file_name: '\ud800' is not a path below",
        ),
        (
            lambda root: write_boxes(root, box(1), images=[{"id": 1}, {"id": 1, "width": 2}]),
            "images[1]: id 1 occurs twice",
        ),
        (lambda root: (write_boxes(root, box(1)), (root / "a/z.png").unlink()), "z.png: listed in"),
        (
            lambda root: (write_boxes(root, box(1)), picture(root, "a/z.png", noise(30, 40))),
            "40x30 pixels, 30x40 annotated",
        ),
    ],
)
def test_mistakes_end_in_one_line_and_leave_nothing(folder, tmp_path, mistake, named):
    mistake(folder)
    with pytest.raises(InputError) as error:
        make_own_crops(folder, tmp_path / "out" / "x.npy", RECIPE)
    message = str(error.value)
    assert named in message and "\n" not in message
    assert "docs/data" in message or "crops.min_keypoints" in message
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_command_line(folder, tmp_path):
    recipe = '{"height": 40, "width": 30, "min_keypoints": 1, "min_side": 4}'
    command = [sys.executable, "-m", "liftedcl.crops", "--recipe", recipe, "--out", str(tmp_path / "x.npy")]
    options = {"cwd": REPOSITORY, "capture_output": True, "text": True, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    result = subprocess.run([*command, "--people", folder, "--sheet", tmp_path / "x.png"], **options)
    assert (result.returncode, result.stderr) == (0, f"note: {folder}: left out 1 .txt files (notes.txt)\n")
    assert len(open_shard(tmp_path / "x.npy")) == 3 and cv2.imread(str(tmp_path / "x.png")) is not None
    _no_pictures(folder)
    result = subprocess.run([*command, "--people", folder], **options)
    assert result.returncode == 2 and result.stderr.startswith("error: ") and result.stderr.count("\n") == 1


def test_the_digest_follows_the_listing(folder):
    before = listing_digest(folder)
    (folder / "notes.txt").write_text("other notes")
    assert listing_digest(folder) == before
    (folder / "a.png").rename(folder / "c.png")
    renamed = listing_digest(folder)
    (folder / "c.png").write_bytes(b"")
    emptied = listing_digest(folder)
    (folder / "d.png").symlink_to("nowhere")
    assert len({before, renamed, emptied, listing_digest(folder)}) == 4


def test_own_pictures_neither_rename_nor_relabel_a_run():
    for folder in ("some/folder", "data/demo/people"):  # where a generated set would stand
        overrides = {"profile": "demo", "people": folder}
        params = read_params(REPOSITORY / "params.yaml", overrides)
        assert layout_of(params).root == "runs/demo" and label_of(params, overrides) == "demo"
        assert not is_generated(params, "people")


def test_a_row_on_own_pictures_is_planned(folder, tmp_path):
    copy = copy_to(tmp_path / "repository")
    row = "encoders={rows: {mine: {method: moco_v2, images: people}}}"
    jobs = planned(copy, "runs/demo/encoders/mine/seed0/encoder.pt", "--config", f"people={folder}", row)
    assert jobs == [("crop_own_people", ""), ("pretrain", "mine")]
