"""Stage I images: an ImageFolder packed into one shard of squares, to which whole pictures are squeezed.

The index keeps each picture's own size, so that views of it are drawn in its own shape, as if from the picture itself.
"""

import argparse
import dataclasses
import functools
import sys
from pathlib import Path

import numpy as np

from liftedcl.files.image_files import process_images, read_image, resize
from liftedcl.files.image_listing import SUFFIXES, Listing, list_images
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from liftedcl.images.shard import ShardWriter
from liftedcl.recipes.data_recipes import Pictures

COLUMNS = ("file", "label", "picture_width", "picture_height")
_NOTES = 10
REMEDY = "get it as docs/data.md describes, or name the folder with --config imagenet=FOLDER"


def list_classes(folder: Path) -> dict[str, Listing]:
    """Classes in alphabetical order, with their images and what is left out.

    Raises:
        InputError: the folder is missing or has no class.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; {REMEDY}")
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise InputError(f"{folder}: holds no folder, and needs one for each class; {REMEDY}")
    return {name: list_images(folder / name) for name in classes}


def list_pictures(folder: Path) -> tuple[list[str], list[tuple[Path, int]], list[str]]:
    """Class names in alphabetical order, (file, label) by class and path, and notes about what is left out.

    Raises:
        InputError: as `list_classes`, or classes have no image: all of them are counted.
    """
    listings = list_classes(folder)
    notes = [f"{folder / name}: {listing.note()}" for name, listing in listings.items() if listing.left_out]
    if empty := [name for name, listing in listings.items() if not listing.images]:
        others = f", nor do {len(empty) - 1:,} more of {len(listings):,} classes" if len(empty) > 1 else ""
        left_out = listings[empty[0]].note()
        also = f" ({left_out})" if left_out else ""
        raise InputError(f"{folder / empty[0]}: holds no {', '.join(SUFFIXES)} image{also}{others}; {REMEDY}")
    pictures = [(file, label) for label, listing in enumerate(listings.values()) for file in listing.images]
    return list(listings), pictures, notes


def pack_pictures(root: Path, split: str, out: Path, recipe: Pictures, *, workers: int | None = None) -> None:
    """Pack ``ROOT/SPLIT/CLASS/**`` into the shard ``out``, by class and path.

    Raises:
        InputError: as `list_pictures`, or more than 1% of the images are unusable.
    """
    folder = root / split
    classes, pictures, notes = list_pictures(folder)
    for note in notes[:_NOTES]:
        print(f"note: {note}", file=sys.stderr, flush=True)
    if len(notes) > _NOTES:
        print(f"note: and so in {len(notes) - _NOTES:,} more classes", file=sys.stderr, flush=True)
    unused = {_name(folder, file) for file, _ in pictures}
    with ShardWriter(out, recipe.size, recipe.size, COLUMNS) as shard:
        read = functools.partial(_read, recipe, folder)
        for name, label, size, pixels in process_images(read, pictures, workers=workers, title=f"pack {split}"):
            unused.discard(name)
            shard.append(pixels, (name, label, *size))
        shard.report = {
            "classes": classes,
            "pictures": len(pictures) - len(unused),
            "broken_images": sorted(unused),
            "notes": notes,
            "recipe": dataclasses.asdict(recipe),
        }


def _name(folder: Path, file: Path) -> str:
    """CLASS/FILE, as the index has it."""
    return file.relative_to(folder).as_posix()


def _read(recipe: Pictures, folder: Path, picture: tuple[Path, int]) -> tuple[str, int, tuple[int, int], np.ndarray]:
    """Name, label, width and height, and the squeezed pixels."""
    (file, label), image = picture, read_image(picture[0])
    squeezed = resize(image, height=recipe.size, width=recipe.size)
    return _name(folder, file), label, (image.shape[1], image.shape[0]), squeezed


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.pictures",
        description="Pack an ImageFolder (ROOT/SPLIT/CLASS/*.jpg, .jpeg or .png, in subfolders too) into a shard of "
        "squares: NAME.npy (pixels), NAME.csv (file, label, the picture's own size) and NAME.json (class names).",
        epilog="example: python -m liftedcl.pictures --imagenet data/imagenet --split train "
        "--out runs/pictures/pictures.npy --recipe '{\"size\": 320}'",
    )
    parser.add_argument("--recipe", required=True, metavar="JSON", help="section pictures of params.yaml, text or file")
    parser.add_argument("--imagenet", required=True, type=Path, metavar="FOLDER", help="ImageFolder with its splits")
    parser.add_argument("--split", required=True, choices=("train", "val"))
    parser.add_argument("--out", required=True, type=Path, metavar="NAME.npy", help="the shard to write")
    parser.add_argument("--workers", type=int, metavar="N", help="threads; every core by default; never changes a byte")
    arguments = parser.parse_args()
    recipe = read_recipe(Pictures, arguments.recipe)
    pack_pictures(arguments.imagenet, arguments.split, arguments.out, recipe, workers=arguments.workers)


if __name__ == "__main__":
    run_cli(main)
