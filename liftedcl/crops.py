"""Person crops for pre-training (paper, appendix A), from COCO, Human3.6M (table 7), MPII or the user's own images.

Every annotated person box is extended to height:width = 4:3, cropped without distortion and resized. Decided here,
where the paper is silent: crowds and boxes without area or wholly outside their image are skipped; a box that reaches
past the border is padded with the mean colour, never shifted; the extended box has whole pixels.
"""

import argparse
import collections
import dataclasses
import functools
import itertools
import math
import sys
from pathlib import Path

import numpy as np

from liftedcl.data_sets.coco.files import annotation_path, image_folder
from liftedcl.data_sets.h36m.files import POSES
from liftedcl.data_sets.mpii.files import ANNOTATIONS, IMAGES
from liftedcl.files.contact_sheet import write_contact_sheet
from liftedcl.files.image_files import process_images, read_image
from liftedcl.files.image_header import TOLERATED_SHARE, BrokenImageError, ImageHeader, TurnEvidence, read_header
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from liftedcl.images.coco_people import FoundPeople, PeopleImage, Person, read_people
from liftedcl.images.h36m_people import read_h36m_people
from liftedcl.images.mpii_people import mpii_people, read_mpii_joints
from liftedcl.images.own_people import BOXES, read_own_people
from liftedcl.images.person_box import Box, cut, extend_box
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.recipes.data_recipes import Crops

COLUMNS = (
    "image_id", "annotation_id", "file", "box_x", "box_y", "box_width", "box_height",
    "crop_x", "crop_y", "crop_width", "crop_height", "scale",
)  # fmt: skip
"""Index of a shard of crops: the image's file, both boxes in image pixels, and crop pixels per image pixel."""

DAMAGE = ("no_area", "outside_image")
"""Reasons to leave out a person that mean damaged annotations, where they are more than a few."""

SKIP_REASONS = ("crowd", *DAMAGE, "too_small", "too_few_keypoints")

_LARGEST = 10  # a box above ten times its image is a damaged number; its padding would fill the memory


def why_skipped(person: Person, image: PeopleImage, recipe: Crops) -> str | None:
    """Why a person gives no crop, as a key of the report; None if the annotation allows a crop."""
    if person.crowd:
        return "crowd"
    if person.box is None:  # the image's size is unknown until it is decoded
        return None
    x, y, width, height = person.box
    if not all(map(math.isfinite, person.box)) or width <= 0 or height <= 0:
        return "no_area"
    if width > _LARGEST * image.width or height > _LARGEST * image.height:
        return "no_area"
    if x >= image.width or y >= image.height or x + width <= 0 or y + height <= 0:
        return "outside_image"
    if min(width, height) < recipe.min_side:
        return "too_small"
    too_few = person.keypoints is not None and person.keypoints < recipe.min_keypoints
    return "too_few_keypoints" if too_few else None


def make_crops(root: str | Path, split: str, out: str | Path, recipe: Crops, *, workers: int | None = None) -> None:
    """Cut every person of a COCO-layout folder into the shard ``out``, ordered by image id and annotation id.

    Raises:
        InputError: annotations are missing or damaged, over 1% of the images or people are unusable, over 1% of the
            images may be annotated as turned by their EXIF tag, or no crop is left.
    """
    _pack(read_people(root, split), annotation_path(root, split), image_folder(root, split), out, recipe, workers)


def make_h36m_crops(root: str | Path, out: str | Path, recipe: Crops, *, workers: int | None = None) -> None:
    """As `make_crops`, for the training subjects of a Human3.6M folder, ordered by file name."""
    images, left_out = read_h36m_people(root, recipe.h36m_stride)
    found = FoundPeople(images, left_out=left_out)
    _pack(found, Path(root) / POSES["train"], Path(root) / "images", out, recipe, workers)


def make_mpii_crops(root: str | Path, out: str | Path, recipe: Crops, *, workers: int | None = None) -> None:
    """As `make_crops`, for the training people of an MPII folder, in boxes around their joints, in the file's order."""
    found = mpii_people(root, read_mpii_joints(root))
    _pack(found, Path(root) / ANNOTATIONS["train"], Path(root) / IMAGES, out, recipe, workers)


def make_own_crops(root: str | Path, out: str | Path, recipe: Crops, *, workers: int | None = None) -> None:
    """As `make_crops`, for a folder of the user's own images, ordered as `read_own_people` does."""
    boxes = Path(root) / BOXES
    _pack(read_own_people(root), boxes if boxes.exists() else Path(root), Path(root), out, recipe, workers)


def _pack(found: FoundPeople, where: Path, folder: Path, out: str | Path, recipe: Crops, workers: int | None) -> None:
    """Write the shard of ``found``: images below ``folder``, whose people ``where``, a file or a folder, annotates."""
    images = found.images
    reasons = [[why_skipped(person, image, recipe) for person in image.people] for image in images]
    counts = collections.Counter(itertools.chain.from_iterable(reasons))
    wanted = []
    for image, row in zip(images, reasons, strict=True):
        kept = tuple(person for person, reason in zip(image.people, row, strict=True) if reason is None)
        if kept:
            wanted.append(dataclasses.replace(image, people=kept))
    skipped = {reason: counts[reason] for reason in SKIP_REASONS}
    report = {
        "people": counts.total() + sum(found.left_out.values()),
        **{f"skipped_{reason}": count for reason, count in {**found.left_out, **skipped}.items()},
    }
    _check_damage(images, reasons, counts, where)
    told = ", ".join(f"{count:,} {reason}" for reason, count in skipped.items() if count)
    if not wanted:
        raise InputError(f"{where}: no person gives a crop ({told}); lower crops.min_keypoints or min_side")
    notes = [f"{where}: of {counts.total():,} people left out: {told}"] if told else []
    for note in [*found.notes, *notes]:
        print(f"note: {note}", file=sys.stderr, flush=True)

    unused, turns = dict.fromkeys(wanted), TurnEvidence()
    with ShardWriter(out, recipe.height, recipe.width, COLUMNS) as shard:
        results = process_images(functools.partial(_cut_people, recipe), wanted, workers=workers, title="crop")
        for image, header, boxes, crops in results:
            del unused[image]
            if header is not None:
                turns.see(image.path.name, header)
            for person, box, crop in zip(image.people, boxes, crops, strict=True):
                rectangle = extend_box(box)
                place = dataclasses.astuple(rectangle)
                identity = (image.image_id, person.annotation_id, image.path.relative_to(folder).as_posix())
                shard.append(crop, (*identity, *box, *place, recipe.height / rectangle.height))
        if unclear := turns.check(len(wanted), where):
            print(f"warning: {unclear}", file=sys.stderr, flush=True)
        lost = sum(len(image.people) for image in unused)
        shard.report = {
            **report,
            "crops": counts[None] - lost,
            "images": len(wanted),
            "broken_images": sorted(image.path.name for image in unused),
            "skipped_broken_image": lost,
            "images_unclear_by_exif": turns.unclear if unclear else [],
            "notes": found.notes,
            "recipe": dataclasses.asdict(recipe),
        }


def _check_damage(
    images: list[PeopleImage], reasons: list[list[str | None]], counts: collections.Counter[str | None], where: Path
) -> None:
    """Raise `InputError` if over 1% of the people are left out for a reason that means damage."""
    damaged = [reason for reason in DAMAGE if counts[reason]]
    count = sum(counts[reason] for reason in damaged)
    if count <= TOLERATED_SHARE * counts.total():
        return
    image, person = next(
        (image, person)
        for image, row in zip(images, reasons, strict=True)
        for person, reason in zip(image.people, row, strict=True)
        if reason in damaged
    )
    raise InputError(
        f"{where}: {count:,} of {counts.total():,} people have no usable box ({', '.join(damaged)}), more than "
        f"{TOLERATED_SHARE:.0%}; the first is annotation {person.annotation_id} of {image.path.name}: {person.box} "
        f"(x, y, width, height) in {image.width}x{image.height} pixels; mend the boxes"
    )


def _cut_people(
    recipe: Crops, image: PeopleImage
) -> tuple[PeopleImage, ImageHeader | None, list[Box], list[np.ndarray]]:
    """The image, its header if it has boxes, the boxes and the crops. Without boxes it is turned upright first."""
    header = None
    if image.width is not None and image.height is not None:
        header = read_header(image.path)
        header.check_size(image.path, image.width, image.height)
    pixels = read_image(image.path, upright=header is None)
    height, width = pixels.shape[:2]
    if header is None and min(width, height) < recipe.min_side:
        raise BrokenImageError(image.path, f"{width}x{height} pixels, below crops.min_side ({recipe.min_side:g})")
    boxes = [person.box or (0.0, 0.0, float(width), float(height)) for person in image.people]
    crops = [cut(pixels, extend_box(box), height=recipe.height, width=recipe.width) for box in boxes]
    return image, header, boxes, crops


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.crops",
        description="Cut the people of COCO, Human3.6M, MPII or of your own images into 4:3 crops and pack them into "
        "one shard: NAME.npy (pixels), NAME.csv (index) and NAME.json (what was kept and skipped).",
        epilog="example: python -m liftedcl.crops --coco data/coco --split train --out runs/crops/crops.npy --recipe "
        '\'{"height": 256, "width": 192, "min_keypoints": 1, "min_side": 8}\'',
    )
    parser.add_argument("--recipe", required=True, metavar="JSON", help="section crops of params.yaml: text or file")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--coco", type=Path, metavar="FOLDER", help="folder in COCO's layout")
    source.add_argument("--h36m", type=Path, metavar="FOLDER", help="folder of Human3.6M; training subjects only")
    source.add_argument("--mpii", type=Path, metavar="FOLDER", help="folder of MPII; its training people")
    source.add_argument(
        "--people", type=Path, metavar="FOLDER", help="your own images, with boxes.json or each of one person"
    )
    parser.add_argument("--split", choices=("train", "val"), help="of COCO (default: train)")
    parser.add_argument("--out", required=True, type=Path, metavar="NAME.npy", help="the shard to write")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw some of the crops as well (figure 6)")
    parser.add_argument("--workers", type=int, metavar="N", help="threads; every core by default; never changes a byte")
    arguments = parser.parse_args()
    recipe = read_recipe(Crops, arguments.recipe)
    if arguments.coco:
        make_crops(arguments.coco, arguments.split or "train", arguments.out, recipe, workers=arguments.workers)
    elif arguments.split:
        raise InputError("--split: goes with --coco only, leave it out")
    elif arguments.h36m:
        make_h36m_crops(arguments.h36m, arguments.out, recipe, workers=arguments.workers)
    elif arguments.mpii:
        make_mpii_crops(arguments.mpii, arguments.out, recipe, workers=arguments.workers)
    else:
        make_own_crops(arguments.people, arguments.out, recipe, workers=arguments.workers)
    if arguments.sheet:
        write_contact_sheet(open_shard(arguments.out).images, arguments.sheet)


if __name__ == "__main__":
    run_cli(main)
