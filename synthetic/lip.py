"""Generated people in LIP's format: images of one person each with a map of twenty classes, and lists of ids.

An image is what a camera sees of a scene within one person's box; other people in it are background, as in LIP.
Image n shows class n modulo 20, so that the rarest classes (sunglasses are 0.06% of the pixels) are in both splits.
Identities and textures differ between train and val.
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
from synthetic.generation import Chunk, Labels, Plan, write_jpeg
from synthetic.people.garments import BACKGROUND, RIGHT_SHOE, label_vertices
from synthetic.people.person import Person, PosedPerson
from synthetic.recipes import GeneratedLip
from synthetic.renderer.camera import Camera
from synthetic.scene import Cast, Scene, render_scene, sample_scene, scene_chunks, scene_count
from synthetic.textures.textures import TextureBank

NUM_CLASSES = RIGHT_SHOE + 1
_STREAM = 71
_BANK, _CAST, _SCENES = range(3)
_FIRST_NUMBER = {"train": 1, "val": 500_001}
_IDENTITIES = 240
"""Enough for every garment to be worn by some of them, with any seed."""
_PADDING = (0.02, 0.12)
"""Least and most room on each side of a person, as a share of the box's longer side."""
_LEAST_PERSON = 0.005
"""Least share of the scene's pixels that show the person."""
_LEAST_CLASS = 0.002
"""Least share of the person's pixels that show the image's class."""


@dataclass(frozen=True)
class Portrait:
    """An image (H, W, 3) uint8 RGB of one ``person`` of a scene, and its ``labels`` (H, W) uint8, classes of LIP.

    The scene's camera is the one that sees exactly this image.
    """

    image: np.ndarray
    labels: np.ndarray
    scene: Scene
    person: PosedPerson


def plan(recipe: GeneratedLip) -> Plan:
    contents = (*(folder for split in SPLITS for folder in (PICTURES[split], LABELS[split])), *GENERATED)
    return Plan("lip", recipe, scene_chunks(recipe, SPLITS), render_chunk, write_lists, contents, GENERATED)


@functools.lru_cache(maxsize=2)
def _split_state(recipe: GeneratedLip, split: str) -> tuple[Cast, TextureBank]:
    key = (recipe.seed, _STREAM, SPLITS.index(split))
    bank = TextureBank((*key, _BANK), variants=int(np.clip(scene_count(recipe, split) // 60, 3, 12)))
    return Cast((*key, _CAST), _IDENTITIES, bank), bank


def portrait_at(recipe: GeneratedLip, split: str, number: int) -> Portrait:
    """Image ``number`` of a split; draws scenes until one shows a person with the image's class."""
    (cast, bank), wanted = _split_state(recipe, split), number % NUM_CLASSES
    for attempt in itertools.count():
        rng = np.random.default_rng([recipe.seed, _STREAM, SPLITS.index(split), _SCENES, number, attempt])
        size, most = {"width": recipe.width, "height": recipe.height}, recipe.most_people
        scene = sample_scene(cast, bank, rng, **size, facing=recipe.facing, most_people=most)
        wearers = [k for k, posed in enumerate(scene.people) if wanted in worn(posed.person)]
        views = {k: _view(scene.people[k], scene.camera, rng) for k in wearers}
        lead = max(views, key=lambda k: views[k].width * views[k].height, default=None)
        if lead is None or min(views[lead].width, views[lead].height) == 0:
            continue
        scene = replace(scene, camera=views[lead])
        frame = render_scene(scene, rng)
        labels = np.where(frame.instance == lead + 1, frame.label, np.uint8(BACKGROUND))
        pixels = np.bincount(labels.ravel(), minlength=NUM_CLASSES)
        person = pixels.sum() - pixels[BACKGROUND]
        if person >= _LEAST_PERSON * recipe.width * recipe.height and pixels[wanted] >= _LEAST_CLASS * person:
            return Portrait(frame.image, labels, scene, scene.people[lead])


def worn(person: Person) -> set[int]:
    """The classes anywhere on a person, visible or not, and background, which every image has."""
    mesh = person.mesh
    by_rule = label_vertices(mesh.canonical[mesh.faces[:, 0]], mesh.face_part, person.outfit[()])
    return {BACKGROUND, *np.where(mesh.face_label >= 0, mesh.face_label, by_rule).tolist()}


def _view(posed: PosedPerson, camera: Camera, rng: np.random.Generator) -> Camera:
    """The camera that only sees, and so only renders, the pixels of a person with some room around it."""
    points = camera.project(posed.vertices)[:, :2]
    low, high = points.min(0), points.max(0)
    room = rng.uniform(*_PADDING, (2, 2)) * (high - low).max()
    limit = camera.width, camera.height
    x, y = np.clip(np.floor(low - room[0]), 0, limit).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high + room[1]) + 1, 0, limit).astype(int).tolist()
    return camera._replace(cx=camera.cx - x, cy=camera.cy - y, width=right - x, height=bottom - y)


def render_chunk(root: Path, recipe: GeneratedLip, chunk: Chunk) -> Labels:
    """Write images [first, end) of a split and their label maps; labels ``split``, ``files``, ``names``."""
    split, first, end = chunk
    names, files = [], []
    for number in range(first, end):
        portrait = portrait_at(recipe, split, number)
        # Names change with the pixels: jobs that read a data set run again when its lists change.
        digest = hashlib.sha256(portrait.image.tobytes() + portrait.labels.tobytes()).hexdigest()
        name = f"{_FIRST_NUMBER[split] + number}_{int(digest[:8], 16) % 10**6:06d}"
        names.append(name)
        picture, label = image_path(root, split, name), label_path(root, split, name)
        files += [path.relative_to(root).as_posix() for path in (picture, label)]
        write_jpeg(picture, portrait.image)
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_bytes(cv2.imencode(".png", portrait.labels)[1].tobytes())
    return {"split": split, "files": files, "names": names}


def write_lists(root: Path, recipe: GeneratedLip, labels: list[Labels]) -> None:
    for split in SPLITS:
        names = [name for chunk in labels if chunk["split"] == split for name in chunk["names"]]
        write_text(list_path(root, split), "".join(f"{name}\n" for name in names))
