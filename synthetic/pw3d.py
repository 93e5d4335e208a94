"""Generated people in SPIN's format for 3DPW: npz annotations of seven sets, their images, and the body's files.

Each set holds what the real set of its name does: the test set bodies and no joints, Human3.6M bodies with 2D and 3D
joints, MPI-INF-3DHP joints without bodies, hr-lspet 2D joints alone, the other sets bodies and 2D joints. Joints are
the 24 training joints of SPIN: forward kinematics, J_regressor_extra and face vertices of the body without clothes;
the true parameters therefore have no joint error. People and clothes differ between the test set and the others. The
images of Human3.6M and of MPI-INF-3DHP come from four cameras in a hall each, those of the other sets from everyday
scenes, unless the recipe puts all of them into one hall.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downstream.pw3d.files import (
    BODY_FOLDER,
    COCO,
    GENERATED,
    H36M,
    HR_LSPET,
    LSP,
    MPI_INF_3DHP,
    MPII,
    TEST,
    annotation_path,
    picture_folder,
)
from liftedcl.files.atomic import atomic_path
from synthetic.generation import Chunk, Labels, Plan, batches, pictures_digest, write_jpeg
from synthetic.people.body import forward_kinematics, load_body, skin
from synthetic.people.garments import WITH_DRESS, WITH_SKIRT
from synthetic.people.person import PosedPerson, stand
from synthetic.people.pose import STANCES, sample_pose, sample_stance
from synthetic.people.rotation import matrix_to_axis_angle
from synthetic.recipes import GeneratedPw3d
from synthetic.renderer.camera import Camera, four_around
from synthetic.renderer.environment import Environment, laboratory
from synthetic.renderer.render import Frame, render, render_background
from synthetic.renderer.shading import Lit
from synthetic.scene import Cast, Scene, sample_cast, sample_scene, seat_under, yaws_facing
from synthetic.smpl_files import extra_regressor, face_vertices, write_smpl_files
from synthetic.textures.textures import TextureBank

TRAIN_SHARES = {
    H36M: 0.40,
    LSP: 0.05,
    MPII: 0.15,
    COCO: 0.25,
    HR_LSPET: 0.05,
    MPI_INF_3DHP: 0.10,
}
_BODIES = ("imgname", "center", "scale", "pose", "shape")
_FIELDS = {
    TEST: (*_BODIES, "gender"),
    H36M: (*_BODIES, "has_smpl", "S", "part"),
    LSP: (*_BODIES, "has_smpl", "part"),
    MPII: (*_BODIES, "has_smpl", "part"),
    COCO: (*_BODIES, "has_smpl", "part"),
    HR_LSPET: ("imgname", "center", "scale", "part"),
    MPI_INF_3DHP: ("imgname", "center", "scale", "S", "part"),
}
TREE_JOINTS = (8, 5, 4, 7, 21, 19, 17, 16, 18, 20)
"""Right ankle and knee, left knee and ankle, right wrist to shoulder, left shoulder to wrist, of the body's 24."""
_PELVIS = 14
_IN_A_HALL = (H36M, MPI_INF_3DHP)
_STANCES_IN_SKIRTS = ("stand", "step", "wide", "run")
_STREAM = 41
_SCENES, _HALL = 2, 3  # random streams of the data set; a split's first two are its cast's
_PEOPLE_PER_CHUNK = 16
_BOX_MARGIN = 1.2
_LEAST_SHARE_SEEN = 0.06
"""Of the square around the joints; with less, a person is behind something, or far away in the dark of a scene."""
_MOST_DRAWS = 200


def plan(recipe: GeneratedPw3d) -> Plan:
    chunks = [(name, *span) for name in _FIELDS for span in batches(set_size(recipe, name), _PEOPLE_PER_CHUNK)]
    contents = ("dataset_extras", "images", BODY_FOLDER)
    return Plan("pw3d", recipe, chunks, render_chunk, write_annotations, contents, GENERATED)


def set_size(recipe: GeneratedPw3d, name: str) -> int:
    """How many people a set has; the training sets divide ``train_people`` by `TRAIN_SHARES`."""
    if name == TEST:
        return recipe.test_people
    ends = np.rint(np.cumsum(list(TRAIN_SHARES.values())) * recipe.train_people).astype(int)
    return int(np.diff(ends, prepend=0)[list(TRAIN_SHARES).index(name)])


@functools.lru_cache(maxsize=2)
def _split_state(recipe: GeneratedPw3d, split: str) -> tuple[Cast, TextureBank]:
    size = recipe.train_identities if split == "train" else recipe.test_identities
    return sample_cast((recipe.seed, _STREAM, ("train", "test").index(split)), size)


def scene_at(recipe: GeneratedPw3d, name: str, number: int) -> tuple[Scene, Frame]:
    """Person ``number`` of a set in a scene, and its image; drawn until the image shows all joints and enough of it.

    Raises:
        RuntimeError: no draw was good; this only happens with images of a few pixels.
    """
    cast, bank = _split_state(recipe, "test" if name == TEST else "train")
    rng = np.random.default_rng([recipe.seed, _STREAM, _SCENES, list(_FIELDS).index(name), number])
    for _ in range(_MOST_DRAWS):
        if recipe.one_hall or name in _IN_A_HALL:
            hall = _hall(recipe, _IN_A_HALL[0] if recipe.one_hall else name)
            scene, background = _hall_scene(cast, hall, recipe.facing, rng)
        else:
            size = {"width": recipe.width, "height": recipe.height}
            scene = sample_scene(cast, bank, rng, **size, facing=recipe.facing, most_people=1)
            background = None
        joints = scene.camera.project(training_joints(scene.people[0]))
        if not scene.camera.shows(joints).all():
            continue
        frame = render(scene.people, scene.solids, scene.environment, scene.camera, rng, background=background)
        side = 200 * _square(joints[:, :2])[1]
        if (frame.instance == 1).sum() > _LEAST_SHARE_SEEN * side**2:
            return scene, frame
    raise RuntimeError(f"{name}: no person fits into an image of {recipe.width}x{recipe.height} px; enlarge it")


@dataclass(frozen=True)
class _Hall:
    """A capture hall, its cameras, and what each of them sees without people."""

    environment: Environment
    cameras: list[Camera]
    backgrounds: list[Lit]


@functools.lru_cache(maxsize=2)
def _hall(recipe: GeneratedPw3d, name: str) -> _Hall:
    key = (recipe.seed, _STREAM, _HALL, _IN_A_HALL.index(name))
    _, bank = _split_state(recipe, "train")
    rng = np.random.default_rng(key)
    environment, (width, height) = laboratory(bank, rng), (recipe.width, recipe.height)
    centre = (width / 2 - 0.5, height / 2 - 0.5)
    focal = 1.5 * min(width, height)  # short enough for raised arms to be in the image
    cameras = [Camera(*place, focal, *centre, width, height) for place in four_around(rng, 1.2, 1.8)]
    return _Hall(environment, cameras, [render_background(environment, camera) for camera in cameras])


def _hall_scene(cast: Cast, hall: _Hall, facing: int, rng: np.random.Generator) -> tuple[Scene, Lit]:
    person, view = cast.person(int(rng.integers(cast.size))), int(rng.integers(len(hall.cameras)))
    in_skirt = person.outfit["kind"] in (WITH_SKIRT, WITH_DRESS)
    stance = sample_stance(rng, _STANCES_IN_SKIRTS if in_skirt else tuple(STANCES))
    yaw = yaws_facing(hall.cameras[view], np.zeros(2), facing)
    posed = stand(person, sample_pose(rng, stance=stance, yaw=yaw), rng.uniform(-0.5, 0.5, 2))
    return Scene([posed], seat_under(posed, rng), hall.environment, hall.cameras[view]), hall.backgrounds[view]


def training_joints(posed: PosedPerson) -> np.ndarray:
    """The 24 training joints (24, 3) of a person in the world, metres."""
    body, person = load_body(), posed.person
    tree = forward_kinematics(person.rest_joints, posed.pose)[1]
    naked = skin(person.body_vertices, body.weights, person.rest_joints, posed.pose)
    extra, tree_joints = extra_regressor(body) @ naked, tree[list(TREE_JOINTS)]
    rows = [tree_joints[:2], extra[:2], tree_joints[2:], extra[2:], naked[face_vertices(body)]]
    return np.concatenate(rows) + posed.translation


def render_chunk(root: Path, recipe: GeneratedPw3d, chunk: Chunk) -> Labels:
    """Write people [first, end) of a set; labels ``name``, ``files`` and ``people``, a dict of npz fields each."""
    name, first, end = chunk
    files, people = [], []
    for number in range(first, end):
        scene, frame = scene_at(recipe, name, number)
        picture = f"{number:06d}.jpg"
        path = picture_folder(root, name) / picture
        write_jpeg(path, frame.image)
        files.append(path.relative_to(root).as_posix())
        person = annotate(scene.people[0], scene.camera)
        people.append({"imgname": picture, "gender": "mf"[number % 2], **person})
    return {"name": name, "files": files, "people": people}


def annotate(posed: PosedPerson, camera: Camera) -> dict[str, Any]:
    """The npz fields of a person, as plain values; joints outside the image have confidence 0 in ``part``."""
    joints = training_joints(posed)
    projected, in_camera = camera.project(joints), camera.to_camera(joints)
    inside = camera.shows(projected)
    centre, scale = _square(projected[inside, :2])
    pose = posed.pose.copy()
    pose[0] = camera.rotation.T @ pose[0]
    return {
        "center": centre.tolist(),
        "scale": scale,
        "pose": matrix_to_axis_angle(pose).reshape(72).tolist(),
        "shape": posed.person.betas.tolist(),
        "has_smpl": 1,
        "S": np.concatenate([in_camera - in_camera[_PELVIS], np.ones((24, 1))], axis=1).tolist(),
        "part": np.concatenate([projected[:, :2], inside[:, None]], axis=1).tolist(),
    }


def write_annotations(root: Path, recipe: GeneratedPw3d, labels: list[Labels]) -> None:
    """Write the body's files and the npz of each set, with a digest of its images as ``pictures``."""
    write_smpl_files(root / BODY_FOLDER)
    for name, fields in _FIELDS.items():
        chunks = [chunk for chunk in labels if chunk["name"] == name]
        people = [person for chunk in chunks for person in chunk["people"]]
        arrays = {field: np.array([person[field] for person in people]) for field in fields}
        with atomic_path(annotation_path(root, name)) as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays, pictures=np.array(pictures_digest(chunks)))


def _square(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre (2,) and side / 200 px of the padded square around points (n, 2) px, as SPIN's preprocessing has it."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, float(_BOX_MARGIN * (high - low).max() / 200)
