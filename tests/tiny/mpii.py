"""An MPII of a few dark noise pictures in the published layout: a white dot on every right wrist, two people a picture.

The dots are painted in 0-based pixels; the files count from 1, as MPII does.
"""

import json
from pathlib import Path

import cv2
import numpy as np
from tiny.augmentation import AUGMENTATION

from downstream.mpii.recipe import Mpii
from downstream.mpii.truth_variables import truth_variables
from liftedcl.files.mat_file import write_mat

WIDTH, HEIGHT = 160, 120
DOTTED = 10  # right wrist

RECIPE = Mpii(
    epochs=2,
    batch_size=4,
    learning_rate=1e-3,
    milestones=(1,),
    milestone_factor=0.1,
    input_width=64,
    input_height=64,
    box_scale=1.25,
    heatmap_stride=4,
    deconv_width=16,
    sigma=1.5,
    loss="mse_mean",
    flip_test=True,
    augmentation=AUGMENTATION,
)


def write_tiny_mpii(root: Path, *, train: int = 13, valid: int = 6) -> Path:
    """Write both splits below ``root``; returns ``root``."""
    _write_split(root, "train", train)
    people, boxes = _write_split(root, "valid", valid)
    joints, visible = (np.array([person[key] for person in people]) for key in ("joints", "joints_vis"))
    write_mat(root / "annot" / "gt_valid.mat", truth_variables(joints, visible, boxes))
    return root


def _write_split(root: Path, split: str, count: int) -> tuple[list[dict], np.ndarray]:
    """People of a split; person 2 is partly outside its picture, person 3 has two joints missing."""
    rng = np.random.default_rng(len(split))
    people, boxes = [], []
    (root / "images").mkdir(parents=True, exist_ok=True)
    for start in range(0, count, 2):
        name = f"{split}_{start:03d}.jpg"
        image = rng.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        for number in range(start, min(start + 2, count)):
            place = np.array([40 + 80 * (number - start), 60]) + rng.uniform(-4, 4, 2)
            if number == 2:
                place[0] = 4.0
            joints = place + rng.uniform(-22, 22, (16, 2))
            visible = np.ones(16, int)
            if number == 3:
                visible[[0, 4]] = 0
            cv2.circle(
                image, tuple(np.rint(joints[DOTTED] * 16).astype(int).tolist()), 32, (255,) * 3, -1, cv2.LINE_AA, 4
            )
            head = place + rng.uniform(-8, -4, 2)
            people.append(
                {
                    "image": name,
                    "center": (place + 1).tolist(),
                    "scale": float(rng.uniform(60, 70) / 200),
                    "joints": np.where(visible[:, None], joints + 1, -1).tolist(),
                    "joints_vis": visible.tolist(),
                }
            )
            boxes.append([head + 1, head + 1 + rng.uniform(14, 18, 2)])
        cv2.imwrite(str(root / "images" / name), image, [cv2.IMWRITE_JPEG_QUALITY, 98])
    path = root / "annot" / f"{split}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(people))
    return people, np.array(boxes)
