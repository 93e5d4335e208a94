"""Person crops: exact geometry, checked through pixels on real and hand-made images; mistakes are named."""

import json
import os
import shutil
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from repository import REPOSITORY

from liftedcl.crops import make_crops
from liftedcl.files.image_files import read_image
from liftedcl.files.image_header import BrokenImageError
from liftedcl.identity.errors import InputError
from liftedcl.images.person_box import PADDING, extend_box
from liftedcl.images.shard import open_shard
from liftedcl.pictures import pack_pictures
from liftedcl.recipes.data_recipes import Crops, Pictures

PAPER = Crops(height=256, width=192, min_keypoints=0, min_side=0.0)


class Coco:
    """A folder in COCO's layout, filled by hand."""

    def __init__(self, root, folder="train2017"):
        self.root, self.folder = root, root / folder
        self.images, self.people = [], []
        self.folder.mkdir(parents=True)

    def image(self, pixels, name=None, **annotated):
        number = len(self.images) + 1
        name = name or f"{number:012d}.png"
        if pixels is not None:
            cv2.imwrite(str(self.folder / name), pixels[..., ::-1])
            annotated = {"height": pixels.shape[0], "width": pixels.shape[1], **annotated}
        self.images.append({"id": number, "file_name": name, **annotated})
        return number

    def person(self, image, box, **more):
        entry = {"id": 100 + len(self.people), "image_id": image, "category_id": 1, "bbox": box}
        self.people.append({**entry, "iscrowd": 0, "num_keypoints": 17, **more})

    def write(self):
        content = {"images": self.images, "annotations": self.people, "categories": [{"id": 1, "name": "person"}]}
        (self.root / "annotations").mkdir(exist_ok=True)
        self.annotations.write_text(json.dumps(content))
        return self.root

    @property
    def annotations(self):
        return self.root / "annotations" / "person_keypoints_train2017.json"


@pytest.fixture
def coco(tmp_path):
    return Coco(tmp_path / "coco")


def noise(height=60, width=80, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def crop(root, out, recipe=PAPER, **options):
    make_crops(root, "train", out, recipe, **options)
    return open_shard(out)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ------------------------------------------------------------------------------------------------- geometry
def test_extended_box_is_the_smallest_4_to_3_around_the_box():
    rng = np.random.default_rng(0)
    for x, y, width, height in rng.uniform([-50, -50, 0.1, 0.1], [600, 400, 300, 300], (2000, 4)):
        rectangle = extend_box((x, y, width, height))
        assert rectangle.height * 3 == rectangle.width * 4
        assert rectangle.x <= x and rectangle.y <= y
        assert rectangle.x + rectangle.width >= x + width and rectangle.y + rectangle.height >= y + height
        assert rectangle.width - 3 < max(width + 2, (height + 2) * 3 / 4)  # no smaller one of whole pixels
        assert abs(rectangle.x + rectangle.width / 2 - (x + width / 2)) <= 1
        assert abs(rectangle.y + rectangle.height / 2 - (y + height / 2)) <= 1


def to_crop(point, rectangle):
    """Where an image point x, y is in a crop of 256 px in height; whole numbers are centres of pixels."""
    return (point - np.array([rectangle.x, rectangle.y]) + 0.5) * 256 / rectangle.height - 0.5


def test_a_box_of_whole_pixels_is_copied_exactly(coco, tmp_path):
    pixels = noise()
    coco.person(coco.image(pixels), [12, 8, 30, 40])
    shard = crop(coco.write(), tmp_path / "x.npy", Crops(40, 30, 0, 0.0))
    np.testing.assert_array_equal(shard.images[0], pixels[8:48, 12:42])


def test_past_the_border_is_padding_and_nothing_is_shifted(coco, tmp_path):
    pixels = noise()
    number = coco.image(pixels)
    coco.person(number, [-10, -8, 30, 40])
    coco.person(number, [65, 45, 30, 40])
    first, second = crop(coco.write(), tmp_path / "x.npy", Crops(40, 30, 0, 0.0)).images
    np.testing.assert_array_equal(first[8:, 10:], pixels[:32, :20])
    np.testing.assert_array_equal(second[:15, :15], pixels[45:, 65:])
    assert (first[:8] == PADDING).all() and (first[:, :10] == PADDING).all()
    assert (second[15:] == PADDING).all() and (second[:, 15:] == PADDING).all()


def _find_marker(image, darker):
    """Centre of mass of what ``image`` is brighter than ``darker``, x and y."""
    weight = np.clip(image.astype(int) - darker, 0, None).sum(axis=2).astype(float)
    weight[weight < 0.25 * weight.max()] = 0
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@pytest.mark.parametrize(
    "box", [(100, 60, 90, 200), (-40, 30, 150, 120), (250, 150, 140, 160), (130.7, 90.2, 33.3, 41.9)]
)
def test_a_marked_pixel_is_found_where_the_geometry_says(coco, tmp_path, box):
    pixels = noise(300, 360) // 4
    rng = np.random.default_rng(1)
    rectangle = extend_box(box)
    low = np.maximum([rectangle.x + 3, rectangle.y + 3], 3)
    high = np.minimum([rectangle.x + rectangle.width - 3, rectangle.y + rectangle.height - 3], [357, 297])
    points = rng.integers(low, high, (8, 2))
    for x, y in points:
        marked = pixels.copy()
        marked[y - 1 : y + 2, x - 1 : x + 2] = 255
        coco.person(coco.image(marked), list(box))
        coco.person(coco.image(pixels), list(box))
    images = crop(coco.write(), tmp_path / "x.npy").images
    for number, point in enumerate(points):
        found = _find_marker(images[2 * number], images[2 * number + 1].astype(int))
        np.testing.assert_allclose(found, to_crop(point, rectangle), atol=0.35)


# ------------------------------------------------------------------------------------------------ real COCO
def test_real_coco_keypoints_land_on_the_same_content(realdata, tmp_path):
    """Every labelled keypoint of coco_mini, by matching the patch around it, enlarged, in its crop."""
    root = realdata("coco/coco_mini")
    shard = crop(root, tmp_path / "x.npy", Crops(256, 192, 1, 8.0))
    content = json.loads((root / "annotations" / "person_keypoints_train2017.json").read_text())
    annotations = {annotation["id"]: annotation for annotation in content["annotations"]}
    names = {image["id"]: image["file_name"] for image in content["images"]}
    misses, past_border = [], 0
    for row, pixels in zip(shard.index.itertuples(), shard.images, strict=True):
        annotation = annotations[row.annotation_id]
        assert annotation["image_id"] == row.image_id and not annotation["iscrowd"]
        assert row.crop_height * 3 == row.crop_width * 4
        image = read_image(root / "train2017" / names[row.image_id])
        rectangle = extend_box((row.box_x, row.box_y, row.box_width, row.box_height))
        past_border += rectangle.x < 0 or rectangle.y < 0 or rectangle.y + rectangle.height > image.shape[0]
        for x, y, visible in np.reshape(annotation["keypoints"], (-1, 3)):
            reach = 6
            patch = image[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
            if not visible or patch.shape[:2] != (2 * reach + 1,) * 2 or patch.std() < 12 or row.scale > 4:
                continue
            size = round((2 * reach + 1) * row.scale)
            interpolation = cv2.INTER_AREA if row.scale < 1 else cv2.INTER_LINEAR
            enlarged = cv2.resize(patch, (size, size), interpolation=interpolation)
            expected = to_crop([x, y], rectangle)
            corner = np.round(expected - (size - 1) / 2).astype(int)
            margin = 6
            left, top = corner - margin
            window = pixels[max(top, 0) : top + size + 2 * margin, max(left, 0) : left + size + 2 * margin]
            if min(left, top) < 0 or window.shape[:2] != (size + 2 * margin,) * 2:
                continue
            match = cv2.matchTemplate(window, enlarged, cv2.TM_CCOEFF_NORMED)
            found_y, found_x = np.unravel_index(match.argmax(), match.shape)
            misses.append(np.hypot(found_x - margin, found_y - margin))
    assert len(misses) > 200 and past_border > 5
    assert np.mean(np.array(misses) <= 1.5) > 0.98
    assert shard.meta["report"]["skipped_crowd"] == sum(a["iscrowd"] for a in annotations.values())
    assert len(shard.index) == 86  # people with a labelled keypoint


def test_worker_counts_give_the_same_bytes(realdata, tmp_path):
    root = realdata("coco/coco_mini")
    for workers in (1, 3):
        make_crops(root, "val", tmp_path / str(workers) / "x.npy", PAPER, workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    assert sorted(contents(tmp_path / "1")) == ["x.csv", "x.json", "x.npy"]


# --------------------------------------------------------------------------------------------- what is left out
def test_every_skipped_person_is_counted_and_told(coco, tmp_path, capsys):
    number = coco.image(noise())
    coco.person(number, [10, 10, 20, 20])
    coco.person(number, [10, 10, 20, 20], iscrowd=1)
    coco.person(number, [10, 10, 4.9, 20])
    coco.person(number, [10, 10, 20, 20], num_keypoints=2)
    coco.person(number, [10, 10, 20, 20], category_id=2)
    report = crop(coco.write(), tmp_path / "x.npy", Crops(40, 30, 3, 5.0)).meta["report"]
    counts = {key.removeprefix("skipped_"): value for key, value in report.items() if key.startswith("skipped_")}
    assert counts == {
        "crowd": 1, "no_area": 0, "outside_image": 0, "too_small": 1, "too_few_keypoints": 1, "broken_image": 0
    }  # fmt: skip
    assert (report["people"], report["crops"]) == (4, 1)
    assert "of 4 people left out: 1 crowd, 1 too_small, 1 too_few_keypoints" in capsys.readouterr().err


NO_AREA = ([10, 10, 0, 20], [10, 10, 20, -3], [float("nan"), 1, 2, 3], [1, 1, float("inf"), 3], [0, 0, 1e9, 1e9])
OUTSIDE = ([80, 10, 20, 20], [10, 60.5, 20, 20], [-30, 10, 30, 20], [10, -40, 20, 39])


@pytest.mark.parametrize(
    ("reason", "box"), [*(("no_area", b) for b in NO_AREA), *(("outside_image", b) for b in OUTSIDE)]
)
def test_unusable_boxes_are_counted_up_to_one_in_a_hundred(coco, tmp_path, capsys, reason, box):
    number = coco.image(noise())
    for _ in range(99):
        coco.person(number, [10, 10, 20, 20])
    coco.person(number, box)
    report = crop(coco.write(), tmp_path / "x.npy", Crops(40, 30, 3, 5.0)).meta["report"]
    assert (report[f"skipped_{reason}"], report["crops"]) == (1, 99)
    assert f"of 100 people left out: 1 {reason}" in capsys.readouterr().err
    coco.person(number, box)
    with pytest.raises(InputError, match=f"2 of 101 people have no usable box .{reason}., more than 1%; the first is"):
        make_crops(coco.write(), "train", tmp_path / "y.npy", PAPER)


def test_ids_are_exact_beyond_what_floats_and_64_bits_hold(coco, tmp_path):
    big = [20240131123456701, 20240131123456702, 2**63 + 4096, -5]
    for identity in big:
        coco.image(noise(seed=identity % 97))
        coco.images[-1]["id"] = identity
        coco.person(identity, [10, 10, 20, 20], id=identity)
    crop(coco.write(), tmp_path / "x.npy", Crops(40, 30, 0, 0.0))
    rows = [row.split(",")[:2] for row in (tmp_path / "x.csv").read_text().splitlines()[1:]]
    assert rows == [[str(identity)] * 2 for identity in sorted(big)]


def test_images_listed_twice_are_dropped_and_told_and_differing_ones_named(coco, tmp_path, capsys):
    coco.person(coco.image(noise()), [10, 10, 20, 20])
    coco.images.append(dict(coco.images[0]))
    note = "dropped 1 images that are listed twice"
    assert note in crop(coco.write(), tmp_path / "x.npy").meta["report"]["notes"][0]
    assert note in capsys.readouterr().err
    coco.images[1]["width"] += 1
    with pytest.raises(InputError, match=r"images\[1\]: id 1 occurs twice, with other content"):
        make_crops(coco.write(), "train", tmp_path / "x.npy", PAPER)


def test_order_is_by_image_and_annotation(coco, tmp_path):
    for _ in range(5):
        coco.image(noise())
    for image in (4, 2, 5, 2, 1, 3):
        coco.person(image, [10, 10, 20, 20])
    coco.people.reverse()
    coco.images.reverse()
    index = crop(coco.write(), tmp_path / "x.npy", workers=3).index
    assert list(index["image_id"]) == [1, 2, 2, 3, 4, 5]
    assert list(index["annotation_id"]) == [104, 101, 103, 105, 100, 102]


def test_images_may_stand_in_a_folder_images(tmp_path):
    coco = Coco(tmp_path / "coco", "images/train2017")
    coco.person(coco.image(noise()), [10, 10, 20, 20])
    assert len(crop(coco.write(), tmp_path / "x.npy").images) == 1


def test_a_broken_image_in_a_hundred_is_reported_and_skipped(coco, tmp_path, capsys):
    for number in range(100):
        coco.person(coco.image(noise(seed=number)), [10, 10, 20, 20])
    (coco.folder / f"{50:012d}.png").write_bytes(b"no image")
    shard = crop(coco.write(), tmp_path / "x.npy")
    assert len(shard.images) == 99 and 50 not in set(shard.index["image_id"])
    report = shard.meta["report"]
    assert (report["broken_images"], report["skipped_broken_image"]) == ([f"{50:012d}.png"], 1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and f"{50:012d}.png" in lines[0]
    (coco.folder / f"{51:012d}.png").unlink()
    with pytest.raises(InputError, match="2 of 100"):
        make_crops(coco.root, "train", tmp_path / "y.npy", PAPER)
    assert not list(tmp_path.glob("*y.*"))


# ---------------------------------------------------------------------------------------------- odd image files
def test_exif_orientation_is_ignored_as_cocos_annotations_do(coco, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    coco.image(None, name="a.jpg", width=80, height=60)
    Image.fromarray(cv2.GaussianBlur(noise(), (0, 0), 3)).save(coco.folder / "a.jpg", quality=98, exif=exif)
    coco.person(1, [12, 8, 30, 40])
    stored = np.asarray(Image.open(coco.folder / "a.jpg"))
    image = crop(coco.write(), tmp_path / "x.npy", Crops(40, 30, 0, 0.0)).images[0]
    np.testing.assert_allclose(image.astype(int), stored[8:48, 12:42], atol=3)


def turned_export(coco, tag, names):
    """Images whose tool turned them by their EXIF tag before it annotated the person, who is red."""
    for name in names:
        pixels = np.full((60, 80, 3), 40, np.uint8)
        pixels[5:25, 5:20] = (255, 0, 0)
        exif = Image.Exif()
        exif[0x0112] = tag
        Image.fromarray(pixels).save(coco.folder / name, exif=exif, quality=95)
        upright = np.asarray(ImageOps.exif_transpose(Image.open(coco.folder / name)))
        y, x = np.nonzero((upright[..., 0] > 200) & (upright[..., 1] < 80))
        number = coco.image(None, name=name, width=upright.shape[1], height=upright.shape[0])
        coco.person(number, [int(x.min()), int(y.min()), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1])


@pytest.mark.parametrize("tag", range(2, 9))
def test_annotations_of_images_that_their_exif_tag_turned_are_refused_with_the_cause(coco, tmp_path, tag):
    turned_export(coco, tag, ["a.jpg", "b.jpg"])
    with pytest.raises(InputError) as error:
        make_crops(coco.write(), "train", tmp_path / "x.npy", PAPER)
    cause = f"80x60 pixels, 60x80 annotated: annotated as turned by EXIF tag {tag}" if tag > 4 else "have an EXIF tag"
    assert cause in str(error.value) and "a.jpg" in str(error.value) and "without the tag" in str(error.value)
    assert not list(tmp_path.glob("*x.*"))


def test_half_turns_are_taken_as_stored_where_others_show_it_or_are_few(coco, tmp_path, capsys):
    turned_export(coco, 3, ["a.jpg"])
    coco.people.clear()
    coco.person(1, [5, 5, 15, 20])  # as stored
    for number in range(99):
        coco.person(coco.image(noise(seed=number)), [10, 10, 20, 20])
    shard = crop(coco.write(), tmp_path / "x.npy", Crops(40, 30, 0, 0.0))
    assert shard.images[0][..., 0].mean() > 200 and shard.meta["report"]["images_unclear_by_exif"] == ["a.jpg"]
    assert "1 of 100 images, the first is a.jpg, have an EXIF tag" in capsys.readouterr().err
    exif = Image.Exif()
    exif[0x0112] = 6
    coco.people[2:] = []
    Image.fromarray(noise()).save(coco.folder / coco.images[1]["file_name"], exif=exif)  # annotated in its stored size
    assert len(crop(coco.write(), tmp_path / "x.npy").images) == 2
    assert "EXIF" not in capsys.readouterr().err


def bomb(path, kind, width, height):
    """An image of one pixel whose header claims others."""
    Image.new("RGB", (1, 1)).save(path, kind)
    data = bytearray(path.read_bytes())
    if kind == "PNG":
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    else:
        place = data.index(b"\xff\xc0") + 5
        data[place : place + 4] = struct.pack(">HH", height, width)
    path.write_bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(("side", "reason"), [(30000, "the most that is read"), (8000, "8000x8000 pixels in")])
def test_a_size_that_a_file_can_not_hold_is_refused_before_it_is_decoded(tmp_path, monkeypatch, kind, side, reason):
    bomb(tmp_path / "x.jpg", kind, side, side)
    monkeypatch.delattr(cv2, "imdecode")
    with pytest.raises(BrokenImageError, match=reason):
        read_image(tmp_path / "x.jpg")


@pytest.mark.parametrize("mode", ["L", "CMYK", "I;16", "RGBA"])
def test_every_colour_mode_becomes_8_bit_rgb(tmp_path, mode):
    path = tmp_path / ("x.png" if mode in ("I;16", "RGBA") else "x.jpg")
    grey = np.full((32, 48), 100, dtype=np.uint8)
    if mode == "I;16":
        cv2.imwrite(str(path), grey.astype(np.uint16) * 257)
    else:
        Image.fromarray(np.stack([grey] * 3, axis=-1)).convert(mode).save(path)
    image = read_image(path)
    assert image.shape == (32, 48, 3) and image.dtype == np.uint8
    np.testing.assert_allclose(image.astype(int), 100, atol=4)


def test_colours_are_rgb(tmp_path):
    Image.new("RGB", (20, 20), (200, 30, 90)).save(tmp_path / "x.png")
    assert tuple(read_image(tmp_path / "x.png")[0, 0]) == (200, 30, 90)


@pytest.mark.parametrize("keep", [0, 100, 0.5, -2])
def test_a_truncated_jpeg_is_broken(tmp_path, keep):
    path = tmp_path / "x.jpg"
    cv2.imwrite(str(path), noise(200, 300))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if keep == 0.5 else keep])
    with pytest.raises(BrokenImageError):
        read_image(path)


# ------------------------------------------------------------------------------------- mistakes, on the command line
def run(coco, out, *more):
    recipe = '{"height": 40, "width": 30, "min_keypoints": 1, "min_side": 4}'
    command = [sys.executable, "-m", "liftedcl.crops", "--recipe", recipe, "--coco", str(coco), "--split", "train"]
    return subprocess.run(
        [*command, "--out", str(out), *more],
        cwd=REPOSITORY, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def _category(coco, name):
    _rewrite(coco, categories=[{"id": 1, "name": name}, {"id": 2, "name": "dog"}])


def _zero_width(coco):
    coco.images[0]["width"] = 0
    coco.write()


def _boxes(coco, box):
    for _ in range(5):
        coco.person(1, [10, 10, 20, 20])
    coco.people[3]["bbox"] = box
    coco.write()


def _truncate(coco):
    coco.annotations.write_text(coco.annotations.read_text()[:-40])


def _rewrite(coco, **change):
    content = json.loads(coco.annotations.read_text())
    coco.annotations.write_text(json.dumps({**content, **change}))


def _corrupt_jpeg(coco):
    file = next(coco.folder.iterdir())
    file.write_bytes(file.read_bytes()[:300])


def _wrong_size(coco):
    coco.images[0]["width"] += 1
    coco.write()


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (lambda coco: shutil.rmtree(coco.root / "annotations"), "person_keypoints_train2017.json: not found"),
        (_truncate, "person_keypoints_train2017.json: not valid JSON"),
        (lambda coco: _rewrite(coco, annotations=[]), "no person is annotated"),
        (lambda coco: _rewrite(coco, annotations=[{"id": 1}]), "category_id"),
        (lambda coco: _rewrite(coco, images=[]), "annotations[0] (id 100): image_id 1 is not the id of an image"),
        (lambda coco: coco.annotations.write_text("[]"), "not in COCO's format"),
        (lambda coco: shutil.rmtree(coco.folder), "train2017: not found, nor "),
        (_corrupt_jpeg, "000000000001.png"),
        (_wrong_size, "80x60 pixels, 81x60 annotated"),
        (lambda coco: _category(coco, "Person"), "its categories are 'Person' (id 1), 'dog' (id 2)"),
        (_zero_width, "images: id 1: width 0, height 60"),
        (lambda coco: _boxes(coco, []), "annotations[3] (id 103): bbox: [] is not a list of x, y, width, height"),
        (lambda coco: _boxes(coco, "1234"), "annotations[3] (id 103): bbox: '1234' is not a list"),
        (lambda coco: _boxes(coco, [True, 2, 30, 40]), "annotations[3] (id 103): bbox: True is not a number"),
        (lambda coco: _boxes(coco, None), "annotations[3] (id 103): bbox: None is not a list"),
        (lambda coco: _rewrite(coco, annotations=[{**coco.people[0], "iscrowd": 7}] * 3), "nor are 2 other entries"),
    ],
)
def test_mistakes_end_in_one_line_and_leave_nothing(coco, tmp_path, mistake, named):
    coco.person(coco.image(noise()), [10, 10, 20, 20])
    coco.write()
    mistake(coco)
    with pytest.raises(InputError) as error:
        make_crops(coco.root, "train", tmp_path / "out" / "x.npy", PAPER)
    pictures = "can't be used" in str(error.value)  # said of the pictures of any data set
    assert named in str(error.value) and ("docs/data.md" if pictures else "docs/data/coco.md") in str(error.value)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("boxes", [[], [[100, 10, 20, 20]], [[float("nan")] * 4]])
def test_no_crop_left_is_a_mistake_too(coco, tmp_path, boxes):
    number = coco.image(noise())
    for box in boxes:
        coco.person(number, box)
    result = run(coco.write(), tmp_path / "out" / "x.npy")
    assert result.returncode == 2 and result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_command_line(coco, tmp_path):
    coco.person(coco.image(noise()), [10, 10, 20, 20])
    result = run(coco.write(), tmp_path / "x.npy", "--sheet", str(tmp_path / "figure6.png"))
    assert (result.returncode, result.stderr) == (0, "")
    assert cv2.imread(str(tmp_path / "figure6.png")) is not None
    _corrupt_jpeg(coco)
    result = run(coco.root, tmp_path / "out" / "x.npy")
    assert result.returncode == 2 and result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert not list((tmp_path / "out").iterdir())


# ---------------------------------------------------------------------------------------------- stage I pictures
def test_whole_pictures_are_squeezed_to_squares_with_their_labels_and_sizes(tmp_path):
    for label, name in enumerate(("n01", "n02")):
        (tmp_path / "imagenet" / "train" / name).mkdir(parents=True)
        for number in range(2):
            pixels = np.full((40 + 40 * label, 80, 3), 255, dtype=np.uint8)
            pixels[:, :40] = 100 * label + 10 * number
            cv2.imwrite(str(tmp_path / "imagenet" / "train" / name / f"{number}.png"), pixels)
    pack_pictures(tmp_path / "imagenet", "train", tmp_path / "x.npy", Pictures(20))
    shard = open_shard(tmp_path / "x.npy")
    assert list(shard.index["file"]) == ["n01/0.png", "n01/1.png", "n02/0.png", "n02/1.png"]
    assert list(shard.index["label"]) == [0, 0, 1, 1]
    assert shard.meta["report"]["classes"] == ["n01", "n02"]
    assert list(shard.index["picture_width"]) == [80] * 4
    assert list(shard.index["picture_height"]) == [40, 40, 80, 80]
    left, right = shard.images[:, :, :10], shard.images[:, :, 10:]
    np.testing.assert_array_equal(left, np.array([0, 10, 100, 110])[:, None, None, None] + np.zeros((20, 10, 3)))
    assert (right == 255).all()


def test_pictures_mistakes_are_named(tmp_path):
    root = tmp_path / "imagenet"
    with pytest.raises(InputError, match="train: no such folder"):
        pack_pictures(root, "train", tmp_path / "x.npy", Pictures(20))
    (root / "train" / "n01").mkdir(parents=True)
    with pytest.raises(InputError, match=r"n01: holds no \.jpg"):
        pack_pictures(root, "train", tmp_path / "x.npy", Pictures(20))
    (root / "train" / "n01" / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.jpg.*1 of 1"):
        pack_pictures(root, "train", tmp_path / "x.npy", Pictures(20))
    assert not list(tmp_path.glob("*x*"))
    (root / "train" / "n02").mkdir()
    (root / "train" / "n03").mkdir()
    (root / "train" / "n02" / "a.webp").touch()
    with pytest.raises(InputError, match=r"n02: holds .*left out 1 \.webp files.*nor do 1 more of 3 classes"):
        pack_pictures(root, "train", tmp_path / "x.npy", Pictures(20))


def test_images_of_every_accepted_name_are_packed_and_others_named(tmp_path):
    folder = tmp_path / "imagenet" / "train" / "n01"
    for number, name in enumerate(("A.JPEG", "b.Jpg", "c.png", "sub/d.jpeg")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(seed=number)).save(folder / name)
    (folder / "e.gif").touch()
    pack_pictures(tmp_path / "imagenet", "train", tmp_path / "x.npy", Pictures(20))
    shard = open_shard(tmp_path / "x.npy")
    assert list(shard.index["file"]) == ["n01/A.JPEG", "n01/b.Jpg", "n01/c.png", "n01/sub/d.jpeg"]
    assert shard.meta["report"]["notes"] == [f"{folder}: left out 1 .gif files (e.gif)"]
