"""Generated people in Human3.6M's format: seven subjects, fifteen actions, two takes, four cameras in one hall."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from liftedcl.files import write_json
from liftedcl.synthetic.camera import Camera, look_at
from liftedcl.synthetic.coco import mask_box
from liftedcl.synthetic.environment import Environment, laboratory
from liftedcl.synthetic.generation import Chunk, Labels, Plan, pictures_digest, write_jpeg
from liftedcl.synthetic.keypoints import H36M_MAP
from liftedcl.synthetic.person import Person, PosedPerson, sample_person, stand
from liftedcl.synthetic.pose import sample_motion
from liftedcl.synthetic.recipes import GeneratedH36M
from liftedcl.synthetic.render import Background, render, render_background
from liftedcl.synthetic.scene import seat_under
from liftedcl.synthetic.textures import TextureBank

TRAIN_SUBJECTS, TEST_SUBJECTS = (1, 5, 6, 7, 8), (9, 11)
ANNOTATIONS = {
    "train": "annotations/Sample_trainmin_train_Human36M_protocol_2.json",
    "test": "annotations/Sample_64_test_Human36M_protocol_2.json",
}
WORLD_FROM_SCENE = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Human3.6M's world has z up; ours has y up."""
_STREAM = 31
_BANK, _HALL, _CAMERAS, _PEOPLE, _TAKES, _FRAMES = range(6)
_FRAMES_PER_KEY_POSE = 8
_NOISE = 2.0


@dataclass(frozen=True)
class Action:
    """What somebody does during an action: stances and arm templates of `pose.py`."""

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
    chunks = [(subject, action) for subject in TRAIN_SUBJECTS + TEST_SUBJECTS for action in ACTIONS]
    return Plan(
        "h36m", recipe, chunks, render_chunk, write_annotations, ("annotations", "images"), (*ANNOTATIONS.values(),)
    )


def rig(recipe: GeneratedH36M, subject: int) -> list[Camera]:
    """The four cameras, each moved a little for every subject as in Human3.6M."""
    rng = np.random.default_rng([recipe.seed, _STREAM, _CAMERAS, subject])
    size, cameras = recipe.image_size, []
    for azimuth in (45, 135, 225, 315):
        turn = np.radians(azimuth + rng.uniform(-12, 12))
        distance = rng.uniform(4.2, 5.4)
        centre = np.array([distance * np.cos(turn), rng.uniform(1.3, 1.7), distance * np.sin(turn)])
        rotation = look_at(centre, np.array([0, 0.9, 0]))
        cameras.append(Camera(rotation, centre, 1.145 * size, 0.512 * size, 0.508 * size, size, size))
    return cameras


@functools.lru_cache(maxsize=1)
def _hall(recipe: GeneratedH36M) -> Environment:
    bank = TextureBank((recipe.seed, _STREAM, _BANK), variants=4)
    return laboratory(bank, np.random.default_rng([recipe.seed, _STREAM, _HALL]))


@functools.lru_cache(maxsize=1)
def _backgrounds(recipe: GeneratedH36M, subject: int) -> list[Background]:
    return [render_background(_hall(recipe), camera) for camera in rig(recipe, subject)]


@functools.lru_cache(maxsize=1)
def person_of(recipe: GeneratedH36M, subject: int) -> Person:
    """The person that stands for a subject; everyone has a wardrobe of their own, in trousers."""
    bank = TextureBank((recipe.seed, _STREAM, _BANK, subject), variants=4)
    return sample_person(bank, np.random.default_rng([recipe.seed, _STREAM, _PEOPLE, subject]), trousers=True)


def take(recipe: GeneratedH36M, subject: int, action: int, subaction: int) -> list[PosedPerson]:
    """The poses of one take, frame by frame."""
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
    """Write both takes of a subject's action; labels ``subject``, ``files``, ``images``, ``annotations`` (paired)."""
    subject, action = chunk
    cameras, backgrounds = rig(recipe, subject), _backgrounds(recipe, subject)
    images, annotations = [], []
    for subaction in (1, 2):
        for frame, person in enumerate(take(recipe, subject, action, subaction)):
            key = [recipe.seed, _STREAM, _FRAMES, subject, action, subaction, frame]
            seat = seat_under(person, np.random.default_rng(key[:-1]))
            for number, (camera, background) in enumerate(zip(cameras, backgrounds, strict=True), start=1):
                rng = np.random.default_rng([*key, number])
                picture = render([person], seat, _hall(recipe), camera, rng, background=background, noise=_NOISE)
                image_id = _image_id(recipe, subject, action, subaction, number, frame)
                take_name = f"s_{subject:02d}_act_{action:02d}_subact_{subaction:02d}_ca_{number:02d}"
                file_name = f"{take_name}/{take_name}_{frame + 1:06d}.jpg"
                write_jpeg(root / "images" / file_name, picture.image)
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
    return {"subject": subject, "files": files, "images": images, "annotations": annotations}


def _image_id(recipe: GeneratedH36M, subject: int, action: int, subaction: int, camera: int, frame: int) -> int:
    take_number = ((subject * 17 + action) * 2 + subaction - 1) * 4 + camera - 1
    return take_number * recipe.frames_per_take + frame


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
    """Write both annotation files; image i belongs to annotation i."""
    for split, subjects in (("train", TRAIN_SUBJECTS), ("test", TEST_SUBJECTS)):
        chunks = [chunk for chunk in labels if chunk["subject"] in subjects]
        paired = {name: [entry for chunk in chunks for entry in chunk[name]] for name in ("images", "annotations")}
        info = {"description": "generated people", "pictures": pictures_digest(chunks)}
        write_json(root / ANNOTATIONS[split], {"info": info, **paired})
