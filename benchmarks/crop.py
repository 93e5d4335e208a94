"""Person crops from JPEG files: the published way opens and decodes the file for each person; ours once an image.

Ours uses both cores, as the command does; the published script is one loop. Another row shows ours on one thread.

Everything counts: reading annotations and files, decoding, cutting, resizing, encoding, writing, and the checksum of
the shard.
"""

import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.random_data import write_coco
from benchmarks.recipes import PAPER
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, Case, Variant, timed
from liftedcl.crops import make_crops
from liftedcl.files.image_files import process_images, read_image
from liftedcl.images.coco_people import PeopleImage, read_people
from liftedcl.images.person_box import cut, extend_box
from liftedcl.images.shard import open_shard

CORES = 2

_RECIPE = PAPER.crops
_QUALITY = 95


def cases(smoke: bool) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "coco", Path(folder) / "out"
        out.mkdir()
        write_coco(root, np.random.default_rng(0), images=3 if smoke else 60)
        people = sum(len(image.people) for image in read_people(root, "train").images)
        published = Variant(PUBLISHED, "PIL, decode per person, JPEG out", timed(lambda: _pil_per_person(root, out)))
        floor = Variant(FLOOR, "decoding each image once, no more, one thread", timed(lambda: _decode(root)))
        yield Case(
            name="crops, JPEG in, JPEG out",
            variants=[
                Variant(OURS, "OpenCV, decode per image, JPEG out", timed(lambda: _ours_to_jpeg(root, out, CORES))),
                published,
                Variant(PEER, "ours on one thread", timed(lambda: _ours_to_jpeg(root, out, 1))),
                Variant(PEER, "PIL, decode per image, JPEG out", timed(lambda: _pil_per_image(root, out))),
                floor,
            ],
            items=people,
            unit="crops",
            check=lambda: _check_jpegs(root, out),
            goal=3.5,
        )
        yield Case(
            name="crops, JPEG in, shard out",
            variants=[
                Variant(OURS, "liftedcl.crops", timed(lambda: _ours_to_shard(root, out, CORES))),
                published,
                Variant(PEER, "ours on one thread", timed(lambda: _ours_to_shard(root, out, 1))),
                floor,
            ],
            items=people,
            unit="crops",
            check=lambda: _check_shard(root, out),
            goal=4.2,
            note="the published way still writes JPEG files",
        )


def _ours_to_shard(root: Path, out: Path, threads: int) -> None:
    make_crops(root, "train", out / "crops.npy", _RECIPE, workers=threads)


def _ours_to_jpeg(root: Path, out: Path, threads: int) -> None:
    def write(image: PeopleImage) -> None:
        pixels = read_image(image.path)
        for person in image.people:
            crop = cut(pixels, extend_box(person.box), height=_RECIPE.height, width=_RECIPE.width)
            quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
            _, content = cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), quality)
            (out / f"ours{person.annotation_id}.jpg").write_bytes(content)

    for _ in process_images(write, read_people(root, "train").images, workers=threads, title="crops"):
        pass


def _pil_crop(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    rectangle = extend_box(box)
    right, bottom = rectangle.x + rectangle.width, rectangle.y + rectangle.height
    crop = picture.crop((rectangle.x, rectangle.y, right, bottom))
    return crop.resize((_RECIPE.width, _RECIPE.height), Image.Resampling.BILINEAR)


def _pil_per_person(root: Path, out: Path) -> None:
    for image in read_people(root, "train").images:
        for person in image.people:
            crop = _pil_crop(Image.open(image.path).convert("RGB"), person.box)
            crop.save(out / f"pil{person.annotation_id}.jpg", quality=_QUALITY)


def _pil_per_image(root: Path, out: Path) -> None:
    for image in read_people(root, "train").images:
        picture = Image.open(image.path).convert("RGB")
        for person in image.people:
            _pil_crop(picture, person.box).save(out / f"grouped{person.annotation_id}.jpg", quality=_QUALITY)


def _decode(root: Path) -> None:
    for image in read_people(root, "train").images:
        read_image(image.path)


def _check_jpegs(root: Path, out: Path) -> None:
    _ours_to_jpeg(root, out, CORES)
    for write in (_pil_per_person, _pil_per_image):
        write(root, out)
    for prefix in ("ours", "grouped"):
        _check_same(root, lambda person, prefix=prefix: _read(out / f"{prefix}{person}.jpg"), out)


def _check_shard(root: Path, out: Path) -> None:
    _ours_to_shard(root, out, CORES)
    shard = open_shard(out / "crops.npy")
    rows = {int(person): row for row, person in enumerate(shard.index["annotation_id"])}
    _pil_per_person(root, out)
    _check_same(root, lambda person: shard.images[rows[person]], out)


def _check_same(root: Path, crop_of: Callable[[int], np.ndarray], out: Path) -> None:
    """Every crop inside its image shows what PIL's shows; beyond the image, the published way pads with black."""
    compared = 0
    for image in read_people(root, "train").images:
        for person in image.people:
            crop, reference = crop_of(person.annotation_id), _read(out / f"pil{person.annotation_id}.jpg")
            assert crop.shape == reference.shape == (_RECIPE.height, _RECIPE.width, 3)
            if _is_inside(image, person.box):
                difference = np.abs(crop.astype(np.int16) - reference.astype(np.int16)).mean()
                assert difference < 6.0, f"person {person.annotation_id}: {difference:.1f} grey levels from PIL's crop"
                compared += 1
    assert compared, "no person lies inside its image"


def _is_inside(image: PeopleImage, box: tuple[float, float, float, float]) -> bool:
    rectangle = extend_box(box)
    right, bottom = rectangle.x + rectangle.width, rectangle.y + rectangle.height
    return rectangle.x >= 0 and rectangle.y >= 0 and right <= image.width and bottom <= image.height


def _read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))
