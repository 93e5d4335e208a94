"""COCO from a network's heatmaps to the evaluate command: perfect ones score perfectly, others lose what is known."""

import dataclasses
import json
import sys

import numpy as np
import pytest
import torch
from tiny.coco import DOTTED, RECIPE, WIDTH, write_tiny_coco
from torch import nn

from downstream.coco.__main__ import main
from downstream.coco.keypoints import MIRRORED, OKS_SIGMAS
from downstream.coco.reader import DETECTIONS, annotation_path, read_detections, read_people
from downstream.coco.scores import score_run
from downstream.coco.task import CocoPose
from downstream.samples.crop import apply_affine, crop_matrices
from liftedcl.networks.encoder import build_backbone

SIZE = (192, 256)  # at the tiny recipe's 48 x 64 a cell would be more than the eyes may lie off
STRIDE = 2  # px a cell of the heatmaps


class Oracle(nn.Module):
    """Answers with heatmaps of given joints, of each batch of crops, then of its mirror image; a call has both.

    Args:
        answers: joints (B, 17, 2) in px of the images of each call.
        stride: pixels of the image a cell.

    Attributes:
        seen: the images of each call.
    """

    def __init__(self, answers: list[np.ndarray], stride: int) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.answers, self.stride, self.seen = answers, stride, []

    def forward(self, images):
        return torch.cat([self.answered(half) for half in images.chunk(2)])

    def answered(self, images):
        cells = self.answers[len(self.seen)] / self.stride
        self.seen.append(images.numpy())
        across, down = (
            np.exp(-((np.arange(length // self.stride) - cells[..., axis, None]) ** 2) / 8)
            for axis, length in enumerate(SIZE)
        )
        return torch.from_numpy(down[..., :, None] * across[..., None, :]).float()


@pytest.fixture
def root(tmp_path):
    """Boxes reach out of their pictures on all sides, and the detector finds everybody twice, the better box first."""
    root = write_tiny_coco(tmp_path / "coco")
    path = annotation_path(root, "val")
    content = json.loads(path.read_text())
    for entry in content["annotations"][:4]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [-30, y, x + width + 30, height] if x < 90 else [x, y, WIDTH + 30 - x, height]
    path.write_text(json.dumps(content))
    found = json.loads((root / DETECTIONS).read_text())
    boxes = []
    for box in found:
        x, y, width, height = box["bbox"]
        boxes += [
            {**box, "bbox": [x - 60, y - 40, width + 60, height + 40]},
            {**box, "bbox": [x, y, WIDTH + 60 - x, height + 40], "score": 0.5},
        ]
    (root / DETECTIONS).write_text(json.dumps(boxes))
    return root


def by_command(monkeypatch, root, predictions, out):
    words = ("--annotations", annotation_path(root, "val"), "--predictions", predictions, "--out", out)
    monkeypatch.setattr(sys, "argv", ["downstream.coco", "evaluate", *map(str, words)])
    main()
    return json.loads(out.read_text())


ALL, FACE = list(range(17)), list(range(5))


@pytest.mark.parametrize(
    ("moved", "units", "ap", "oks"), [(ALL, 0, 100, 1), (ALL, 0.6, 70, np.exp(-0.18)), (FACE, 8, 50, 12 / 17)]
)
def test_the_whole_way_from_heatmaps_to_the_command(root, tmp_path, monkeypatch, capsys, moved, units, ap, oks):
    """Crops, heatmaps, flip test, decoding, the way back, suppression, files, command.

    A joint that lies off by d of OKS's own lengths counts exp(-d^2 / 2). All of them 0.6 off leave 0.835, so 7 of the
    10 thresholds hold; the face's 5 lost leave 0.706, so 5 hold.
    """
    recipe = dataclasses.replace(RECIPE, input_width=SIZE[0], input_height=SIZE[1], heatmap_stride=STRIDE)
    benchmark = CocoPose(recipe, build_backbone("resnet18_narrow"), data=root, seed=0, workers=0)
    annotated, stride = read_people(root, "val"), benchmark.module.stride
    entries = {entry["id"]: entry for entry in json.loads(annotation_path(root, "val").read_text())["annotations"]}
    areas = np.array([entries[number]["area"] for number in (1, 11, 21, 31)])
    joints = annotated.joints.copy()
    joints[:, moved, 1] -= units * np.sqrt(areas)[:, None] * 2 * OKS_SIGMAS[moved]
    answers, dots, cells = [], [], []
    for boxes in (annotated.boxes, read_detections(root)):
        people = boxes.people(SIZE, recipe.box_scale)
        rows = np.searchsorted(annotated.boxes.image_ids, boxes.image_ids)
        half = people.widths[:, None] / 2 * (1, SIZE[1] / SIZE[0])
        outside = np.concatenate([people.centres < half, people.centres + half > boxes.sizes], axis=1)
        assert outside.any(axis=0).all()  # each side is somebody's
        for batch in np.split(np.arange(len(boxes)), len(boxes) // recipe.batch_size):
            for flips in (np.zeros(len(batch), bool), np.ones(len(batch), bool)):
                matrices = crop_matrices(people.centres[batch], people.widths[batch], size=SIZE, flips=flips)
                placed = apply_affine(matrices, joints[rows[batch]])
                answers.append(placed[:, MIRRORED] if flips.any() else placed)
                dots.append(apply_affine(matrices, annotated.joints[rows[batch]])[:, DOTTED])
        cells.append((people.widths / SIZE[0] * stride).max())
    benchmark.module = Oracle(answers, stride)
    benchmark.write_predictions(tmp_path)
    metrics = score_run(recipe, root, tmp_path)
    for images, places in zip(benchmark.module.seen, dots, strict=True):
        for image, (x, y) in zip(images, places.round().astype(int), strict=True):
            assert image[:, y, x].min() > 1.5 and image.mean() < 0  # white where the crop is said to show the wrist
    assert metrics["boxes"] == "detector" and metrics["samples"] == 4
    files = {"predictions_gt_boxes": metrics["ground_truth_boxes"], "predictions": metrics}
    for (name, scores), cell in zip(files.items(), cells, strict=True):
        path = tmp_path / f"{name}.json"
        results = json.loads(path.read_text())
        assert [entry["image_id"] for entry in results] == annotated.boxes.image_ids.tolist()  # each once
        found = np.array([entry["keypoints"] for entry in results]).reshape(4, 17, 3)[..., :2]
        if moved == ALL:  # a lost face lies outside some crops
            assert np.abs(found - joints).max() < 0.5 * cell
        assert scores["ap"] == scores["ar"] == pytest.approx(ap)
        assert scores["mean_oks"] == pytest.approx(100 * oks, abs=0.6)
        again = by_command(monkeypatch, root, path, tmp_path / "scores.json")
        assert again == {key: scores[key] for key in again}
        assert f"ap {ap:.2f}" in capsys.readouterr().out
