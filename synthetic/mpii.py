"""Generated people in MPII's format: one or two in a picture, annotated as the published JSON files and gt_valid.mat.

Identities, and the textures they wear and live among, differ between train and valid. test.json holds valid's people
without their joints, as MPII doesn't publish those.
"""

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from downstream.mpii.files import ANNOTATIONS, GENERATED, SPLITS, TRUTH
from downstream.mpii.truth_variables import truth_variables
from liftedcl.files.atomic import write_json
from liftedcl.files.mat_file import write_mat
from synthetic.generation import Chunk, Labels, Plan, batches, write_jpeg
from synthetic.keypoints import MPII_MAP
from synthetic.people.body import HEAD, load_body
from synthetic.people.person import PosedPerson
from synthetic.recipes import GeneratedMpii
from synthetic.renderer.render import Frame
from synthetic.scene import Cast, Scene, identities, render_scene, sample_cast, sample_scene
from synthetic.textures.textures import TextureBank

_STREAM = 21
_SCENES = 2  # random stream of a split; the first two are its cast's
_SCENES_PER_CHUNK = 16
_MOST_PEOPLE = 2
_MOST_IDENTITIES = {"train": 240, "valid": 60}
_FIRST_IMAGE = {"train": 1, "valid": 1_000_001}
_LEAST_SHARE = 0.005
"""People who cover less of their picture are not annotated."""
_PELVIS, _THORAX, _NECK, _HEAD_TOP = 6, 7, 8, 9
_FIRST_PIXEL = 1.0
_PX_PER_SCALE = 200.0


def plan(recipe: GeneratedMpii) -> Plan:
    """Chunks of both splits."""
    counts = {"train": recipe.train_scenes, "valid": recipe.valid_scenes}
    chunks = [(split, *span) for split in SPLITS for span in batches(counts[split], _SCENES_PER_CHUNK)]
    return Plan("mpii", recipe, chunks, render_chunk, write_annotations, ("annot", "images"), GENERATED)


@functools.lru_cache(maxsize=2)
def _split_state(recipe: GeneratedMpii, split: str) -> tuple[Cast, TextureBank]:
    scenes = recipe.train_scenes if split == "train" else recipe.valid_scenes
    return sample_cast((recipe.seed, _STREAM, SPLITS.index(split)), identities(scenes, _MOST_IDENTITIES[split]))


def scene_at(recipe: GeneratedMpii, split: str, number: int) -> tuple[Scene, Frame]:
    """Scene ``number`` of a split and its picture."""
    cast, bank = _split_state(recipe, split)
    rng = np.random.default_rng([recipe.seed, _STREAM, SPLITS.index(split), _SCENES, number])
    scene = sample_scene(cast, bank, rng, width=recipe.width, height=recipe.height, most_people=_MOST_PEOPLE)
    return scene, render_scene(scene, rng)


def render_chunk(root: Path, recipe: GeneratedMpii, chunk: Chunk) -> Labels:
    """Write scenes [first, end) of a split; labels ``split``, ``files``, ``people``, ``head_boxes`` (paired)."""
    split, first, end = chunk
    files, people, head_boxes = [], [], []
    for number in range(first, end):
        scene, frame = scene_at(recipe, split, number)
        name = f"{_FIRST_IMAGE[split] + number:09d}.jpg"
        files.append(f"images/{name}")
        write_jpeg(root / files[-1], frame.image)
        digest = hashlib.sha256((root / files[-1]).read_bytes()).hexdigest()
        for entry, head_box in annotate(scene, frame):
            people.append({"image": name, "image_sha256": digest, **entry})
            head_boxes.append(head_box)
    return {"split": split, "files": files, "people": people, "head_boxes": head_boxes}


def annotate(scene: Scene, frame: Frame) -> list[tuple[dict[str, Any], list[list[float]]]]:
    """Entries of the people in a picture, each with its head box (corners). Coordinates are 1-based.

    As in MPII, joints are annotated wherever they are in the picture, hidden or not, and nobody is without a head.
    """
    annotated = []
    for number, person in enumerate(scene.people, start=1):
        projected = scene.camera.project(MPII_MAP @ person.landmarks)
        inside = (projected[:, 2] > 0.05) & (projected[:, :2] >= 0).all(axis=1)
        inside &= (projected[:, :2] <= (scene.camera.width - 1, scene.camera.height - 1)).all(axis=1)
        if np.mean(frame.instance == number) < _LEAST_SHARE or not inside[[_NECK, _HEAD_TOP]].all():
            continue
        joints = np.where(inside[:, None], projected[:, :2] + _FIRST_PIXEL, -1)
        entry = {
            # What MPII's annotators called the person's position lies in the middle of the trunk.
            "center": np.round(projected[[_PELVIS, _THORAX], :2].mean(axis=0) + _FIRST_PIXEL, 3).tolist(),
            "scale": round(_standing_height(person, scene, projected) / _PX_PER_SCALE, 6),
            "joints": np.round(joints, 3).tolist(),
            "joints_vis": inside.astype(int).tolist(),
        }
        annotated.append((entry, _head_box(person, scene)))
    return annotated


def _standing_height(person: PosedPerson, scene: Scene, projected: np.ndarray) -> float:
    """How many pixels the person would be tall if it stood upright where it is."""
    return float(np.ptp(person.person.body_vertices[:, 1])) * scene.camera.focal / projected[_PELVIS, 2]


def _head_box(person: PosedPerson, scene: Scene) -> list[list[float]]:
    """Corners of the box about the head's skin and the upper neck, which MPII's boxes reach down to."""
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
