"""COCO 2017 as the 2D pose benchmark reads it: people with labelled keypoints, and a detector's person boxes. No torch.

liftedcl/data_sets/coco/files.py says what is on disk. Everything is checked when read, so that a run of hours doesn't
end at a bad sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from downstream.coco.annotations import PERSON, file_names, read_annotations, whole_ids
from downstream.coco.keypoints import NAMES
from downstream.coco.plausible import SCORE, judge_boxes, meets
from downstream.reading.entries import Entries
from downstream.samples.crop import widths_at_aspect
from downstream.samples.people import LabelledPeople, People
from liftedcl.data_sets.coco.files import DETECTIONS, REMEDY, annotation_path, image_folder
from liftedcl.files.atomic import read_json
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.files.image_header import TOLERATED_SHARE, BrokenImageError, TurnEvidence, read_header
from liftedcl.identity.errors import InputError

_MEASURED = 200
"""Images whose headers are read before a run begins; a run reads the others as it goes on."""


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

    Crowds and people without a labelled keypoint are left out.

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
    kept = np.array([not person["iscrowd"] for person in people]) & visible.any(axis=1)
    if not kept.any():
        raise InputError(f"{path}: holds no person with a labelled keypoint; {REMEDY}")
    chosen = np.flatnonzero(kept)
    names = [pictures[people[i]["image_id"]] for i in chosen]
    folder = image_folder(root, split)
    check_pictures(folder, names, sizes[kept], path, [places[i] for i in chosen])
    found = PersonBoxes(
        folder=folder,
        names=names,
        sizes=sizes[kept],
        image_ids=_id_array([people[i]["image_id"] for i in chosen]),
        boxes=clipped[kept],
        scores=np.ones(len(chosen)),
    )
    return AnnotatedPeople(found, keypoints[kept, :, :2], visible[kept])


def read_detections(root: str | Path) -> PersonBoxes | None:
    """As `detected_boxes`, whose images are there in the annotated sizes, as far as `check_pictures` looks."""
    detected = detected_boxes(root)
    if detected is None:
        return None
    boxes, places = detected
    check_pictures(boxes.folder, boxes.names, boxes.sizes, Path(root) / DETECTIONS, places)
    return boxes


def detected_boxes(root: str | Path) -> tuple[PersonBoxes, list[int]] | None:
    """The detector's person boxes in the val images, and their places; None where the file isn't there.

    Boxes are not cut to their image, as in the published code. Boxes of other categories and those in images that the
    annotations don't list are left out.

    Raises:
        InputError: as `read_people`, or because no box is left.
    """
    path, truth = Path(root) / DETECTIONS, annotation_path(root, "val")
    if not path.exists():
        return None
    content = read_annotations(truth)
    images, pictures = {image["id"]: image for image in content["images"]}, file_names(content, truth)
    listed = read_json(path, REMEDY)
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, dict) for entry in listed):
        raise InputError(f"{path}: is not a list of detections; {REMEDY}")
    entries = Entries(path, REMEDY, range(len(listed)))
    every_id, every_category = (whole_ids(listed, key, entries) for key in ("image_id", "category_id"))
    every_box = entries.numbers(lambda i: listed[i]["bbox"], "bbox", (4,))
    every_score = entries.numbers(lambda i: listed[i]["score"], "score")
    entries.within("score is", every_score, SCORE)
    entries.finish()
    person = [category == PERSON for category in every_category]
    kept = np.array([here and image_id in images for here, image_id in zip(person, every_id, strict=True)])
    if not kept.any():
        raise InputError(
            f"{path}: holds no person in an image of {truth}: of {len(listed):,} boxes {sum(person):,} are of category "
            f"{PERSON}, and {sum(image_id in images for image_id in every_id):,} in one of its images; {REMEDY}"
        )
    places = sorted(np.flatnonzero(kept).tolist(), key=every_id.__getitem__)  # of one image in the order of the file
    ids, boxes, scores = [every_id[i] for i in places], every_box[places], every_score[places]
    sizes = np.array([[images[image_id][key] for key in ("width", "height")] for image_id in ids], dtype=int)
    entries = Entries(path, REMEDY, places)
    judge_boxes(entries, boxes, sizes)
    unusable = ~meets(boxes, sizes) | (boxes[:, 2:] == 0).any(axis=1)
    if unusable.sum() > TOLERATED_SHARE * len(boxes):
        entries.check(~unusable, f"bbox has no area or is outside its image, as more than {TOLERATED_SHARE:.0%} have")
    entries.finish()
    names = [pictures[image_id] for image_id in ids]
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return PersonBoxes(image_folder(root, "val"), names, sizes, _id_array(ids), corners, scores), places


def check_pictures(
    folder: Path, names: list[str], sizes: np.ndarray, path: Path, places: Sequence[int], most: int = _MEASURED
) -> str | None:
    """Check that the images of N entries of ``path`` are there, and that ``most`` of them have the annotated sizes.

    Args:
        names: of the images, below ``folder``.
        sizes: annotated width and height (N, 2) px.
        places: of the entries in the file.

    Returns:
        A line about a few images that may be annotated as an EXIF tag turns them; None without any.

    Raises:
        WrongEntriesError: what is wrong with which of them.
        InputError: EXIF tags turn images whose annotations may be of the turned ones, see `TurnEvidence`.
    """
    entries = Entries(path, REMEDY, places, names)
    entries.pictures(folder)
    good, turns = np.flatnonzero(entries.good), TurnEvidence()
    chosen = good[evenly_spread(len(good), most)] if len(good) else good
    wrong: dict[str, tuple[str, list[int]]] = {}  # kind of fault -> its first message, and who has it
    for n in chosen:
        try:
            header = read_header(folder / names[n])
            header.check_size(folder / names[n], *sizes[n].tolist())
            turns.see(names[n], header)
        except BrokenImageError as error:
            text = str(error)
            kind = text.partition(" annotated")[2] or text  # without the sizes
            wrong.setdefault(kind, (text, []))[1].append(n)
    for problem, rows in wrong.values():
        entries.check(~np.isin(np.arange(len(names)), rows), problem)
    entries.finish()
    return turns.check(len(chosen), path)


def _id_array(ids: list[int]) -> np.ndarray:
    """Ids (N,) as integers, exactly: as Python's, where some don't fit into 64 bits."""
    fit = all(-(2**63) <= value < 2**63 for value in ids)
    return np.array(ids, dtype=np.int64 if fit else object)
