"""A COCO of a few noise pictures in the real on-disk format: one white dot marks each person's right wrist."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from downstream.coco.keypoints import NAMES
from downstream.coco.reader import DETECTIONS, annotation_path
from downstream.coco.recipe import Coco2D
from downstream.training.augmentation_recipe import AffineAugmentation

WIDTH, HEIGHT = 200, 150
DOTTED = NAMES.index("right_wrist")

RECIPE = Coco2D(
    input_width=48,
    input_height=64,
    epochs=3,
    batch_size=4,
    learning_rate=1e-3,
    milestones=(2,),
    milestone_factor=0.1,
    box_scale=1.25,
    heatmap_stride=4,
    deconv_width=16,
    sigma=1.0,
    loss="mse_mean",
    flip_test=True,
    augmentation=AffineAugmentation(
        scale_deviation=0.3,
        scale_limits=(0.7, 1.3),
        rotation_deviation=40.0,
        rotation_limit=80.0,
        rotation_probability=0.6,
        flip=0.5,
    ),
    keypoint_threshold=0.2,
    nms_similarity=0.9,
)


def write_tiny_coco(root: Path, *, train: int = 9, val: int = 4, detections: bool = True) -> Path:
    """Write both splits of ``train`` and ``val`` pictures with a person each below ``root``; returns ``root``.

    Every second crop reaches out of the picture; every third picture holds a crowd and somebody unlabelled too.
    """
    _write_split(root, "train", train)
    people = _write_split(root, "val", val)
    if detections:
        boxes = [{"image_id": p["image_id"], "category_id": 1, "bbox": p["bbox"], "score": 0.9} for p in people]
        path = root / DETECTIONS
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(boxes))
    return root


def edit_annotations(root: Path, split: str, **changes: Any) -> None:
    """Change entries of the first annotated person of ``split``."""
    path = annotation_path(root, split)
    content = json.loads(path.read_text())
    content["annotations"][0].update(changes)
    path.write_text(json.dumps(content))


def _write_split(root: Path, split: str, count: int) -> list[dict[str, Any]]:
    """Returns the people that a reader keeps."""
    rng = np.random.default_rng(len(split))
    images, people, others = [], [], []
    (root / f"{split}2017").mkdir(parents=True)
    (root / "annotations").mkdir(exist_ok=True)
    for i in range(count):
        image = {"id": 7 + i, "file_name": f"{7 + i:012d}.jpg", "width": WIDTH, "height": HEIGHT}
        joints = rng.uniform((40, 20), (110, 130), (17, 2)) + np.array([80 if i % 2 else 0, 0])
        inside = (joints >= 0).all(axis=1) & (joints <= (WIDTH - 1, HEIGHT - 1)).all(axis=1)
        flags = np.where(inside, rng.integers(1, 3, 17), 0)
        joints = np.where(flags[:, None] > 0, joints, 0).round(2)
        low, high = joints[flags > 0].min(axis=0) - 5, joints[flags > 0].max(axis=0) + 5
        picture = rng.integers(0, 90, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        if flags[DOTTED]:
            cv2.circle(
                picture, tuple(np.rint(joints[DOTTED] * 16).astype(int)), 64, (255, 255, 255), -1, cv2.LINE_AA, 4
            )
        cv2.imwrite(str(root / f"{split}2017" / image["file_name"]), picture)
        images.append(image)
        people.append(_person(10 * i + 1, image["id"], [*low, *(high - low)], np.column_stack([joints, flags])))
        if i % 3 == 0:
            nothing = np.zeros((17, 3))
            others.append(_person(10 * i + 2, image["id"], [5, 5, 90, 60], nothing) | {"iscrowd": 1})
            others.append(_person(10 * i + 3, image["id"], [100, 20, 40, 60], nothing))
    content = {"images": images, "annotations": [*people, *others], "categories": [{"id": 1, "name": "person"}]}
    annotation_path(root, split).write_text(json.dumps(content))
    return people


def _person(number: int, image_id: int, box: list[float], keypoints: np.ndarray) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "area": float(box[2] * box[3]) / 2,
        "bbox": [float(value) for value in box],
        "keypoints": keypoints.ravel().tolist(),
        "num_keypoints": int((keypoints[:, 2] > 0).sum()),
        "segmentation": [],
    }
