"""COCO's numbers: pycocotools' to the last digit, known values, and people who are alike."""

import copy
import json
import sys

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from tiny.coco import RECIPE, write_tiny_coco

from benchmarks import evaluate_coco
from downstream.coco.__main__ import main
from downstream.coco.keypoints import OKS_SIGMAS
from downstream.coco.reader import annotation_path, read_people
from downstream.coco.rescoring import oks_nms, rescored
from downstream.coco.results import read_predictions, results_of, write_predictions
from downstream.coco.scores import STATISTICS, score, score_content, score_run
from downstream.coco.task import CocoPose
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.networks.encoder import build_backbone


def cli(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["downstream.coco", *map(str, words)])
    main()


def scored_by_command(monkeypatch, annotations, predictions, out):
    cli(monkeypatch, "evaluate", "--annotations", annotations, "--predictions", predictions, "--out", out)
    return json.loads(out.read_text())


def pycocotools(annotations, results):
    truth = COCO(str(annotations))
    evaluation = COCOeval(truth, truth.loadRes(copy.deepcopy(results)), "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats


def test_pycocotools_on_real_annotations_with_crowds(realdata, tmp_path, monkeypatch, capsys):
    """Ground truth with noise, people whom nobody annotated and people who are predicted twice."""
    annotations = annotation_path(realdata("coco/coco_mini"), "val")
    content = json.loads(annotations.read_text())
    assert any(entry["iscrowd"] for entry in content["annotations"])
    assert any(entry["num_keypoints"] == 0 for entry in content["annotations"])
    rng = np.random.default_rng(0)
    results = []
    for entry in content["annotations"]:
        for noise in (0.02, 0.1)[: rng.integers(1, 3)]:
            keypoints = np.array(entry["keypoints"], dtype=float).reshape(17, 3)
            keypoints[:, :2] += rng.normal(0, noise * max(entry["bbox"][2:]), (17, 2))
            results += results_of(
                np.array([entry["image_id"]]), keypoints[None, :, :2], np.ones((1, 17)), rng.random(1)
            )
    write_predictions(tmp_path / "predictions.json", results)
    found = scored_by_command(monkeypatch, annotations, tmp_path / "predictions.json", tmp_path / "scores.json")
    assert capsys.readouterr().out.startswith("ap ")  # pycocotools' own words are held back
    expected = pycocotools(annotations, json.loads((tmp_path / "predictions.json").read_text()))
    assert 10 < found["ap"] < 90
    np.testing.assert_array_equal([found[name] for name in STATISTICS], 100 * expected)


@pytest.mark.parametrize("seed", range(6))
def test_pycocotools_on_random_people_and_results(seed):
    """Equal scores, people who are exactly alike, crowds, nobody, and more than 20 results in an image."""
    content, results = evaluate_coco.random_content(np.random.default_rng(seed), images=1 + 8 * seed)
    found = score_content(content, results)
    assert [found[name] for name in STATISTICS] == evaluate_coco.pycocotools(content, results)


def test_the_published_pair(realdata, tmp_path, monkeypatch):
    pair = realdata("coco/kp_img139099")
    found = scored_by_command(monkeypatch, pair / "gt_dataset.json", pair / "dt_dataset.json", tmp_path / "scores.json")
    assert round(found["ap"] / 100, 6) == 0.504884


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tiny_coco(tmp_path_factory.mktemp("tiny") / "coco")


def scored(root, out, shift=0.0):
    """The whole path with a predictor that knows the truth, off by ``shift`` of the OKS unit in x."""
    annotated, entries = read_people(root, "val"), json.loads(annotation_path(root, "val").read_text())["annotations"]
    truth = dict(zip(annotated.boxes.names, annotated.joints, strict=True))
    areas = {entry["image_id"]: entry["area"] for entry in entries[:4]}
    ids = dict(zip(annotated.boxes.names, annotated.boxes.image_ids.tolist(), strict=True))

    def predict(people, offset):
        joints = np.stack([truth[name] for name in people.names])
        units = np.array([np.sqrt(areas[ids[name]]) for name in people.names])[:, None] * 2 * OKS_SIGMAS
        return joints + np.stack([shift * units, 0 * units], axis=2), np.ones(joints.shape[:2])

    task = CocoPose(RECIPE, build_backbone("resnet18_narrow"), data=root, seed=0, workers=0)
    task.predict = predict
    task.write_predictions(out)
    return score_run(RECIPE, root, out)


@pytest.mark.parametrize(("shift", "ap"), [(0.0, 100), (0.6, 70)])
def test_shifted_predictions_lose_the_exact_amount(root, tmp_path, monkeypatch, shift, ap):
    """A shift of d units of OKS's own length gives exp(-d^2 / 2): 0.835 at d = 0.6, so 7 of the 10 thresholds hold.

    In both kinds of boxes, and once more by the command from the written files.
    """
    metrics = scored(root, tmp_path, shift)
    assert metrics["boxes"] == "detector" and metrics["samples"] == 4
    for name, scores in (("predictions", metrics), ("predictions_gt_boxes", metrics["ground_truth_boxes"])):
        assert scores["mean_oks"] == pytest.approx(100 * np.exp(-(shift**2) / 2), abs=0.01)
        assert scores["ap"] == pytest.approx(ap) and scores["ar"] == pytest.approx(ap)
        assert scores["ap50"] == scores["ap75"] == pytest.approx(100)
        again = scored_by_command(
            monkeypatch, annotation_path(root, "val"), tmp_path / f"{name}.json", tmp_path / "scores.json"
        )
        assert again == {key: scores[key] for key in again}


def test_without_detections_annotated_boxes_are_the_headline(tmp_path):
    root = write_tiny_coco(tmp_path / "coco", detections=False)
    metrics = scored(root, tmp_path)
    assert metrics["boxes"] == "ground_truth" and metrics["ap"] == pytest.approx(100)
    assert (tmp_path / "predictions.json").exists() and "ground_truth_boxes" not in metrics


def test_nobody_found_scores_nothing(root, tmp_path):
    scores = score(annotation_path(root, "val"), [])
    assert scores["ap"] == scores["ar"] == scores["mean_oks"] == 0


def test_a_missed_picture_counts(root):
    """All images of the annotations are evaluated, not only those with predictions."""
    people = read_people(root, "val")
    results = results_of(people.boxes.image_ids, people.joints, np.ones((4, 17)), np.ones(4))
    assert score(annotation_path(root, "val"), results[:2])["ar"] == pytest.approx(50)


def test_rescoring():
    confidences = np.array([[0.9, 0.5, 0.1], [0.2, 0.1, 0.0]])
    np.testing.assert_allclose(rescored(np.array([0.5, 1.0]), confidences, 0.2), [0.5 * 0.7, 0.0])


def slow_oks_nms(joints, scores, areas, image_ids, threshold):
    kept = np.zeros(len(scores), dtype=bool)
    for n in sorted(range(len(scores)), key=lambda n: (-scores[n], n)):
        alike = False
        for other in np.flatnonzero(kept & (image_ids == image_ids[n])):
            parts = []
            for joint in range(17):
                distance = ((joints[n, joint] - joints[other, joint]) ** 2).sum()
                variance = (2 * OKS_SIGMAS[joint]) ** 2
                parts.append(np.exp(-distance / variance / ((areas[n] + areas[other]) / 2) / 2))
            alike |= np.mean(parts) > threshold
        kept[n] = not alike
    return kept


def test_oks_nms_is_the_greedy_loop():
    rng = np.random.default_rng(0)
    image_ids = np.sort(rng.integers(0, 6, 80))
    joints = rng.integers(0, 3, (80, 1, 2)) * 40 + rng.normal(0, 1, (80, 17, 2)) * rng.integers(1, 6, (80, 1, 1))
    scores, areas = rng.random(80).round(1), rng.uniform(9000, 16000, 80)
    kept = oks_nms(joints, scores, areas, image_ids, 0.9)
    np.testing.assert_array_equal(kept, slow_oks_nms(joints, scores, areas, image_ids, 0.9))
    assert 10 < kept.sum() < 70


def test_keys_that_do_not_count_change_nothing(root, tmp_path, monkeypatch):
    """pycocotools takes entries for captions, boxes or masks by their keys, and fails on keypoints with a caption."""
    annotations, path = annotation_path(root, "val"), tmp_path / "predictions.json"
    people = read_people(root, "val")
    results = results_of(people.boxes.image_ids, people.joints, np.ones((4, 17)), np.ones(4))
    path.write_text(json.dumps([{**entry, "caption": "a person", "segmentation": [], "id": 3} for entry in results]))
    assert read_predictions(path, annotations) == results
    assert scored_by_command(monkeypatch, annotations, path, tmp_path / "scores.json")["ap"] == pytest.approx(100)


def test_boxes_decide_who_is_of_medium_size_as_in_pycocotools(root, tmp_path, monkeypatch):
    """Whoever is found where nobody is costs medium people precision, unless a box says that it is somebody large."""
    annotations, path = annotation_path(root, "val"), tmp_path / "predictions.json"
    people = read_people(root, "val")
    joints = np.concatenate([people.joints, people.joints - 500])
    results = results_of(np.tile(people.boxes.image_ids, 2), joints, np.ones((8, 17)), np.array([0.5] * 4 + [0.9] * 4))
    found = []
    for extent in (None, 50, 300):
        written = [entry if extent is None else {**entry, "bbox": [0, 0, extent, extent]} for entry in results]
        path.write_text(json.dumps(written))
        scores = scored_by_command(monkeypatch, annotations, path, tmp_path / "scores.json")
        expected = dict(zip(STATISTICS, 100 * pycocotools(annotations, written), strict=True))
        assert all(scores[name] == expected[name] for name in ("ap", "ap_m", "ar", "ar_m"))
        found.append(scores["ap_m"])
    assert found[0] == found[1] < 60 and found[2] == pytest.approx(100)


def test_bad_predictions_are_named(root, tmp_path, monkeypatch, capsys):
    annotations, path = annotation_path(root, "val"), tmp_path / "predictions.json"
    good = {"image_id": 7, "category_id": 1, "keypoints": [1.0] * 51, "score": 0.5}
    nan = [*good["keypoints"][:-1], float("nan")]
    for entry, message in (
        ({**good, "keypoints": nan}, "sample 1: keypoints holds NaN"),
        ({**good, "keypoints": [1.0] * 34}, "not (51,)"),
        ({**good, "keypoints": ["7", *good["keypoints"][1:]]}, "sample 1: keypoints is missing or no number"),
        ({**good, "score": "0.5"}, "sample 1: score is missing or no number"),
        ({**good, "category_id": 2}, "sample 1: category_id is not 1, person"),
        ({**good, "category_id": 1.5}, "sample 1: category_id is not 1, person"),
        ({**good, "image_id": 4711}, "sample 1: image_id is not the id of an image"),
        ({**good, "image_id": "7"}, "image_id is not an integer"),
        ({key: value for key, value in good.items() if key != "score"}, "sample 1: score is missing"),
    ):
        path.write_text(json.dumps([good, entry]))
        with pytest.raises(InputError, match=r"predictions\.json: ") as caught:
            read_predictions(path, annotations)
        assert message in str(caught.value)
    for scale, message in ((40, "100% of all keypoints are beyond their images"), (1 / 200, "are from 0 to 1")):
        keypoints = [value * scale for value in [20.0, 60.0, 1.0] * 17]
        path.write_text(json.dumps([{**good, "keypoints": keypoints}] * 3))
        with pytest.raises(InputError, match=message):
            read_predictions(path, annotations)
    path.write_text(json.dumps([{**good, "bbox": [1, 2, -3, 4]}]))
    with pytest.raises(InputError, match="sample 0: bbox has a negative width"):
        read_predictions(path, annotations)
    path.write_text(json.dumps([{**good, "bbox": [1, 2, 3, 4]}, good]))
    with pytest.raises(InputError, match="sample 1: bbox is missing"):
        read_predictions(path, annotations)
    path.write_text(json.dumps([good])[:-5])
    with pytest.raises(SystemExit) as stopped:
        run_cli(lambda: cli(monkeypatch, "evaluate", "--annotations", annotations, "--predictions", path))
    lines = capsys.readouterr().err.strip().splitlines()
    assert stopped.value.code == 2 and len(lines) == 1 and "not valid JSON" in lines[0]


def test_check_says_what_is_there(root, tmp_path, monkeypatch, capsys):
    cli(monkeypatch, "check", "--data", root)
    text = capsys.readouterr().out
    assert "the official release has 149,813" in text and "4 read" in text and "complete, though not" in text
    with pytest.raises(SystemExit):
        cli(monkeypatch, "check", "--data", tmp_path)
    assert "train2017.json: not found" in capsys.readouterr().out


def test_check_counts_without_the_pictures_and_tells_each_fault_once(tmp_path, monkeypatch, capsys):
    root = write_tiny_coco(tmp_path / "coco")
    (root / "val2017").rename(root / "elsewhere")
    with pytest.raises(SystemExit):
        cli(monkeypatch, "check", "--data", root)
    told = capsys.readouterr().out
    assert "val2017.json: images: 4," in told and "val2017.json: people: 8," in told  # 4, 2 crowds and 2 unlabelled
    assert "9 read" in told and told.count("val2017: not found") == 1


def test_check_looks_at_the_rest_after_a_damaged_file(tmp_path, monkeypatch, capsys):
    root = write_tiny_coco(tmp_path / "coco")
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    del content["images"][2]["file_name"]
    path.write_text(json.dumps(content))
    with pytest.raises(SystemExit):
        cli(monkeypatch, "check", "--data", root)
    told = capsys.readouterr().out
    assert "train2017.json: people: 15," in told and told.count("sample 2: images: file_name is missing") == 1
    assert "4 read" in told and "56_person.json: boxes: 4" in told


def test_check_counts_all_that_is_wrong_with_ids_and_places(tmp_path, monkeypatch, capsys):
    root = write_tiny_coco(tmp_path / "coco")
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    for place in (0, 2):
        content["annotations"][place]["area"] = -1
    content["annotations"][5]["keypoints"] = "none"
    for place in (3, 6, 7):
        (root / "train2017" / content["images"][place]["file_name"]).unlink()
    for place in (1, 8):
        cv2.imwrite(str(root / "train2017" / content["images"][place]["file_name"]), np.zeros((75, 100, 3), np.uint8))
    path.write_text(json.dumps(content))
    with pytest.raises(SystemExit):
        cli(monkeypatch, "check", "--data", root)
    told = capsys.readouterr().out
    for line in (
        "sample 0: area is negative (id 1); so it is with 1 more: 2",
        "sample 5: keypoints is missing or no number that fits (id 51)",
        "train2017.json: images: 9,",
        "train2017: pictures: 6,",
        "not found (" + str(path) + ": sample 3; so it is with 2 more: 6, 7)",
        "sample 1: 100x75 pixels, 200x150 annotated: the images were resized",
        "so it is with 1 more: 8",
        "val2017.json: people: 8,",
        "56_person.json: boxes: 4",
    ):
        assert line in told, line


@pytest.mark.parametrize("value", [0, "120", None])
def test_check_goes_on_where_no_image_has_a_size(tmp_path, monkeypatch, capsys, value):
    root = write_tiny_coco(tmp_path / "coco")
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    content["images"] = [{**image, "width": value} for image in content["images"]]
    path.write_text(json.dumps(content))
    with pytest.raises(SystemExit):
        cli(monkeypatch, "check", "--data", root)
    told = capsys.readouterr().out
    assert "sample 0: images: width" in told and "so it is with 8 more" in told and "lists no image with" in told
    assert "val2017.json: people: 8," in told


@pytest.mark.parametrize("name", ["a.JPG", "b.jpeg", "c.PNG", "camera 1/d.png"])
def test_check_counts_images_of_every_accepted_name(tmp_path, monkeypatch, capsys, name):
    root = write_tiny_coco(tmp_path / "coco")
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    image = content["images"][0]
    pixels = cv2.imread(str(root / "train2017" / image["file_name"]))
    (root / "train2017" / image["file_name"]).unlink()
    image["file_name"] = name
    (root / "train2017" / name).parent.mkdir(exist_ok=True)
    cv2.imwrite(str(root / "train2017" / name), pixels)
    path.write_text(json.dumps(content))
    cli(monkeypatch, "check", "--data", root)
    assert "train2017: pictures: 9," in capsys.readouterr().out


def test_scoring_needs_no_file_names(tmp_path):
    root = write_tiny_coco(tmp_path / "coco")
    people, path = read_people(root, "val"), annotation_path(root, "val")
    content = json.loads(path.read_text())
    for image in content["images"]:
        del image["file_name"]
    path.write_text(json.dumps(content))
    results = results_of(people.boxes.image_ids, people.joints, np.ones((4, 17)), np.ones(4))
    assert score(path, results)["ap"] == pytest.approx(100)
