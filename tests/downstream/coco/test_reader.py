"""COCO's reader: who is kept, where their crops are, which side is left, and what damaged data says."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools.cocoeval import Params
from repository import REPOSITORY
from tiny.coco import HEIGHT, RECIPE, WIDTH, edit_annotations, write_tiny_coco

from downstream.coco import plausible
from downstream.coco.annotations import read_annotations
from downstream.coco.keypoints import BONES, MIRRORED, NAMES, OKS_SIGMAS, SIDES
from downstream.coco.reader import DETECTIONS, annotation_path, read_detections, read_people
from downstream.coco.results import read_predictions, results_of, write_predictions
from downstream.coco.scores import score
from downstream.reading.entries import WrongEntriesError
from downstream.samples.crop import apply_affine, crop_matrices, invert_affine
from downstream.samples.plain_crops import PlainCrops
from liftedcl.files.image_listing import SUFFIXES
from liftedcl.identity.errors import InputError
from synthetic.keypoints import COCO_MAP
from synthetic.people.body import load_body
from synthetic.renderer.camera import Camera, look_at

SIZE = (RECIPE.input_width, RECIPE.input_height)


@pytest.fixture
def root(tmp_path):
    return write_tiny_coco(tmp_path / "coco")


def test_crowds_and_people_without_keypoints_are_left_out(root):
    people = read_people(root, "train")
    content = json.loads(annotation_path(root, "train").read_text())
    assert len(content["annotations"]) > len(people) == 9
    for n, entry in enumerate(content["annotations"][:9]):
        keypoints = np.array(entry["keypoints"]).reshape(17, 3)
        np.testing.assert_array_equal(people.visible[n], keypoints[:, 2] > 0)
        np.testing.assert_array_equal(people.joints[n], keypoints[:, :2])


def test_boxes_are_cut_to_their_picture(root):
    edit_annotations(root, "train", bbox=[-20, 10, 60.5, 400])
    assert read_people(root, "train").boxes.boxes[0].tolist() == [0, 10, 39.5, HEIGHT - 1]


def test_crops_have_the_inputs_aspect_and_hold_the_box_with_padding(root):
    boxes = read_people(root, "train").boxes
    people = boxes.people(SIZE, RECIPE.box_scale)
    corners = np.stack([boxes.boxes[:, :2], boxes.boxes[:, 2:]], axis=1)
    placed = apply_affine(crop_matrices(people.centres, people.widths, size=SIZE), corners)
    middle = placed.mean(axis=1)
    np.testing.assert_allclose(middle, np.broadcast_to(np.array(SIZE) / 2, middle.shape), atol=1e-9)
    shares = (placed[:, 1] - placed[:, 0]) / SIZE
    np.testing.assert_allclose(shares.max(axis=1), 1 / RECIPE.box_scale)


def test_crop_to_network_and_back_is_exact_with_turns_flips_and_boxes_outside():
    rng = np.random.default_rng(0)
    centres, widths = rng.uniform(-400, 900, (50, 2)), rng.uniform(3, 900, 50)
    matrices = crop_matrices(
        centres, widths, size=SIZE, rotations=rng.uniform(-180, 180, 50), flips=rng.random(50) < 0.5
    )
    joints = rng.uniform(-500, 1000, (50, 17, 2))
    np.testing.assert_allclose(apply_affine(invert_affine(matrices), apply_affine(matrices, joints)), joints, atol=1e-8)


def test_the_left_of_somebody_who_faces_the_camera_is_at_larger_x():
    body = load_body()
    centre = np.array([0.0, 0.2, 5.0])  # before somebody at the origin who faces +z
    camera = Camera(look_at(centre, np.zeros(3)), centre, focal=500.0, cx=320.0, cy=240.0, width=640, height=480)
    joints = camera.project(COCO_MAP @ (body.landmark_regressor @ body.v_template))[:, :2]
    left = np.array([side == "l" for side in SIDES])
    assert left.sum() == 8 and (joints[left, 0] > joints[MIRRORED[left], 0] + 1).all()
    assert abs(joints[NAMES.index("nose"), 0] - 320) < 2
    # A mirror image with pairs swapped is a person again: every bone's ends are where they were, on the other side.
    mirrored = (joints * (-1, 1) + (640, 0))[MIRRORED]
    assert np.abs(mirrored - joints).max() < 25
    heights = dict(zip(NAMES, joints[:, 1], strict=True))
    for side in ("left", "right"):
        chain = [heights[f"{side}_{part}"] for part in ("eye", "shoulder", "hip", "knee", "ankle")]
        assert chain == sorted(chain)


def test_names_pairs_and_sigmas_are_cocos(realdata):
    category = json.loads(annotation_path(realdata("coco/coco_mini"), "val").read_text())["categories"][0]
    assert list(NAMES) == category["keypoints"]
    assert {frozenset(bone) for bone in BONES} == {frozenset(end - 1 for end in pair) for pair in category["skeleton"]}
    np.testing.assert_allclose(OKS_SIGMAS, Params("keypoints").kpt_oks_sigmas, rtol=1e-12)
    for name, other in zip(NAMES, np.array(NAMES)[MIRRORED], strict=True):
        swapped = name.replace("left", "x").replace("right", "left").replace("x", "right")
        assert other == swapped


def test_real_people_are_read(realdata):
    root = realdata("coco/coco_mini")
    for split, kept in (("train", 86), ("val", 68)):
        people = read_people(root, split)
        assert len(people) == kept
        inside = (people.joints >= -0.5) & (people.joints <= people.boxes.sizes[:, None])
        assert inside[people.visible].all()
    assert read_detections(root) is None
    # People who look at the camera show both eyes; most of them have the left one at the larger x.
    left, right = NAMES.index("left_eye"), NAMES.index("right_eye")
    both = people.visible[:, [left, right, 0]].all(axis=1)
    assert (people.joints[both, left, 0] > people.joints[both, right, 0]).mean() > 0.8


def test_detections_in_pictures_of_the_annotations_only(root):
    path = root / DETECTIONS
    boxes = json.loads(path.read_text())
    assert len(read_detections(root)) == 4
    stray = {**boxes[0], "image_id": 999}
    other = {**boxes[0], "category_id": 3}
    path.write_text(json.dumps([stray, other, *boxes[::-1]]))
    found = read_detections(root)
    assert len(found) == 4 and (np.diff(found.image_ids) >= 0).all() and (found.scores == 0.9).all()
    path.write_text(json.dumps([stray]))
    with pytest.raises(InputError, match="of 1 boxes 1 are of category 1, and 0 in one of its images"):
        read_detections(root)
    path.write_text(json.dumps([{**box, "category_id": 0} for box in boxes]))
    with pytest.raises(InputError, match="of 4 boxes 0 are of category 1, and 4 in one of its images"):
        read_detections(root)
    for change, message in (
        ({"bbox": [5000, 5000, 10, 10]}, "bbox begins or ends at 25 .* so it is with 3 more: 1, 2, 3"),
        ({"bbox": [20, 20, 0, 0]}, "bbox has no area or is outside its image"),
        ({"bbox": [WIDTH, 20, 9, 9]}, "bbox has no area or is outside its image"),
        ({"bbox": [80, 60, 40, -10]}, "bbox has a negative width or height"),
        ({"score": -0.5}, "score is -0.5, where 0 to"),
        ({"score": True}, "score is missing or no number"),
        ({"score": [0.9]}, "score has shape"),
        ({"image_id": "000000000007.jpg"}, "image_id is not an integer"),
    ):
        path.write_text(json.dumps([{**box, **change} for box in boxes]))
        with pytest.raises(InputError, match=f"sample 0: {message}"):
            read_detections(root)
    path.write_text(json.dumps([{**boxes[0], "bbox": [-30, -30, 300, 300]}]))
    assert read_detections(root).boxes.tolist() == [[-30, -30, 270, 270]]
    path.write_text(json.dumps(boxes)[:-9])
    with pytest.raises(InputError, match="not valid JSON"):
        read_detections(root)
    path.write_text(json.dumps([{**boxes[0], "score": float("nan")}]))
    with pytest.raises(InputError, match="sample 0: score holds NaN"):
        read_detections(root)


def nan_keypoint(root):
    keypoints = [1.0] * 50 + [2]
    keypoints[3] = float("nan")
    edit_annotations(root, "train", keypoints=keypoints)


def text_id(root):
    edit_annotations(root, "train", image_id="7")


def edit_first(root, key, **changes):
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    content[key][0].update(changes)
    path.write_text(json.dumps(content))


def unnamed_picture(root):
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    del content["images"][3]["file_name"]
    path.write_text(json.dumps(content))


def cut(root):
    path = annotation_path(root, "train")
    path.write_bytes(path.read_bytes()[:-40])


DAMAGES = {
    "no annotations": (lambda root: annotation_path(root, "train").unlink(), "train2017.json: not found"),
    "truncated JSON": (cut, "not valid JSON"),
    "not COCO": (lambda root: annotation_path(root, "train").write_text("[]"), "has no list `images`"),
    "NaN keypoint": (nan_keypoint, "sample 0: keypoints holds NaN"),
    "13 joints": (lambda root: edit_annotations(root, "train", keypoints=[0] * 39), "not (51,)"),
    "flag 3": (lambda root: edit_annotations(root, "train", keypoints=[1, 1, 3] * 17), "a flag is not 0, 1 or 2"),
    "short box": (lambda root: edit_annotations(root, "train", bbox=[1, 2, 3]), "bbox has shape (3,)"),
    "unknown image": (
        lambda root: edit_annotations(root, "train", image_id=12345),
        "image_id is not the id of an image",
    ),
    "id twice": (lambda root: edit_annotations(root, "train", id=11), "sample 1: id occurs twice (id 11)"),
    "text as an id": (text_id, "image_id is not an integer"),
    "area as text": (lambda root: edit_annotations(root, "train", area="50"), "sample 0: area is missing or no number"),
    "crowd as text": (lambda root: edit_annotations(root, "train", iscrowd="0"), "sample 0: iscrowd is missing or no"),
    "text among keypoints": (
        lambda root: edit_annotations(root, "train", keypoints=["7", *[1] * 50]),
        "sample 0: keypoints is missing or no number",
    ),
    "picture without a name": (unnamed_picture, "sample 3: images: file_name is missing"),
    "a name that is no text": (
        lambda root: edit_first(root, "images", file_name="\ud800.jpg"),
        "sample 0: images: file_name is missing or not text",
    ),
    "number as a name": (lambda root: edit_first(root, "images", file_name=7), "sample 0: images: file_name is"),
    "text as an image's id": (
        lambda root: edit_first(root, "images", id="7"),
        "sample 0: images: id is not an integer",
    ),
    "list as a category": (lambda root: edit_first(root, "categories", id=[1]), "sample 0: categories: id is not"),
    "category without an id": (lambda root: edit_first(root, "categories", id=None), "sample 0: categories: id is not"),
    "another category": (
        lambda root: edit_annotations(root, "train", category_id=2),
        "sample 0: category_id is not 1, person (there is 'person' (id 1)) (id 1)",
    ),
    "category Person": (lambda root: edit_first(root, "categories", name="Person"), "there is 'Person' (id 1)"),
    "true among keypoints": (lambda root: edit_annotations(root, "train", keypoints=[True, *[1] * 50]), "no number"),
    "box as text": (lambda root: edit_annotations(root, "train", bbox="1234"), "bbox is missing or no number"),
    "box of text": (lambda root: edit_annotations(root, "train", bbox=["1", "2", "3", "4"]), "bbox is missing or no"),
    "width 0": (lambda root: edit_first(root, "images", width=0), "images: width is 0 px, where 1 to 100000 can be"),
    "half a pixel": (lambda root: edit_first(root, "images", height=99.5), "images: height is not a whole number"),
    "same id, other image": (lambda root: edit_first(root, "images", id=8), "images[1]: id 8 occurs twice, with other"),
    "lost picture": (lambda root: next((root / "train2017").iterdir()).unlink(), ".jpg: not found"),
    "no pictures": (lambda root: (root / "train2017").rename(root / "elsewhere"), "train2017: not found"),
}


NONSENSE = {
    "large area": ({"area": 1e7}, "of its box, where 0.001 to 2 can be"),
    "small area": ({"area": 1e-9}, "of its box, where 0.001 to 2 can be"),
    "no area": ({"area": 0}, "of its box, where 0.001 to 2 can be"),
    "crowd without area": ({"area": 0, "iscrowd": 1}, "area is 0, of a crowd"),
    "crowd of a large area": ({"area": 1e7, "iscrowd": 1}, "of its box, where 0.001 to 2 can be"),
    "keypoints outside": (
        {"keypoints": [-91.0, 60, 2, *[70, 60, 2] * 16], "num_keypoints": 17},
        "a labelled one is at",
    ),
    "negative area": ({"area": -5.0}, "area is negative"),
    "no keypoints but flags": ({"num_keypoints": 0}, "num_keypoints is not the number of flags above 0"),
    "too many keypoints": ({"num_keypoints": 1e9}, "num_keypoints is not the number of flags above 0"),
    "crowd 7": ({"iscrowd": 7}, "iscrowd is not 0 or 1"),
    "crowd -1": ({"iscrowd": -1}, "iscrowd is not 0 or 1"),
    "half a crowd": ({"iscrowd": 0.5}, "iscrowd is not 0 or 1"),
    "crowd NaN": ({"iscrowd": float("nan")}, "iscrowd holds NaN"),
    "negative width": ({"bbox": [50, 20, -50, 90]}, "bbox has a negative width or height"),
    "no height": ({"bbox": [50, 20, 50, 0]}, "bbox has no width or no height"),
    "box outside": ({"bbox": [WIDTH + 5, 10, 30, 30]}, "bbox is outside its image"),
    "box far outside": ({"bbox": [1e9, 10, 30, 30]}, "bbox begins or ends at 5e+06 widths or heights of the image"),
    "box of another person": ({"bbox": [185, 2, 10, 10], "area": 60}, "keypoints: all of them are far from bbox"),
    "keypoints a gigapixel away": ({"keypoints": [1e9, 1e9, 2] * 17, "num_keypoints": 17}, "a labelled one is at"),
    "keypoints of truth values": ({"keypoints": [True, False, 2] * 17, "num_keypoints": 17}, "no number that fits"),
    "one point": ({"keypoints": [70, 60, 2] * 17, "num_keypoints": 17}, "all labelled ones are in one point"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_value_that_would_change_a_score_is_named_where_it_can_not_be(root, name):
    changes, message = NONSENSE[name]
    edit_annotations(root, "val", **changes)
    results = [{"image_id": 7, "category_id": 1, "keypoints": [50.0, 50.0, 1.0] * 17, "score": 0.5}]
    for read in (lambda: read_people(root, "val"), lambda: score(annotation_path(root, "val"), results)):
        with pytest.raises(InputError) as caught:
            read()
        text = str(caught.value)
        assert "sample 0: " in text and message in text and "(id 1)" in text and "\n" not in text


def test_every_wrong_person_is_counted_with_its_place(root):
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    for place in (1, 4, 6):
        content["annotations"][place]["iscrowd"] = 7
    content["annotations"][2]["area"] = -1
    path.write_text(json.dumps(content))
    with pytest.raises(WrongEntriesError) as caught:
        read_people(root, "train")
    assert [line.split("json: ")[1] for line in caught.value.problems] == [
        "sample 1: iscrowd is not 0 or 1 (id 11); so it is with 2 more: 4, 6",
        "sample 2: area is negative (id 21)",
    ]


def test_the_ranges_hold_real_people(realdata):
    for split in ("train", "val"):
        assert read_annotations(annotation_path(realdata("coco/coco_mini"), split))["annotations"]


def test_the_docs_name_the_ranges():
    text = (REPOSITORY / "docs/data/coco.md").read_text()
    for words, values in (
        ("whole numbers from {} to {} px", plausible.SIZE),
        ("begins and ends within {} to {} widths or heights", plausible.BOX_EDGE),
        ("`area` | {} to {} times that of the box", plausible.AREA),
        ("labelled keypoints | within {} to {} widths or heights", plausible.JOINT),
        ("`score` of a detection | {} to {} ", plausible.SCORE),
    ):
        assert words.format(f"{values.low:g}", f"{values.high:g}") in text
    for page in ("coco", "people", "imagenet"):
        text = (REPOSITORY / f"docs/data/{page}.md").read_text()
        assert all(suffix in text for suffix in SUFFIXES)


def test_images_listed_twice_are_dropped_and_told(root, capsys):
    people = read_people(root, "train")
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    content["images"] += content["images"][:2]
    path.write_text(json.dumps(content))
    again = read_people(root, "train")
    np.testing.assert_array_equal(again.boxes.boxes, people.boxes.boxes)
    assert "dropped 2 images that are listed twice" in capsys.readouterr().err


def test_a_crowd_may_be_true_or_false(root):
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    for entry in content["annotations"]:
        entry["iscrowd"] = bool(entry["iscrowd"])
    path.write_text(json.dumps(content))
    assert len(read_people(root, "train")) == 9


@pytest.mark.parametrize("tag", [3, 6])
def test_images_annotated_as_their_exif_tag_turns_them_are_refused(root, tag):
    exif = Image.Exif()
    exif[0x0112] = tag
    for path in (root / "val2017").iterdir():
        pixels = Image.open(path)
        turned = pixels.transpose(Image.Transpose.ROTATE_90) if tag == 6 else pixels
        turned.save(path, exif=exif)
    cause = f"annotated as turned by EXIF tag {tag}" if tag == 6 else "4 of 4 images, the first is 000000000007.jpg"
    for read in (lambda: read_people(root, "val"), lambda: read_detections(root)):
        with pytest.raises(InputError) as caught:
            read()
        assert cause in str(caught.value)


@pytest.mark.parametrize(
    "ids", [[20240131123456701 + n for n in range(4)], [2**63 + 4096, -5, 0, 3], [1.0, 2.0, 3.0, 4.0]]
)
def test_ids_are_whole_numbers_of_any_size(root, tmp_path, ids):
    """The same people, boxes and scores as with small ids in the same order."""
    path = annotation_path(root, "val")
    content, detections = json.loads(path.read_text()), json.loads((root / DETECTIONS).read_text())
    people, boxes = read_people(root, "val"), read_detections(root)
    shifted = people.joints + np.random.default_rng(0).normal(0, 3, people.joints.shape)

    def scored(image_ids):
        results = results_of(image_ids, shifted, np.ones((4, 17)), np.ones(4))
        write_predictions(tmp_path / "results.json", results)
        return score(path, read_predictions(tmp_path / "results.json", path))

    before = scored(people.boxes.image_ids)
    new = dict(zip(range(7, 11), sorted(ids), strict=True))
    for image in content["images"]:
        image["id"] = new[image["id"]]
    for n, entry in enumerate([*content["annotations"], *detections]):
        entry["image_id"] = new[entry["image_id"]]
        entry["id"] = n  # from 0 on, as some tools write them
    path.write_text(json.dumps(content))
    (root / DETECTIONS).write_text(json.dumps(detections))
    again = read_people(root, "val")
    assert again.boxes.image_ids.tolist() == sorted(ids) == read_detections(root).image_ids.tolist()
    np.testing.assert_array_equal(again.joints, people.joints)
    np.testing.assert_array_equal(read_detections(root).boxes, boxes.boxes)
    assert scored(again.boxes.image_ids) == before


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(root, name):
    damage, message = DAMAGES[name]
    damage(root)
    with pytest.raises(InputError) as caught:
        read_people(root, "train")
    text = str(caught.value)
    assert message in text and "docs/data/coco.md" in text and str(root) in text and "\n" not in text


def test_a_lost_picture_is_named_with_its_persons_place_in_the_file(root):
    """Entries are sorted when read, and some are left out: neither must show in the place."""
    path = annotation_path(root, "val")
    content = json.loads(path.read_text())
    content["annotations"].reverse()
    path.write_text(json.dumps(content))
    place = next(i for i, entry in enumerate(content["annotations"]) if entry["num_keypoints"])
    image_id = content["annotations"][place]["image_id"]
    detections = json.loads((root / DETECTIONS).read_text())
    box = next(box for box in detections if box["image_id"] == image_id)
    others = [entry for entry in detections if entry is not box]
    (root / DETECTIONS).write_text(json.dumps([{**box, "category_id": 3}, box, *others]))
    next((root / "val2017").glob(f"*{image_id}.jpg")).unlink()
    with pytest.raises(InputError, match=f"val2017.json: sample {place}\\)"):
        read_people(root, "val")
    with pytest.raises(InputError, match=r"_56_person.json: sample 1\)"):
        read_detections(root)


def test_a_detected_box_is_cropped_around_its_whole_extent(root):
    """25 x 80 px from (10, 20) grow to the input's 3:4, 60 x 80, and by a quarter around the centre (22.5, 60)."""
    path = root / DETECTIONS
    path.write_text(json.dumps([{**json.loads(path.read_text())[0], "bbox": [10, 20, 25, 80]}]))
    people = read_detections(root).people((192, 256), 1.25)
    np.testing.assert_allclose(people.centres, [[22.5, 60]])
    np.testing.assert_allclose(people.widths, [75])


def test_detections_as_text_and_of_pictures_without_a_name_are_named(root):
    path, boxes = root / DETECTIONS, json.loads((root / DETECTIONS).read_text())
    path.write_text(json.dumps([{**boxes[0], "score": "0.5"}]))
    with pytest.raises(InputError, match="sample 0: score is missing or no number"):
        read_detections(root)
    path.write_text(json.dumps(boxes))
    annotations = annotation_path(root, "val")
    content = json.loads(annotations.read_text())
    del content["images"][1]["file_name"]
    annotations.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"val2017\.json: sample 1: images: file_name is missing"):
        read_detections(root)


def test_a_picture_of_another_size_is_named(root):
    people = read_people(root, "val").boxes.people(SIZE, 1.25)
    path = people.folder / people.names[0]
    cv2.imwrite(str(path), np.zeros((50, 60, 3), np.uint8))
    error = PlainCrops(people, SIZE, batch_size=4)[0]
    assert isinstance(error, InputError) and f"{path}: 60x50 pixels, {WIDTH}x{HEIGHT} annotated" in str(error)
