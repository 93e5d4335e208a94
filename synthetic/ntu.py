"""Generated people in NTU RGB+D's format: one performer a recording, seen by three cameras of a setup.

Each camera has a depth sensor and, 52 mm beside it, a colour sensor with more pixels, as the Kinect v2 has. A depth map
is masked: it shows the performer alone. Depth and joints are exact, but for the millimetres that files round to and for
the share of pixels at which the sensor measures nothing.
"""

import functools
from pathlib import Path

import cv2
import numpy as np

from liftedcl.data_sets.ntu.files import GENERATED, LIST, Tag, depth_path, skeleton_path, video_path
from liftedcl.data_sets.ntu.skeleton_file import Body, skeleton_text
from liftedcl.files.atomic import write_text
from synthetic.generation import Chunk, Labels, Plan, pictures_digest
from synthetic.keypoints import KINECT_MAP
from synthetic.people.person import PosedPerson, sample_person, stand
from synthetic.people.pose import ARMS, sample_motion
from synthetic.recipes import GeneratedNtu
from synthetic.renderer.camera import Camera, look_at
from synthetic.renderer.environment import Environment, laboratory
from synthetic.renderer.render import render, render_background, render_depth
from synthetic.renderer.shading import Lit
from synthetic.textures.textures import TextureBank

_STREAM = 41
_BANK, _HALL, _CAMERAS, _PEOPLE, _TAKES, _FRAMES = range(6)
_STANCES = ("stand", "step", "wide", "lunge", "kick", "crouch")
_SETUPS = 4  # of cameras: performers take turns in them
_BESIDE_M = 0.052  # the colour sensor of a Kinect v2 is so far from its depth sensor
_COLOUR_FOCAL, _DEPTH_FOCAL = 0.563, 0.713  # of the frame's width
_HOLES = 0.03  # share of the performer's pixels without a measurement
_NOISE, _FPS = 2.0, 30.0
_INFERRED, _TRACKED = 1, 2


def plan(recipe: GeneratedNtu) -> Plan:
    """One chunk a performer."""
    chunks = [(number,) for number in range(1, recipe.performers + 1)]
    contents = ("nturgb+d_rgb", "nturgb+d_depth_masked", "nturgb+d_skeletons", LIST)
    return Plan("ntu", recipe, chunks, render_chunk, write_annotations, contents, GENERATED)


@functools.lru_cache(maxsize=1)
def _hall(recipe: GeneratedNtu) -> Environment:
    bank = TextureBank((recipe.seed, _STREAM, _BANK), variants=4)
    return laboratory(bank, np.random.default_rng([recipe.seed, _STREAM, _HALL]))


def sensors(recipe: GeneratedNtu, setup: int) -> list[tuple[Camera, Camera]]:
    """Colour and depth sensor of the three cameras of a setup: 45 degrees to both sides, and straight ahead."""
    rng = np.random.default_rng([recipe.seed, _STREAM, _CAMERAS, setup])
    found, height = [], rng.uniform(1.0, 1.6)
    for azimuth in (45, 0, -45):
        turn, distance = np.radians(azimuth), rng.uniform(2.3, 3.0)
        centre = np.array([distance * np.sin(turn), height, distance * np.cos(turn)])
        rotation = look_at(centre, np.array([0, 0.9, 0]))
        sizes = ((recipe.width, recipe.height, _COLOUR_FOCAL), (recipe.depth_width, recipe.depth_height, _DEPTH_FOCAL))
        places = (centre + _BESIDE_M * rotation[:, 0], centre)
        found.append(
            tuple(
                Camera(rotation, place, focal * width, width / 2 - 0.5, tall / 2 - 0.5, width, tall)
                for place, (width, tall, focal) in zip(places, sizes, strict=True)
            )
        )
    return found


@functools.lru_cache(maxsize=1)
def _backgrounds(recipe: GeneratedNtu, setup: int) -> list[Lit]:
    return [render_background(_hall(recipe), colour) for colour, _ in sensors(recipe, setup)]


def render_chunk(root: Path, recipe: GeneratedNtu, chunk: Chunk) -> Labels:
    """Write the recordings of a performer; labels ``files`` and ``tags``."""
    (performer,) = chunk
    setup, key = 1 + (performer - 1) % _SETUPS, [recipe.seed, _STREAM]
    bank = TextureBank((*key, _BANK, performer), variants=4)
    person = sample_person(bank, np.random.default_rng([*key, _PEOPLE, performer]))
    files, tags = [], []
    for take in range(recipe.takes):
        motion = sample_motion(
            np.random.default_rng([*key, _TAKES, performer, take]),
            stances=_STANCES,
            arms=tuple(ARMS),
            key_poses=3,
            range_m=0.3,
        )
        posed = [stand(person, *motion.at(frame / recipe.frames)) for frame in range(recipe.frames)]
        for camera, (colour, depth) in enumerate(sensors(recipe, setup), start=1):
            tag = Tag(setup, camera, performer, 1, take + 1)
            tags.append(str(tag))
            files += _record(root, recipe, tag, posed, colour, depth)
    return {"files": files, "tags": tags}


def _record(
    root: Path, recipe: GeneratedNtu, tag: Tag, posed: list[PosedPerson], colour: Camera, depth: Camera
) -> list[str]:
    """Write one recording and return the names of its files."""
    video, skeletons = video_path(root, tag), skeleton_path(root, tag)
    maps = [depth_path(root, tag, frame) for frame in range(len(posed))]
    for path in (video, skeletons, maps[0]):
        path.parent.mkdir(parents=True, exist_ok=True)
    encoding = (cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), _FPS, (colour.width, colour.height))
    writer, frames = cv2.VideoWriter(str(video), *encoding), []
    background = _backgrounds(recipe, tag.setup)[tag.camera - 1]
    for frame, person in enumerate(posed):
        rng = np.random.default_rng([recipe.seed, _STREAM, _FRAMES, *tag, frame])
        picture = render([person], [], _hall(recipe), colour, rng, background=background, noise=_NOISE)
        writer.write(picture.image[..., ::-1])
        metres, owner = render_depth([person], [], depth)
        measured = (owner == 1) & (rng.random(owner.shape) >= _HOLES)
        millimetres = np.where(measured, np.round(metres * 1000), 0).astype(np.uint16)
        maps[frame].write_bytes(cv2.imencode(".png", millimetres)[1].tobytes())
        frames.append([_body(person, colour, depth)])
    writer.release()
    write_text(skeletons, skeleton_text(frames))
    return [path.relative_to(root).as_posix() for path in (video, skeletons, *maps)]


def _body(person: PosedPerson, colour: Camera, depth: Camera) -> Body:
    joints = KINECT_MAP @ person.landmarks
    seen = [sensor.project(joints) for sensor in (depth, colour)]
    inside = depth.shows(seen[0]) & colour.shows(seen[1])
    places = depth.to_camera(joints) * [1.0, -1.0, 1.0]  # the Kinect's y points up
    return Body(1, places, seen[0][:, :2], seen[1][:, :2], np.where(inside, _TRACKED, _INFERRED))


def write_annotations(root: Path, recipe: GeneratedNtu, labels: list[Labels]) -> None:
    """Write the list of recordings, with the digest of their files in a comment."""
    lines = [f"# generated people, {pictures_digest(labels)}"]
    lines += [f"nturgb+d_skeletons/{tag}.skeleton" for tag in sorted(tag for chunk in labels for tag in chunk["tags"])]
    write_text(root / LIST, "\n".join([*lines, ""]))
