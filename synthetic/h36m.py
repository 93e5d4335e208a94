"""Generated people in Human3.6M's formats: seven subjects, fifteen actions, two takes, four cameras in one hall.

The same images are annotated twice, as the 3D benchmark (JSON) and the 2D benchmark (pickle) each expect. Their part
labels are in .mat files like the official ones, and as the parsing benchmark's images; depth maps are beside those.
"""

import collections
import functools
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downstream.h36m.parsing.frame_list import write_list
from downstream.h36m.shared.names import CAMERAS
from liftedcl.data_sets.h36m.files import GENERATED, JOINTS, POSES, SUBJECTS
from liftedcl.data_sets.h36m.parsing_files import PARSING
from liftedcl.files.atomic import atomic_path, write_json
from synthetic.coco import mask_box
from synthetic.generation import Chunk, Labels, Plan, pictures_digest, write_jpeg
from synthetic.h36m_parsing import Seen, write_view
from synthetic.keypoints import H36M_MAP
from synthetic.part_labels import part_labels
from synthetic.people.person import Person, PosedPerson, sample_person, stand
from synthetic.people.pose import sample_motion
from synthetic.recipes import GeneratedH36M
from synthetic.renderer.camera import Camera, four_around
from synthetic.renderer.environment import Environment, laboratory
from synthetic.renderer.render import render, render_background
from synthetic.renderer.shading import Lit
from synthetic.scene import seat_under
from synthetic.textures.textures import TextureBank

WORLD_FROM_SCENE = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Human3.6M's world has z up; ours has y up."""
_STREAM = 31
_BANK, _HALL, _CAMERAS, _PEOPLE, _TAKES, _FRAMES = range(6)
_FRAMES_PER_KEY_POSE = 8
_NOISE = 2.0
_BOX_LEFT_MM, _BOX_RIGHT_MM, _BOX_UP_MM, _BOX_DOWN_MM = -1000.0, 1000.0, -900.0, 1100.0
"""The 2D benchmark's person box, from the root and at its depth."""


@dataclass(frozen=True)
class Action:
    """The stances and arms of `pose.py` that an action is made of."""

    name: str
    stances: tuple[str, ...]
    arms: tuple[str, ...]


ACTIONS = {
    2: Action("Directions", ("stand",), ("forward", "side")),
    3: Action("Discussion", ("stand", "step"), ("forward", "wave", "fold")),
    4: Action("Eating", ("sit",), ("fold", "phone")),
    5: Action("Greeting", ("stand", "step"), ("wave", "up")),
    6: Action("Phoning", ("stand", "step"), ("phone", "down")),
    7: Action("Posing", ("stand", "wide"), ("hip", "up")),
    8: Action("Purchases", ("step", "crouch"), ("reach_down", "carry")),
    9: Action("Sitting", ("sit", "cross"), ("down", "fold")),
    10: Action("SittingDown", ("crouch", "kneel"), ("down", "reach_down")),
    11: Action("Smoking", ("stand", "sit"), ("phone", "down")),
    12: Action("Photo", ("stand", "lunge"), ("carry", "phone")),
    13: Action("Waiting", ("stand", "wide"), ("down", "hip")),
    14: Action("Walking", ("step",), ("swing_forward", "swing_back")),
    15: Action("WalkDog", ("step", "crouch"), ("swing_forward", "carry")),
    16: Action("WalkTogether", ("step",), ("swing_forward", "swing_back")),
}


def plan(recipe: GeneratedH36M) -> Plan:
    """One chunk a subject and action."""
    chunks = [(subject, action) for subject in SUBJECTS["train"] + SUBJECTS["test"] for action in ACTIONS]
    folders = ("annotations", "annot", "images", "parsing", *(f"S{subject}" for subject, _ in chunks[:: len(ACTIONS)]))
    return Plan("h36m", recipe, chunks, render_chunk, write_annotations, folders, (*GENERATED, *PARSING.values()))


def rig(recipe: GeneratedH36M, subject: int) -> list[Camera]:
    """The four cameras, in places that differ a little between subjects, as in Human3.6M."""
    places = four_around(np.random.default_rng([recipe.seed, _STREAM, _CAMERAS, subject]), 1.3, 1.7)
    size = recipe.image_size
    return [Camera(*place, 1.145 * size, 0.512 * size, 0.508 * size, size, size) for place in places]


@functools.lru_cache(maxsize=1)
def _hall(recipe: GeneratedH36M) -> Environment:
    bank = TextureBank((recipe.seed, _STREAM, _BANK), variants=4)
    return laboratory(bank, np.random.default_rng([recipe.seed, _STREAM, _HALL]))


@functools.lru_cache(maxsize=1)
def _backgrounds(recipe: GeneratedH36M, subject: int) -> list[Lit]:
    return [render_background(_hall(recipe), camera) for camera in rig(recipe, subject)]


@functools.lru_cache(maxsize=1)
def person_of(recipe: GeneratedH36M, subject: int) -> Person:
    """The person who is a subject; each has textures of its own and wears trousers."""
    bank = TextureBank((recipe.seed, _STREAM, _BANK, subject), variants=4)
    return sample_person(bank, np.random.default_rng([recipe.seed, _STREAM, _PEOPLE, subject]), trousers=True)


def take(recipe: GeneratedH36M, subject: int, action: int, subaction: int) -> list[PosedPerson]:
    """The person in each frame of a take."""
    frames = recipe.frames_per_take
    motion = sample_motion(
        np.random.default_rng([recipe.seed, _STREAM, _TAKES, subject, action, subaction]),
        stances=ACTIONS[action].stances,
        arms=ACTIONS[action].arms,
        key_poses=max(2, frames // _FRAMES_PER_KEY_POSE + 2),
        range_m=0.55,
    )
    person = person_of(recipe, subject)
    return [stand(person, *motion.at(frame / frames)) for frame in range(frames)]


def render_chunk(root: Path, recipe: GeneratedH36M, chunk: Chunk) -> Labels:
    """Write both takes of a subject's action; labels ``subject``, ``files``, ``images`` and their ``annotations``."""
    subject, action = chunk
    cameras, backgrounds = rig(recipe, subject), _backgrounds(recipe, subject)
    images, annotations = [], []
    views: dict[tuple[int, int], list[Seen]] = collections.defaultdict(list)
    for subaction in (1, 2):
        for frame, person in enumerate(take(recipe, subject, action, subaction)):
            key = [recipe.seed, _STREAM, _FRAMES, subject, action, subaction, frame]
            seat = seat_under(person, np.random.default_rng(key[:-1]))
            for number, (camera, background) in enumerate(zip(cameras, backgrounds, strict=True), start=1):
                rng = np.random.default_rng([*key, number])
                picture = render([person], seat, _hall(recipe), camera, rng, background=background, noise=_NOISE)
                take_number = ((subject * 17 + action) * 2 + subaction - 1) * 4 + number - 1
                image_id = take_number * recipe.frames_per_take + frame
                take_name = f"s_{subject:02d}_act_{action:02d}_subact_{subaction:02d}_ca_{number:02d}"
                file_name = f"{take_name}/{take_name}_{frame + 1:06d}.jpg"
                write_jpeg(root / "images" / file_name, picture.image)
                labels = part_labels(picture, person, camera)
                depth = np.where(picture.instance == 1, picture.depth, 0)  # as NTU RGB+D's masked maps: no background
                views[subaction, number].append((file_name.removesuffix(".jpg"), labels, depth))
                images.append(
                    {
                        "id": image_id,
                        "file_name": file_name,
                        "width": recipe.image_size,
                        "height": recipe.image_size,
                        "subject": subject,
                        "action_name": ACTIONS[action].name,
                        "action_idx": action,
                        "subaction_idx": subaction,
                        "cam_idx": number,
                        "frame_idx": frame,
                    }
                )
                annotations.append(_annotation(person, camera, mask_box(picture.instance == 1), image_id))
    files = [f"images/{image['file_name']}" for image in images]
    for (subaction, number), frames in views.items():
        video = Path(f"S{subject}") / f"{ACTIONS[action].name} {subaction}.{CAMERAS[number - 1]}"
        files += write_view(root, video, frames)
    return {"subject": subject, "files": files, "images": images, "annotations": annotations}


def _annotation(person: PosedPerson, camera: Camera, box: list[int], image_id: int) -> dict[str, Any]:
    joints = H36M_MAP @ person.landmarks @ WORLD_FROM_SCENE.T * 1000
    return {
        "id": image_id,
        "image_id": image_id,
        "bbox": box,
        "keypoints_world": np.round(joints, 3).tolist(),
        "cam_param": {
            "R": (camera.rotation.T @ WORLD_FROM_SCENE.T).tolist(),
            "t": (WORLD_FROM_SCENE @ camera.centre * 1000).tolist(),
            "f": [camera.focal, camera.focal],
            "c": [camera.cx, camera.cy],
        },
    }


def write_annotations(root: Path, recipe: GeneratedH36M, labels: list[Labels]) -> None:
    """Write all four annotation files. In the JSON files, image i belongs to annotation i."""
    for split, subjects in SUBJECTS.items():
        chunks = [chunk for chunk in labels if chunk["subject"] in subjects]
        paired = {name: [entry for chunk in chunks for entry in chunk[name]] for name in ("images", "annotations")}
        info = {"description": "generated people", "pictures": pictures_digest(chunks)}
        write_json(root / POSES[split], {"info": info, **paired})
        entries = [_entry_2d(*pair) for pair in zip(paired["images"], paired["annotations"], strict=True)]
        with atomic_path(root / JOINTS[split]) as part, part.open("wb") as file:
            pickle.dump(entries, file, protocol=4)
        write_list(root, split, [f"images/{image['file_name']}" for image in paired["images"]], info["pictures"])


def _entry_2d(image: dict[str, Any], annotation: dict[str, Any]) -> dict[str, Any]:
    """One frame as in the 2D benchmark's pickles, in mm and in px of the frame; the lens has no distortion."""
    R, t, f, c = (np.array(annotation["cam_param"][key], dtype=np.float64) for key in ("R", "t", "f", "c"))
    world = np.array(annotation["keypoints_world"])
    seen = (world - t) @ R.T
    corners = seen[0, :2] + [[_BOX_LEFT_MM, _BOX_UP_MM], [_BOX_RIGHT_MM, _BOX_DOWN_MM]]
    box = (corners / seen[0, 2] * f + c).ravel()
    return {
        "image": image["file_name"],
        "image_id": image["frame_idx"],
        "video_id": image["id"] - image["frame_idx"],
        "subject": image["subject"],
        "action": image["action_idx"],
        "subaction": image["subaction_idx"],
        "camera_id": image["cam_idx"] - 1,
        "source": "h36m",
        "joints_2d": seen[:, :2] / seen[:, 2:] * f + c,
        "joints_3d": world,
        "joints_3d_camera": seen,
        "joints_vis": np.ones((len(world), 3)),
        "center": (box[:2] + box[2:]) / 2,
        "scale": (box[2:] - box[:2]) / 200,
        "box": box,
        "camera": {
            "R": R,
            "T": t[:, None],
            "fx": f[:1],
            "fy": f[1:],
            "cx": c[:1],
            "cy": c[1:],
            "k": np.zeros((3, 1)),
            "p": np.zeros((2, 1)),
        },
    }
