"""Generated people in MPII's format: one or two in an image, annotated as in the published JSON files and gt_valid.mat.

Identities and textures differ between train and valid. test.json holds the people of valid without their joints,
because MPII doesn't publish those of its test set.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from downstream.mpii.truth_variables import truth_variables
from liftedcl.data_sets.mpii.files import ANNOTATIONS, GENERATED, SPLITS, TRUTH
from liftedcl.files.atomic import write_json
from liftedcl.files.mat_file import write_mat
from synthetic.generation import Chunk, Labels, Plan, write_jpeg
from synthetic.keypoints import MPII_MAP
from synthetic.people.body import HEAD, load_body
from synthetic.people.person import PosedPerson
from synthetic.recipes import GeneratedMpii
from synthetic.renderer.render import Frame
from synthetic.scene import Scene, SplitScenes, scene_chunks

SCENES = SplitScenes(stream=21, splits=SPLITS, most_people=2)
_FIRST_IMAGE = {"train": 1, "valid": 1_000_001}
_LEAST_SHARE = 0.005
"""People who cover less of their image are not annotated."""
_PELVIS, _THORAX, _NECK, _HEAD_TOP = 6, 7, 8, 9
_FIRST_PIXEL = 1.0
_PX_PER_SCALE = 200.0


def plan(recipe: GeneratedMpii) -> Plan:
    chunks = scene_chunks(recipe, SPLITS)
    return Plan("mpii", recipe, chunks, render_chunk, write_annotations, ("annot", "images"), GENERATED)


def render_chunk(root: Path, recipe: GeneratedMpii, chunk: Chunk) -> Labels:
    """Write scenes [first, end) of a split; labels ``split``, ``files``, ``people``, ``head_boxes`` (paired)."""
    split, first, end = chunk
    files, people, head_boxes = [], [], []
    for number in range(first, end):
        scene, frame = SCENES.at(recipe, split, number)
        name = f"{_FIRST_IMAGE[split] + number:09d}.jpg"
        files.append(f"images/{name}")
        write_jpeg(root / files[-1], frame.image)
        digest = hashlib.sha256((root / files[-1]).read_bytes()).hexdigest()
        for entry, head_box in annotate(scene, frame):
            people.append({"image": name, "image_sha256": digest, **entry})
            head_boxes.append(head_box)
    return {"split": split, "files": files, "people": people, "head_boxes": head_boxes}


def annotate(scene: Scene, frame: Frame) -> list[tuple[dict[str, Any], list[list[float]]]]:
    """Entries of the people in an image, each with its head box (corners). Coordinates are 1-based.

    As in MPII, all joints within the image are annotated, hidden or not, and every annotated person has a head there.
    """
    annotated = []
    for number, person in enumerate(scene.people, start=1):
        projected = scene.camera.project(MPII_MAP @ person.landmarks)
        inside = scene.camera.shows(projected)
        if np.mean(frame.instance == number) < _LEAST_SHARE or not inside[[_NECK, _HEAD_TOP]].all():
            continue
        joints = np.where(inside[:, None], projected[:, :2] + _FIRST_PIXEL, -1)
        # The person's height if it stood upright where it is.
        standing_px = float(np.ptp(person.person.body_vertices[:, 1])) * scene.camera.focal / projected[_PELVIS, 2]
        entry = {
            # MPII's annotators gave the middle of the trunk as a person's position.
            "center": np.round(projected[[_PELVIS, _THORAX], :2].mean(axis=0) + _FIRST_PIXEL, 3).tolist(),
            "scale": round(standing_px / _PX_PER_SCALE, 6),
            "joints": np.round(joints, 3).tolist(),
            "joints_vis": inside.astype(int).tolist(),
        }
        annotated.append((entry, _head_box(person, scene)))
    return annotated


def _head_box(person: PosedPerson, scene: Scene) -> list[list[float]]:
    """Corners of the box around the head's skin and the upper neck: MPII's boxes reach down that far."""
    head = person.vertices[: len(load_body().part)][load_body().part == HEAD]
    neck = (MPII_MAP @ person.landmarks)[_NECK]
    pixels = scene.camera.project(np.vstack([head, neck]))[:, :2] + _FIRST_PIXEL
    return np.round([pixels.min(axis=0), pixels.max(axis=0)], 3).tolist()


def write_annotations(root: Path, recipe: GeneratedMpii, labels: list[Labels]) -> None:
    """Write the four JSON files and gt_valid.mat; its people are valid.json's, in order."""
    people = {
        split: [entry for chunk in labels if chunk["split"] == split for entry in chunk["people"]] for split in SPLITS
    }
    head_boxes = [box for chunk in labels if chunk["split"] == "valid" for box in chunk["head_boxes"]]
    unlabelled = [{k: v for k, v in entry.items() if not k.startswith("joints")} for entry in people["valid"]]
    contents = (people["train"], people["valid"], people["train"] + people["valid"], unlabelled)
    for name, entries in zip(ANNOTATIONS.values(), contents, strict=True):
        write_json(root / name, entries)
    joints, visible = (np.array([entry[key] for entry in people["valid"]]) for key in ("joints", "joints_vis"))
    write_mat(root / TRUTH, truth_variables(joints, visible, np.array(head_boxes)))
