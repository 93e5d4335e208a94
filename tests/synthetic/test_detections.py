"""The generated detector's boxes: near most people, with misses, doubles and false alarms; a seed decides them."""

import numpy as np

from synthetic.coco import detections
from synthetic.recipes import GeneratedCoco

RECIPE = GeneratedCoco(seed=0, facing=180, train_scenes=1, val_scenes=200, width=640, height=480)
IMAGES = [{"id": 1_000_001 + n, "width": 640, "height": 480} for n in range(200)]
PEOPLE = [
    {"image_id": image["id"], "bbox": [100 + 200 * k, 60, 120, 300]} for image in IMAGES for k in range(image["id"] % 3)
]


def overlap(first, second):
    """Intersection over union of two boxes x, y, width, height."""
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    low = np.maximum(first[:2], second[:2])
    high = np.minimum(first[:2] + first[2:], second[:2] + second[2:])
    shared = np.maximum(high - low, 0).prod()
    return shared / (first[2:].prod() + second[2:].prod() - shared)


def test_what_a_detector_finds():
    found = detections(RECIPE, IMAGES, PEOPLE)
    assert found == detections(RECIPE, IMAGES, PEOPLE)
    for entry in found:
        x, y, width, height = entry["bbox"]
        assert x >= 0 and y >= 0 and width >= 1 and height >= 1 and x + width <= 640.01 and y + height <= 480.01
        assert entry["category_id"] == 1 and 0 < entry["score"] <= 1
    best = [
        max((overlap(person["bbox"], box["bbox"]) for box in found if box["image_id"] == person["image_id"]), default=0)
        for person in PEOPLE
    ]
    assert 0.9 < np.mean(np.array(best) > 0.6) < 1
    assert len(found) > len(PEOPLE) and {box["image_id"] for box in found} - {p["image_id"] for p in PEOPLE}


def test_boxes_of_a_picture_do_not_depend_on_the_others():
    few = detections(RECIPE, IMAGES[:5], [person for person in PEOPLE if person["image_id"] < IMAGES[5]["id"]])
    assert few == detections(RECIPE, IMAGES, PEOPLE)[: len(few)]
