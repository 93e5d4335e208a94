"""COCO 2017 as the 2D pose benchmark reads it: people with labelled keypoints, and a detector's person boxes. No torch.

liftedcl/data_sets/coco/files.py says what is on disk. Everything is checked when read, so that a run of hours doesn't
end at a bad sample.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.coco.annotations import PERSON, check_integers, file_names, read_annotations
from downstream.coco.keypoints import NAMES
from downstream.reading.annotation_entries import check_all, check_pictures, numbers
from downstream.samples.crop import widths_at_aspect
from downstream.samples.people import LabelledPeople, People
from liftedcl.data_sets.coco.files import DETECTIONS, REMEDY, annotation_path, image_folder
from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError


@dataclass(frozen=True)
class PersonBoxes:
    """N boxes of people, annotated or detected, sorted by image.

    Attributes:
        folder: of the images.
        names: image of each box.
        sizes: width and height of each image, (N, 2) int px.
        image_ids: (N,) int.
        boxes: (N, 4: x0, y0, x1, y1) px; pixel centres are whole numbers. As in the published code, an annotated box
            ends at its last pixel, and a detected one a pixel later.
        scores: (N,), 1 for annotated people.
    """

    folder: Path
    names: list[str]
    sizes: np.ndarray
    image_ids: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def people(self, size: tuple[int, int], scale: float) -> People:
        """Their crops: the boxes grown to the aspect of ``size`` (width, height), then scaled by ``scale``."""
        extents = np.maximum(self.boxes[:, 2:] - self.boxes[:, :2], 1)
        centres = (self.boxes[:, :2] + self.boxes[:, 2:]) / 2
        return People(self.folder, self.names, self.sizes, centres, widths_at_aspect(extents, size, scale))


@dataclass(frozen=True)
class AnnotatedPeople:
    """N people with at least one labelled keypoint; crowds are left out.

    Attributes:
        boxes: their annotated boxes, cut to the image.
        joints: (N, 17, 2) px, true where ``visible``.
        visible: (N, 17) bool: labelled, whether hidden in the image or not.
    """

    boxes: PersonBoxes
    joints: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)

    def labelled(self, size: tuple[int, int], scale: float) -> LabelledPeople:
        """As samples of a keypoint task; see `PersonBoxes.people`."""
        return LabelledPeople(self.boxes.people(size, scale), self.joints, self.visible)


def read_people(root: str | Path, split: str) -> AnnotatedPeople:
    """The annotated people of ``split``, to train on or to test in their own boxes.

    Crowds and people without area, without a labelled keypoint or with a box outside their image are left out.

    Raises:
        InputError: names the file and, where one entry is wrong, its place.
    """
    path = annotation_path(root, split)
    content = read_annotations(path)
    listed = content["annotations"]
    places = sorted(range(len(listed)), key=lambda i: (listed[i]["image_id"], listed[i]["id"]))
    people = [listed[i] for i in places]
    if not people:
        raise InputError(f"{path}: holds no person; {REMEDY}")
    images, pictures = {image["id"]: image for image in content["images"]}, file_names(content, path)
    keypoints = np.array([person["keypoints"] for person in people], dtype=np.float64).reshape(-1, len(NAMES), 3)
    visible = keypoints[..., 2] > 0
    sizes = np.array([[images[person["image_id"]][key] for key in ("width", "height")] for person in people], dtype=int)
    first = np.array([person["bbox"] for person in people], dtype=np.float64)
    boxes = np.concatenate([first[:, :2], first[:, :2] + np.maximum(first[:, 2:] - 1, 0)], axis=1)
    clipped = np.concatenate([np.maximum(boxes[:, :2], 0), np.minimum(boxes[:, 2:], sizes - 1)], axis=1)
    kept = np.array([not person["iscrowd"] and person["area"] > 0 for person in people]) & visible.any(axis=1)
    kept &= (clipped[:, 2:] >= clipped[:, :2]).all(axis=1)
    if not kept.any():
        raise InputError(f"{path}: holds no person with a labelled keypoint; {REMEDY}")
    chosen = [people[i] for i in np.flatnonzero(kept)]
    names = [pictures[person["image_id"]] for person in chosen]
    folder = image_folder(root, split)
    check_pictures(folder, names, path, REMEDY, [places[i] for i in np.flatnonzero(kept)])
    found = PersonBoxes(
        folder=folder,
        names=names,
        sizes=sizes[kept],
        image_ids=np.array([person["image_id"] for person in chosen]),
        boxes=clipped[kept],
        scores=np.ones(len(chosen)),
    )
    return AnnotatedPeople(found, keypoints[kept, :, :2], visible[kept])


def read_detections(root: str | Path) -> PersonBoxes | None:
    """The detector's person boxes in the val images; None where the file isn't there.

    Boxes are not cut to their image, as in the published code. Boxes in images that the annotations don't list are left
    out.

    Raises:
        InputError: as `read_people`, or because no box is left.
    """
    path, truth = Path(root) / DETECTIONS, annotation_path(root, "val")
    if not path.exists():
        return None
    content = read_annotations(truth)
    images, pictures = {image["id"]: image for image in content["images"]}, file_names(content, truth)
    detections = read_json(path, REMEDY)
    if not isinstance(detections, list) or not detections or not all(isinstance(entry, dict) for entry in detections):
        raise InputError(f"{path}: is not a list of detections; {REMEDY}")
    every_box = numbers(lambda i: detections[i]["bbox"], "bbox", (4,), len(detections), path, REMEDY)
    every_score = numbers(lambda i: detections[i]["score"], "score", (), len(detections), path, REMEDY)
    check_all((every_box[:, 2:] >= 0).all(axis=1), "bbox has a negative width or height", path, REMEDY)
    check_integers(detections, "image_id", path, REMEDY)
    kept = np.array([entry.get("category_id") == PERSON and entry["image_id"] in images for entry in detections])
    if not kept.any():
        raise InputError(f"{path}: holds no person in an image of {truth}; {REMEDY}")
    ids = np.array([entry["image_id"] for entry, wanted in zip(detections, kept, strict=True) if wanted])
    order = np.argsort(ids, kind="stable")
    ids, boxes, scores = ids[order], every_box[kept][order], every_score[kept][order]
    names = [pictures[image_id] for image_id in ids.tolist()]
    folder = image_folder(root, "val")
    check_pictures(folder, names, path, REMEDY, np.flatnonzero(kept)[order].tolist())
    sizes = np.array([[images[image_id][key] for key in ("width", "height")] for image_id in ids.tolist()], dtype=int)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return PersonBoxes(folder, names, sizes, ids, corners, scores)
