"""Generated people in COCO's format: images with the annotations person_keypoints and instances, in the layout of the
official zips, and what a person detector might find in the val images.

Identities and textures differ between train and val.
"""

from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle

from liftedcl.data_sets.coco.files import DETECTIONS, GENERATED, INSTANCES, PEOPLE, SPLITS
from liftedcl.files.atomic import write_json
from synthetic.generation import Chunk, Labels, Plan, pictures_digest, write_jpeg
from synthetic.keypoints import COCO_MAP, COCO_NAMES, COCO_SKELETON, coco_visibility
from synthetic.recipes import GeneratedCoco
from synthetic.renderer.render import Frame
from synthetic.scene import Scene, SplitScenes, scene_chunks

SCENES = SplitScenes(stream=11, splits=SPLITS)
_DETECTOR = 3  # its random stream; the scenes use others
_FIRST_IMAGE_ID = {"train": 1, "val": 1_000_001}
_PEOPLE_PER_IMAGE = 10
_LEAST_AREA = 400
"""People with fewer visible pixels are not annotated: COCO's annotators leave out specks, too."""

_FOUND, _FOUND_TWICE, _FALSE_ALARMS = 0.97, 0.15, 0.7
"""Share of people that the detector finds, share of these with a second box, false boxes an image."""


def plan(recipe: GeneratedCoco) -> Plan:
    contents = ("annotations", "train2017", "val2017", Path(DETECTIONS).parent.name)
    return Plan("coco", recipe, scene_chunks(recipe, SPLITS), render_chunk, write_annotations, contents, GENERATED)


def render_chunk(root: Path, recipe: GeneratedCoco, chunk: Chunk) -> Labels:
    """Write scenes [first, end) of a split; labels ``split``, ``files``, ``images``, ``annotations``."""
    split, first, end = chunk
    images, annotations = [], []
    for number in range(first, end):
        scene, frame = SCENES.at(recipe, split, number)
        image_id = _FIRST_IMAGE_ID[split] + number
        image = {"id": image_id, "file_name": f"{image_id:012d}.jpg", "width": recipe.width, "height": recipe.height}
        write_jpeg(root / f"{split}2017" / image["file_name"], frame.image)
        images.append(image)
        annotations += annotate(scene, frame, image_id)
    files = [f"{split}2017/{image['file_name']}" for image in images]
    return {"split": split, "files": files, "images": images, "annotations": annotations}


def annotate(scene: Scene, frame: Frame, image_id: int) -> list[dict[str, Any]]:
    """COCO annotations of the people in an image, each with keypoints and segmentation."""
    annotations = []
    for number, person in enumerate(scene.people, start=1):
        mask = frame.instance == number
        area = int(mask.sum())
        if area < _LEAST_AREA:
            continue
        projected = scene.camera.project(COCO_MAP @ person.landmarks)
        visible = coco_visibility(projected, frame.instance, frame.part, frame.depth, number)
        keypoints: list[float] = []
        for (x, y, _), flag in zip(projected.tolist(), visible.tolist(), strict=True):
            keypoints += [round(x, 2), round(y, 2), flag] if flag else [0, 0, 0]
        encoded = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
        annotations.append(
            {
                "id": image_id * _PEOPLE_PER_IMAGE + number,
                "image_id": image_id,
                "category_id": 1,
                "iscrowd": 0,
                "segmentation": {"size": list(mask.shape), "counts": encoded["counts"].decode()},
                "area": area,
                "bbox": mask_box(mask),
                "keypoints": keypoints,
                "num_keypoints": int((visible > 0).sum()),
            }
        )
    return annotations


def mask_box(mask: np.ndarray) -> list[int]:
    """x, y, width, height of the pixels of a mask (H, W) that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    return [int(columns[0]), int(rows[0]), int(width), int(height)]


def write_annotations(root: Path, recipe: GeneratedCoco, labels: list[Labels]) -> None:
    """Write the four annotation files and the detector's boxes."""
    person = {"id": 1, "name": "person", "supercategory": "person"}
    with_keypoints = person | {"keypoints": COCO_NAMES, "skeleton": COCO_SKELETON}
    for split in SPLITS:
        chunks = [chunk for chunk in labels if chunk["split"] == split]
        images = [image for chunk in chunks for image in chunk["images"]]
        people = [entry for chunk in chunks for entry in chunk["annotations"]]
        instances = [{k: v for k, v in entry.items() if "keypoints" not in k} for entry in people]
        for name, entries, category in (
            (PEOPLE[split], people, with_keypoints),
            (INSTANCES[split], instances, person),
        ):
            write_json(
                root / name,
                {
                    "info": {"description": "generated people", "pictures": pictures_digest(chunks)},
                    "licenses": [],
                    "images": images,
                    "annotations": entries,
                    "categories": [category],
                },
            )
        if split == "val":
            write_json(root / DETECTIONS, detections(recipe, images, people))


def detections(
    recipe: GeneratedCoco, images: list[dict[str, Any]], people: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Boxes in COCO's format as a person detector finds them: a little off, some missing, some double, some false."""
    found = []
    for image in images:
        # A generator for each image, so that its boxes don't depend on how many images there are.
        rng = np.random.default_rng([recipe.seed, SCENES.stream, _DETECTOR, image["id"]])
        for person in (entry for entry in people if entry["image_id"] == image["id"]):
            first, second, third = rng.random(3)
            if first < _FOUND:
                found.append(_detection(image, person["bbox"], 0.04, 1 - 0.4 * third**2, rng))
                if second < _FOUND_TWICE:
                    found.append(_detection(image, person["bbox"], 0.12, 0.7 - 0.4 * third, rng))
        for _ in range(rng.poisson(_FALSE_ALARMS)):
            size = rng.uniform(0.08, 0.5, 2) * (image["width"], image["height"])
            corner = rng.random(2) * ((image["width"], image["height"]) - size)
            found.append(_detection(image, [*corner, *size], 0.0, rng.uniform(0.02, 0.4), rng))
    return found


def _detection(
    image: dict[str, Any], box: list[float], jitter: float, score: float, rng: np.random.Generator
) -> dict[str, Any]:
    """A box x, y, width, height whose corners are off by ``jitter`` of its size, within the image."""
    low, size = np.array(box[:2]), np.array(box[2:])
    corners = np.array([low, low + size]) + jitter * size * rng.normal(size=(2, 2))
    low, high = np.clip(corners, 0, (image["width"], image["height"]))
    values = [*low, *np.maximum(high - low, 1)]
    box = [round(float(value), 2) for value in values]
    return {"image_id": image["id"], "category_id": 1, "bbox": box, "score": round(float(score), 4)}
