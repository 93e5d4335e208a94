"""Everyday scenes: a few people among things, in a room or outdoors, seen by a hand-held camera."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthetic.generation import Chunk, batches
from synthetic.people.body import LEFT_KNEE, PELVIS, RIGHT_KNEE
from synthetic.people.garments import WITH_DRESS, WITH_SKIRT
from synthetic.people.person import Person, PosedPerson, sample_person, stand
from synthetic.people.pose import STANCES, sample_pose, sample_stance
from synthetic.props.props import INDOOR_OBJECTS, OUTDOOR_OBJECTS, build
from synthetic.props.solids import Material, Solid, box, legs
from synthetic.props.stock import stock
from synthetic.renderer.camera import Camera, look_at
from synthetic.renderer.environment import Environment, sample_environment
from synthetic.renderer.render import Frame, render
from synthetic.textures.noise import wood_colour
from synthetic.textures.textures import TextureBank

_INDOOR_SHARE = 0.55
_CROWD_SHARES = (0.42, 0.28, 0.18, 0.12)
_SKIRT_STANCES = ("stand", "step", "sit", "wide", "run", "cross")
_LOWEST_SEAT_M, _HIGHEST_SEAT_M = 0.28, 0.62
_SCENES = 2  # random stream of a split; the first two are its cast's
_SCENES_PER_CHUNK = 16
_FEWEST_IDENTITIES, _MOST_IDENTITIES = 8, (240, 60)  # the most of the first and of the second split


class Cast:
    """The identities of one data split; each is made at its first use. Splits with other keys share no person."""

    def __init__(self, key: tuple[int, ...], size: int, bank: TextureBank):
        self._key, self.size, self._bank = key, size, bank
        self._made: dict[int, Person] = {}

    def person(self, number: int) -> Person:
        if number not in self._made:
            self._made[number] = sample_person(self._bank, np.random.default_rng([*self._key, number]))
        return self._made[number]


def sample_cast(key: tuple[int, ...], size: int) -> tuple[Cast, TextureBank]:
    """``size`` identities of a split and the textures around them, from the random streams 0 and 1 of ``key``."""
    bank = TextureBank((*key, 0), variants=int(np.clip(size // 8, 3, 12)))
    return Cast((*key, 1), size, bank), bank


@dataclass(frozen=True)
class Scene:
    """What `render` takes."""

    people: list[PosedPerson]
    solids: list[Solid]
    environment: Environment
    camera: Camera


def sample_scene(
    cast: Cast,
    bank: TextureBank,
    rng: np.random.Generator,
    *,
    width: int,
    height: int,
    facing: int,
    most_people: int = 4,
) -> Scene:
    """Draw a scene with 1 to ``most_people`` people (at most 4) for an image of ``width`` x ``height`` pixels.

    ``facing`` is the largest angle that a person is turned away from the camera by.
    """
    shares = np.array(_CROWD_SHARES[:most_people])
    count = 1 + int(rng.choice(len(shares), p=shares / shares.sum()))
    camera, distance = _handheld_camera(rng, width, height)
    people = []
    for k, number in enumerate(rng.choice(cast.size, count, replace=False)):
        place = np.array([(k - (count - 1) / 2) * rng.uniform(0.45, 1.0), distance * rng.uniform(0.8, 1.35)])
        place[0] += rng.normal(0, 0.15)
        person = cast.person(int(number))
        in_skirt = person.outfit["kind"] in (WITH_SKIRT, WITH_DRESS)
        stance = sample_stance(rng, _SKIRT_STANCES if in_skirt else tuple(STANCES))
        yaw = yaws_facing(camera, place, facing)
        people.append(stand(person, sample_pose(rng, stance=stance, yaw=yaw), place))
    indoor = rng.random() < _INDOOR_SHARE
    reach = distance * 1.35 + rng.uniform(0.8, 3)
    environment = sample_environment(bank, rng, indoor=indoor, reach=reach)
    solids = [solid for person in people for solid in seat_under(person, rng)]
    solids += _things(bank, rng, people, distance, environment)
    return Scene(people, solids, environment, camera)


def yaws_facing(camera: Camera, place: np.ndarray, most: int) -> tuple[float, float]:
    """The range of yaws (degrees) of a person at ``place`` (x, z) who is turned away from a camera by ``most``."""
    if most == 180:
        return -180, 180
    x, z = camera.centre[[0, 2]] - place
    towards = float(np.degrees(np.arctan2(x, z)))
    return towards - most, towards + most


def render_scene(scene: Scene, rng: np.random.Generator) -> Frame:
    return render(scene.people, scene.solids, scene.environment, scene.camera, rng)


@dataclass(frozen=True)
class SplitScenes:
    """The scenes of a data set's two splits, which share no person and no texture; ``stream`` is its random stream."""

    stream: int
    splits: tuple[str, ...]
    most_people: int = 4

    def at(self, recipe: Any, split: str, number: int) -> tuple[Scene, Frame]:
        """Scene ``number`` of a split and its image."""
        cast, bank = split_cast(self, recipe, split)
        rng = np.random.default_rng([recipe.seed, self.stream, self.splits.index(split), _SCENES, number])
        size = {"width": recipe.width, "height": recipe.height}
        scene = sample_scene(cast, bank, rng, **size, facing=recipe.facing, most_people=self.most_people)
        return scene, render_scene(scene, rng)


@functools.lru_cache(maxsize=2)
def split_cast(scenes: SplitScenes, recipe: Any, split: str) -> tuple[Cast, TextureBank]:
    """The people of a split, fewer in a small one, which must not wait for them, and their textures."""
    number = scenes.splits.index(split)
    size = int(np.clip(scene_count(recipe, split) // 3, _FEWEST_IDENTITIES, _MOST_IDENTITIES[number]))
    return sample_cast((recipe.seed, scenes.stream, number), size)


def scene_count(recipe: Any, split: str) -> int:
    return getattr(recipe, f"{split}_scenes")


def scene_chunks(recipe: Any, splits: tuple[str, ...]) -> list[Chunk]:
    """The scenes of all splits as chunks (split, first, end)."""
    return [(split, *span) for split in splits for span in batches(scene_count(recipe, split), _SCENES_PER_CHUNK)]


def seat_under(posed: PosedPerson, rng: np.random.Generator) -> list[Solid]:
    """A stool or a block below a person who sits on nothing; empty for all others."""
    pelvis, knees = posed.landmarks[PELVIS], posed.landmarks[[LEFT_KNEE, RIGHT_KNEE]]
    thighs_level = (np.abs(knees[:, 1] - pelvis[1]) < 0.2).all()
    height = pelvis[1] - 0.12
    upright = posed.pose[0][1, 1] > 0.8
    if not (thighs_level and upright and _LOWEST_SEAT_M < height < _HIGHEST_SEAT_M):
        return []
    back = pelvis[[0, 2]] - knees[:, [0, 2]].mean(0)
    place = pelvis[[0, 2]] + 0.04 * back / (np.linalg.norm(back) + 1e-9)
    width, yaw = rng.uniform(0.3, 0.42), float(np.degrees(np.arctan2(-back[0], -back[1])))
    material = Material(None, wood_colour(rng), 0.1)
    if rng.random() < 0.35:
        parts = [box((width, height, width), (0, height / 2, 0), material)]
    else:
        parts = [
            *legs(width, width, height, 0.035, material),
            box((width, 0.05, width), (0, height - 0.025, 0), material),
        ]
    return [part.placed(np.array([place[0], 0.0, place[1]]), yaw) for part in parts]


def _handheld_camera(rng: np.random.Generator, width: int, height: int) -> tuple[Camera, float]:
    """A camera 0.6 to 2.1 m above the origin, and the distance (m) of the point that it looks at."""
    unit = max(width / 640, height / 480)  # focal lengths below are those of images 640 wide or 480 high
    focal = rng.uniform(450, 1000)
    distance = rng.uniform(2.0, 5.0) * focal / 600
    centre = np.array([0.0, rng.uniform(0.6, 2.1), 0.0])
    target = np.array([0.0, rng.uniform(0.6, 1.1), distance])
    rotation = look_at(centre, target, rng.normal(0, 0.04))
    return Camera(rotation, centre, focal * unit, width / 2 - 0.5, height / 2 - 0.5, width, height), distance


def _things(
    bank: TextureBank, rng: np.random.Generator, people: list[PosedPerson], distance: float, environment: Environment
) -> list[Solid]:
    """Objects around the people: some hide part of a person, none is inside a person or right before the lens."""
    places = np.array([person.landmarks[PELVIS][[0, 2]] for person in people])
    names, solids = (INDOOR_OBJECTS if environment.place.indoor else OUTDOOR_OBJECTS), []
    for _ in range(int(rng.integers(0, 6))):
        z = distance * rng.uniform(0.5, 1.6)
        place = np.array([rng.uniform(-1.5, 1.5) * z / 3, z])
        if not environment.place.indoor and rng.random() < 0.4:
            z = distance + rng.uniform(4, 30)
            place = np.array([rng.uniform(-0.6, 0.6) * z, z])
        if np.linalg.norm(places - place, axis=1).min() < 0.6 or z < 1.2:
            continue
        if environment.place.indoor and (np.abs(place) > environment.place.half_extent[[0, 2]] - 0.4).any():
            continue
        name = str(rng.choice(names))
        if name in ("tree", "sofa", "bookcase", "car", "table") and z < distance * 1.15:
            continue
        scale = 1.8 if name == "car" else 1.0
        solids += build(name, stock(bank, rng), (place[0], place[1]), float(rng.uniform(-180, 180)), scale)
    if not environment.place.indoor:
        for _ in range(int(rng.integers(0, 4))):
            z = rng.uniform(distance + 9, 45)
            solids += build("house", stock(bank, rng), (rng.uniform(-0.8, 0.8) * z, z), rng.uniform(-90, 90), 2.2)
    return solids
