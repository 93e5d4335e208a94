"""COCO's ten keypoint numbers of random results: ours and pycocotools' own, both from content that is read already.

There are as many people an image, and results, as in val2017 and the person boxes that are usually detected there: 2.2
and 21, some of them crowds, without keypoints, or predicted several times.
"""

import contextlib
import copy
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchmarks.runner import OURS, PUBLISHED, Case, Variant, timed
from downstream.coco.scores import STATISTICS, score_content

CORES = 1

_GOAL = 3.7  # what a library in C++ reaches


def cases(smoke: bool) -> Iterator[Case]:
    images = 20 if smoke else 1000
    content, results = random_content(np.random.default_rng(0), images)

    def check() -> None:
        ours, theirs = score_content(content, results), pycocotools(content, results)
        assert [ours[name] for name in STATISTICS] == theirs, f"{ours} differs from {theirs}"

    yield Case(
        name=f"COCO's keypoint scores, {len(results):,} results in {images:,} images",
        variants=[
            Variant(OURS, "all images at once", timed(lambda: score_content(content, results))),
            Variant(PUBLISHED, "pycocotools", timed(lambda: pycocotools(content, results))),
        ],
        items=len(results),
        unit="results",
        check=check,
        goal=_GOAL,
        note="all ten numbers are the same bits",
    )


def pycocotools(content: dict[str, Any], results: list[dict[str, Any]]) -> list[float | None]:
    """`STATISTICS` in percent."""
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        # It writes into both; a shallow copy of each row is enough.
        evaluation = COCOeval(truth, truth.loadRes([copy.copy(result) for result in results]), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [None if value < 0 else 100 * float(value) for value in evaluation.stats]


def random_content(rng: np.random.Generator, images: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An annotation file's content and results. Some people, and some results, are exactly alike."""
    people: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        mine: list[np.ndarray] = []
        for _ in range(min(rng.geometric(1 / 3.2) - 1, 15)):
            height = np.clip(rng.lognormal(np.log(120), 0.8), 12, 470)
            width = height * rng.uniform(0.3, 0.9)
            corner = rng.uniform(0, 1, 2) * (640 - width, 480 - height)
            seen = rng.integers(0, 3, 17) * (rng.random() > 0.15)
            joints = (corner + rng.uniform(0, 1, (17, 2)) * (width, height)).round()
            keypoints = np.concatenate([joints, seen[:, None]], axis=1) * (seen > 0)[:, None]
            if mine and rng.random() < 0.05:
                keypoints = np.concatenate([mine[-1], keypoints[:, 2:]], axis=1)
            crowd = int(rng.random() < 0.03)
            people.append(
                {"id": len(people) + 1, "image_id": image, "category_id": 1, "iscrowd": crowd}
                | {"bbox": [*corner.tolist(), float(width), float(height)], "area": float(0.6 * width * height)}
                | {"num_keypoints": int((seen > 0).sum()) * (1 - crowd), "keypoints": keypoints.ravel().tolist()}
            )
            mine.append(keypoints[:, :2])
        for _ in range(rng.poisson(21)):
            joints = rng.uniform(0, 470, (17, 2))
            if mine and rng.random() < 0.5:
                joints = mine[rng.integers(len(mine))] + rng.choice([0.0, 3.0, 12.0]) * rng.normal(size=(17, 2))
            keypoints = np.concatenate([joints.round(3), np.ones((17, 1))], axis=1)
            results.append(
                {"image_id": image, "category_id": 1, "keypoints": keypoints.ravel().tolist()}
                | {"score": round(rng.random(), 2)}  # several are equal
            )
    listed = [{"id": image, "width": 640, "height": 480} for image in range(1, images + 1)]
    return {"images": listed, "annotations": people, "categories": [{"id": 1, "name": "person"}]}, results
