"""Images without people as an ImageFolder with classes, which replaces ImageNet (stage I of the paper).

Classes are kinds of objects, of textures and of places. With many classes, objects of different materials are different
classes. Backgrounds, light, cameras and materials vary within a class; val uses textures that train doesn't.
"""

import functools
from pathlib import Path

import cv2
import numpy as np

from liftedcl.data_sets.imagenet.files import CLASSES, GENERATED
from liftedcl.files.atomic import write_json
from liftedcl.identity.errors import InputError
from synthetic.generation import Chunk, Labels, Plan, batches, pictures_digest, write_jpeg
from synthetic.props.props import INDOOR_OBJECTS, OBJECTS, OUTDOOR_OBJECTS, build
from synthetic.props.solids import Solid
from synthetic.props.stock import FINISHES, stock
from synthetic.recipes import GeneratedImagenet
from synthetic.renderer.camera import Camera, look_at
from synthetic.renderer.environment import sample_environment
from synthetic.renderer.render import render
from synthetic.textures.noise import fractal_noise
from synthetic.textures.textures import TextureBank
from synthetic.textures.weave import SIZE

TEXTURES = (
    "bricks", "plaid", "grass", "planks", "stripes", "marble", "cobbles", "polka_dots", "foliage", "tiles", "floral",
    "camouflage", "carpet", "bookshelf", "gingham", "facade", "denim", "sand",
)  # fmt: skip
PLACES = ("room", "landscape", "street", "forest", "sky")
_ONE_FINISH = ("tree", "bush", "floor_lamp")
"""Objects that look the same with any main material."""
_SPLITS = ("train", "val")
_STREAM = 51
_BANK, _PICTURES = range(2)
_PICTURES_PER_CHUNK = 40


def class_names(count: int) -> list[str]:
    """The first ``count`` classes; the kinds alternate, so that even a few classes are varied.

    Raises:
        InputError: there are fewer classes.
    """
    objects = list(OBJECTS)
    if count > len(objects) + len(TEXTURES) + len(PLACES):
        finished = [name for name in OBJECTS if name not in _ONE_FINISH]
        objects = [*_ONE_FINISH, *(f"{finish}_{name}" for finish in FINISHES for name in finished)]
    kinds = [[*objects], [*TEXTURES], [*PLACES]]
    names: list[str] = []
    while any(kinds):
        names += [kind.pop(0) for kind in kinds if kind]
    if count > len(names):
        raise InputError(f"classes: {count} in the recipe, but there are {len(names)}; lower the recipe's number")
    return names[:count]


def plan(recipe: GeneratedImagenet) -> Plan:
    """Chunks of every class and split; val has one fifth as many images as train, at least one."""
    counts = {"train": recipe.images_per_class, "val": max(1, recipe.images_per_class // 5)}
    chunks = [
        (split, name, *span)
        for split in _SPLITS
        for name in class_names(recipe.classes)
        for span in batches(counts[split], _PICTURES_PER_CHUNK)
    ]
    return Plan("imagenet", recipe, chunks, render_chunk, write_marker, ("train", "val", CLASSES), GENERATED)


@functools.lru_cache(maxsize=2)
def _bank(seed: int, split: str) -> TextureBank:
    return TextureBank((seed, _STREAM, _SPLITS.index(split), _BANK), variants=12)


def render_chunk(root: Path, recipe: GeneratedImagenet, chunk: Chunk) -> Labels:
    """Write images [first, end) of a class; labels ``split``, ``class``, ``files``."""
    split, name, first, end = chunk
    number, files = class_names(recipe.classes).index(name), []
    for picture in range(first, end):
        rng = np.random.default_rng([recipe.seed, _STREAM, _SPLITS.index(split), _PICTURES, number, picture])
        files.append(f"{split}/{name}/{name}_{picture:05d}.jpg")
        write_jpeg(root / files[-1], draw_picture(name, _bank(recipe.seed, split), rng, recipe.image_size))
    return {"split": split, "class": name, "files": files}


def write_marker(root: Path, recipe: GeneratedImagenet, labels: list[Labels]) -> None:
    """Write the list of classes, which marks the data set as complete."""
    write_json(root / CLASSES, {"classes": sorted(class_names(recipe.classes)), "pictures": pictures_digest(labels)})


def draw_picture(name: str, bank: TextureBank, rng: np.random.Generator, size: int) -> np.ndarray:
    """An image (size, size, 3) uint8 of a class."""
    if name in TEXTURES:
        return _texture_picture(name, bank, rng, size)
    if name in PLACES:
        return _place_picture(name, bank, rng, size)
    finish, _, rest = name.partition("_")
    return _object_picture(*((rest, finish) if rest in OBJECTS else (name, None)), bank, rng, size)


def _object_picture(
    name: str, finish: str | None, bank: TextureBank, rng: np.random.Generator, size: int
) -> np.ndarray:
    """One object, near the middle, with at most two other things behind it."""
    solids = build(name, stock(bank, rng, finish), (0.0, 0.0), float(rng.uniform(-180, 180)))
    points = np.concatenate([solid.vertices for solid in solids])
    low, high = points.min(0), points.max(0)
    radius = float(np.linalg.norm(high - low)) / 2
    indoor = rng.random() < 0.5 and radius < 1.6
    distance = max(radius, 0.25) * rng.uniform(2.2, 3.6)
    # The camera is above the origin, as in scenes: rooms reach ahead of it.
    moved = np.array([0.0, 0.0, distance])
    solids = [solid.placed(moved) for solid in solids]
    centre = np.array([0.0, max(0.12, high[1] / 2 + distance * rng.uniform(-0.05, 0.55)), 0.0])
    target = (low + high) / 2 + moved + rng.normal(0, 0.12 * radius, 3)
    focal = size * rng.uniform(1.1, 1.5)
    camera = Camera(look_at(centre, target, rng.normal(0, 0.06)), centre, focal, size / 2, size / 2, size, size)
    environment = sample_environment(bank, rng, indoor=indoor, reach=distance + radius + rng.uniform(0.5, 3))
    names = INDOOR_OBJECTS if indoor else OUTDOOR_OBJECTS
    for _ in range(int(rng.integers(0, 3)) if not indoor else 0):
        far = distance + radius + rng.uniform(3, 12)
        solids += _thing(bank, rng, names, rng.uniform(-0.5, 0.5) * far, far)
    return render([], solids, environment, camera, rng).image


def _texture_picture(name: str, bank: TextureBank, rng: np.random.Generator, size: int) -> np.ndarray:
    """A texture seen at a slant, turned and scaled, under uneven light."""
    texture = bank.draw(rng, name)[:, :SIZE]
    tiled = np.tile(texture, (3, 3, 1))
    turn, span = rng.uniform(0, 2 * np.pi), SIZE * rng.uniform(0.35, 1.0)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * span / 2
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = corners @ rotation.T + rng.normal(0, 0.09 * span, (4, 2)) + SIZE * 1.5
    target = np.array([(0, 0), (size, 0), (size, size), (0, size)])
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
    smooth = cv2.GaussianBlur(tiled, (0, 0), max(0.3, 0.4 * span / size))
    picture = cv2.warpPerspective(smooth, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    light = cv2.resize(fractal_noise(rng, 16, 2), (size, size), interpolation=cv2.INTER_CUBIC)
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3) * (0.7 + 0.6 * light[..., None])
    return np.clip(picture * gain + rng.normal(0, rng.uniform(1, 6), picture.shape), 0, 255).astype(np.uint8)


def _place_picture(name: str, bank: TextureBank, rng: np.random.Generator, size: int) -> np.ndarray:
    """A room without people, open country, houses, trees, or the sky above the horizon."""
    centre = np.array([0.0, rng.uniform(1.0, 2.2), 0.0])
    rise = rng.uniform(2.5, 5) if name == "sky" else rng.uniform(-1.2, 0.6)
    target = np.array([rng.uniform(-6, 6), centre[1] + rise, 8.0])
    camera = Camera(look_at(centre, target), centre, size * rng.uniform(0.6, 1.1), size / 2, size / 2, size, size)
    environment = sample_environment(bank, rng, indoor=name == "room", reach=rng.uniform(3, 6))
    solids: list[Solid] = []
    inside = environment.place.half_extent[[0, 2]] - 0.6
    if name == "room":
        for _ in range(int(rng.integers(1, 5))):
            x, z = rng.uniform(-1, 1) * inside[0], rng.uniform(0.5, 1) * inside[1]
            solids += _thing(bank, rng, ("table", "chair", "sofa", "bookcase", "floor_lamp"), x, z)
    contents = {"street": ("house", 7, 2.2), "forest": ("tree", 14, 2.0), "landscape": ("bush", 3, 1.2)}
    if name in contents:
        kind, most, scale = contents[name]
        for _ in range(int(rng.integers(most // 2, most + 1))):
            z = rng.uniform(7, 40)
            solids += _thing(bank, rng, (kind,), rng.uniform(-0.9, 0.9) * z, z, scale)
    return render([], solids, environment, camera, rng).image


def _thing(
    bank: TextureBank, rng: np.random.Generator, names: tuple[str, ...], x: float, z: float, scale: float = 1.0
) -> list[Solid]:
    name = names[int(rng.integers(len(names)))]
    return build(name, stock(bank, rng), (x, z), float(rng.uniform(-180, 180)), scale)
