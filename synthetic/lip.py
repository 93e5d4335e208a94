"""Generated people in LIP's format: pictures of one person each with a map of twenty classes, and lists of ids.

A picture is what a camera sees of a scene within one person's box; other people in it are background, as in LIP.
Picture n shows class n modulo 20, so that the rarest ones (sunglasses are 0.06% of the pixels) occur in every split.
Identities, and the textures they wear and live among, differ between train and val.
"""

import functools
import hashlib
import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from downstream.lip.files import GENERATED, LABELS, PICTURES, SPLITS, image_path, label_path, list_path
from liftedcl.files.atomic import write_text
from synthetic.generation import Chunk, Labels, Plan, batches, write_jpeg
from synthetic.people.garments import BACKGROUND, RIGHT_SHOE, label_vertices
from synthetic.people.person import Person, PosedPerson
from synthetic.recipes import GeneratedLip
from synthetic.renderer.camera import Camera
from synthetic.scene import Cast, Scene, render_scene, sample_scene
from synthetic.textures.textures import TextureBank

NUM_CLASSES = RIGHT_SHOE + 1
_STREAM = 71
_BANK, _CAST, _SCENES = range(3)
_SCENES_PER_CHUNK = 16
_FIRST_NUMBER = {"train": 1, "val": 500_001}
_IDENTITIES = 240
"""So many that some of them wear each garment, whatever the seed."""
_PADDING = (0.02, 0.12)
"""Least and most room on each side of a person, of the box's longer side."""
_LEAST_PERSON = 0.005
"""Least share of the scene's pixels that show the person."""
_LEAST_CLASS = 0.002
"""Least share of the person's pixels that show the class which the picture is drawn for."""


@dataclass(frozen=True)
class Portrait:
    """A picture of one person of a scene.

    ``image`` (H, W, 3) uint8 RGB, ``labels`` (H, W) uint8 LIP classes; ``scene`` seen by the camera of this very
    picture; ``person`` is the one that is labelled.
    """

    image: np.ndarray
    labels: np.ndarray
    scene: Scene
    person: PosedPerson


def plan(recipe: GeneratedLip) -> Plan:
    """Chunks of both splits."""
    counts = {"train": recipe.train_scenes, "val": recipe.val_scenes}
    chunks = [(split, *span) for split in SPLITS for span in batches(counts[split], _SCENES_PER_CHUNK)]
    contents = (*(folder for split in SPLITS for folder in (PICTURES[split], LABELS[split])), *GENERATED)
    return Plan("lip", recipe, chunks, render_chunk, write_lists, contents, GENERATED)


@functools.lru_cache(maxsize=2)
def _split_state(recipe: GeneratedLip, split: str) -> tuple[Cast, TextureBank]:
    key = (recipe.seed, _STREAM, SPLITS.index(split))
    scenes = recipe.train_scenes if split == "train" else recipe.val_scenes
    bank = TextureBank((*key, _BANK), variants=int(np.clip(scenes // 60, 3, 12)))
    return Cast((*key, _CAST), _IDENTITIES, bank), bank


def portrait_at(recipe: GeneratedLip, split: str, number: int) -> Portrait:
    """Picture ``number`` of a split: scenes are drawn until one shows somebody with the class it is meant to show."""
    attempts = (_attempt(recipe, split, number, attempt) for attempt in itertools.count())
    return next(portrait for portrait in attempts if portrait is not None)


def _attempt(recipe: GeneratedLip, split: str, number: int, attempt: int) -> Portrait | None:
    cast, bank = _split_state(recipe, split)
    wanted = number % NUM_CLASSES
    rng = np.random.default_rng([recipe.seed, _STREAM, SPLITS.index(split), _SCENES, number, attempt])
    scene = sample_scene(cast, bank, rng, width=recipe.width, height=recipe.height)
    boxes = {k: _box(posed, scene.camera, rng) for k, posed in enumerate(scene.people) if wanted in worn(posed.person)}
    lead = max(boxes, key=lambda k: np.prod(boxes[k][2:]), default=None)
    if lead is None or min(boxes[lead][2:]) == 0:
        return None
    scene = replace(scene, camera=_window(scene.camera, boxes[lead]))
    frame = render_scene(scene, rng)
    labels = np.where(frame.instance == lead + 1, frame.label, np.uint8(BACKGROUND))
    pixels = np.bincount(labels.ravel(), minlength=NUM_CLASSES)
    person = pixels.sum() - pixels[BACKGROUND]
    if person < _LEAST_PERSON * recipe.width * recipe.height or pixels[wanted] < _LEAST_CLASS * person:
        return None
    return Portrait(frame.image, labels, scene, scene.people[lead])


def worn(person: Person) -> set[int]:
    """Classes somewhere on a person, seen or not; background, which is beside everybody, among them."""
    mesh = person.mesh
    by_rule = label_vertices(mesh.canonical[mesh.faces[:, 0]], mesh.face_part, person.outfit[()])
    return {BACKGROUND, *np.where(mesh.face_label >= 0, mesh.face_label, by_rule).tolist()}


def _box(posed: PosedPerson, camera: Camera, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """x, y, width, height in whole pixels of a person with some room about it, cut to the camera's picture."""
    points = camera.project(posed.vertices)[:, :2]
    low, high = points.min(0), points.max(0)
    room = rng.uniform(*_PADDING, (2, 2)) * (high - low).max()
    limit = camera.width, camera.height
    first = np.clip(np.floor(low - room[0]), 0, limit).astype(int)
    end = np.clip(np.ceil(high + room[1]) + 1, 0, limit).astype(int)
    width, height = end - first
    return int(first[0]), int(first[1]), int(width), int(height)


def _window(camera: Camera, box: tuple[int, int, int, int]) -> Camera:
    """The camera that sees the pixels of ``box`` and no others, so that no others are rendered."""
    x, y, width, height = box
    return camera._replace(cx=camera.cx - x, cy=camera.cy - y, width=width, height=height)


def render_chunk(root: Path, recipe: GeneratedLip, chunk: Chunk) -> Labels:
    """Write pictures [first, end) of a split and their label maps; labels ``split``, ``files``, ``names``."""
    split, first, end = chunk
    names, files = [], []
    for number in range(first, end):
        portrait = portrait_at(recipe, split, number)
        # Other pixels, other names: what reads a data set is made again when its lists change.
        digest = hashlib.sha256(portrait.image.tobytes() + portrait.labels.tobytes()).hexdigest()
        name = f"{_FIRST_NUMBER[split] + number}_{int(digest[:8], 16) % 10**6:06d}"
        names.append(name)
        picture, label = image_path(root, split, name), label_path(root, split, name)
        files += [path.relative_to(root).as_posix() for path in (picture, label)]
        write_jpeg(picture, portrait.image)
        _write_labels(label, portrait.labels)
    return {"split": split, "files": files, "names": names}


def _write_labels(path: Path, labels: np.ndarray) -> None:
    """Write classes (H, W) uint8 as an 8-bit grey PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", labels)[1].tobytes())


def write_lists(root: Path, recipe: GeneratedLip, labels: list[Labels]) -> None:
    """Write the lists of ids."""
    for split in SPLITS:
        names = [name for chunk in labels if chunk["split"] == split for name in chunk["names"]]
        write_text(list_path(root, split), "".join(f"{name}\n" for name in names))
