"""The COCO benchmark as a whole: on tiny and on real data it trains, predicts, scores itself and draws."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from tiny.coco import DOTTED, RECIPE, edit_annotations, write_tiny_coco

from downstream.coco.benchmark import BENCHMARK
from downstream.coco.drawings import augmented_samples, examples
from downstream.coco.reader import DETECTIONS, annotation_path, read_people
from downstream.coco.reference import reference_scores
from downstream.coco.scores import STATISTICS, score_run
from downstream.coco.task import CocoPose
from liftedcl.engine.loop import fit
from liftedcl.identity.errors import InputError
from liftedcl.networks.encoder import build_backbone

SIZE = (RECIPE.input_width, RECIPE.input_height)


def finetuned(root, out, recipe):
    torch.manual_seed(0)
    task = CocoPose(recipe, build_backbone("resnet18_narrow"), data=root, seed=0, workers=0)
    fit(task, folder=out, identity={}, seed=0, device=torch.device("cpu"), name="coco")
    return task


def test_real_people_train_and_are_scored(realdata, tmp_path):
    """On real pictures: a step, both files and their scores, the pictures."""
    source, root = realdata("coco/coco_mini"), tmp_path / "coco"
    root.mkdir()
    for name in ("annotations", "train2017", "val2017"):
        (root / name).symlink_to(source / name)
    people = read_people(root, "val").boxes
    corners = people.boxes[:, :2].tolist(), (people.boxes[:, 2:] - people.boxes[:, :2] + 1).tolist()
    boxes = [
        {"image_id": image_id, "category_id": 1, "bbox": [*corner, *extent], "score": 0.8}
        for image_id, corner, extent in zip(people.image_ids.tolist(), *corners, strict=True)
    ]
    (root / DETECTIONS).parent.mkdir()
    (root / DETECTIONS).write_text(json.dumps(boxes))
    recipe = dataclasses.replace(RECIPE, epochs=1, batch_size=43, loss="cross_entropy")
    finetuned(root, tmp_path, recipe).write_predictions(tmp_path)
    metrics = score_run(recipe, root, tmp_path)
    assert metrics["boxes"] == "detector" and metrics["samples"] == 68
    assert set(STATISTICS) <= metrics.keys() and set(STATISTICS) <= metrics["ground_truth_boxes"].keys()
    pictures = examples(recipe, root, tmp_path)
    assert pictures.shape == (12, 256, 192, 3) and pictures.dtype == np.uint8
    assert reference_scores(recipe, root).keys() == metrics.keys()
    assert len(BENCHMARK.fingerprints(recipe, root)) == 3


def test_detector_boxes_decide_where_to_look(tmp_path):
    """The headline comes of the detector's boxes, and a hopeless detector shows in it alone."""
    root = write_tiny_coco(tmp_path / "coco")
    boxes = json.loads((root / DETECTIONS).read_text())
    same = reference_scores(RECIPE, root)
    assert same["mean_oks"] == pytest.approx(same["ground_truth_boxes"]["mean_oks"], rel=0.05)
    for box in boxes:
        box["bbox"] = [0, 0, 8, 8]
    (root / DETECTIONS).write_text(json.dumps(boxes))
    lost = reference_scores(RECIPE, root)
    assert lost["mean_oks"] < 0.2 * same["mean_oks"] and lost["ground_truth_boxes"] == same["ground_truth_boxes"]


def test_targets_are_drawn_where_they_are(tmp_path):
    """With the right wrist alone labelled, its red disc covers the white dot; in a mirrored sample it is a blue one."""
    root = write_tiny_coco(tmp_path / "coco")
    path = annotation_path(root, "train")
    content = json.loads(path.read_text())
    for entry in content["annotations"]:
        keypoints = np.array(entry["keypoints"]).reshape(17, 3)
        keypoints[np.arange(17) != DOTTED] = 0
        entry["keypoints"], entry["num_keypoints"] = keypoints.ravel().tolist(), int((keypoints[:, 2] > 0).sum())
    path.write_text(json.dumps(content))
    count = len(read_people(root, "train"))
    recipe = dataclasses.replace(RECIPE, batch_size=count)
    plain = augmented_samples(recipe, data=write_tiny_coco(tmp_path / "same", detections=False), seed=0, count=1)
    drawn = augmented_samples(recipe, data=root, seed=0, count=count)
    assert plain.shape[1:] == drawn.shape[1:] == (256, 192, 3)
    red, blue = ((np.abs(drawn.astype(int) - colour) < 12).all(axis=3) for colour in ((214, 39, 40), (31, 119, 180)))
    white = (drawn > 170).all(axis=3)  # the dot is a little larger than the disc
    shown = 0
    for n in range(count):
        disc = red[n] | blue[n]
        assert not (red[n].any() and blue[n].any())
        if disc.sum() > 8 and white[n].sum() > 8:
            middle, ring = np.argwhere(disc).mean(axis=0), np.argwhere(white[n] | disc).mean(axis=0)
            assert np.abs(middle - ring).max() < 5  # of 256 px, where a px of the crop is 4
            shown += 1
    assert shown >= 3 and red.any() and blue.any()


def test_damage_ends_the_run_before_it_trains(tmp_path):
    root = write_tiny_coco(tmp_path / "coco")
    edit_annotations(root, "val", keypoints=[0] * 3)
    with pytest.raises(InputError, match=r"val2017\.json: sample 0: keypoints"):
        CocoPose(RECIPE, build_backbone("resnet18_narrow"), data=root, seed=0, workers=0)
    shutil.rmtree(root / "annotations")
    with pytest.raises(InputError, match="not found"):
        BENCHMARK.fingerprints(RECIPE, root)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_named(tmp_path, workers):
    root = write_tiny_coco(tmp_path / "coco")
    for path in (root / "train2017").iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # its header is whole
    task = CocoPose(RECIPE, build_backbone("resnet18_narrow"), data=root, seed=0, workers=workers)
    with pytest.raises(InputError, match=r"\.jpg: .*docs/data\.md"):
        next(task.batches(0, 0))
