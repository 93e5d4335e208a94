"""Write the joints of packed person crops beside them, for methods that learn from joints: COCO's and MPII's people."""

import argparse
from pathlib import Path

import numpy as np

from liftedcl.files.contact_sheet import write_contact_sheet
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.images.coco_joints import read_coco_joints
from liftedcl.images.modalities import open_modalities, sheet_of_modalities, write_modalities
from liftedcl.images.mpii_people import read_mpii_joints
from liftedcl.images.pairs import index_text
from liftedcl.images.shard import REMEDY, Shard, open_shard


def make_coco_modalities(root: str | Path, crops: str | Path) -> None:
    """Write what the crops ``crops``, which were cut from the COCO folder ``root``, have besides their pixels.

    Raises:
        InputError: crops or annotations are missing or damaged, or a crop shows nobody of the annotations.
    """
    _write(open_shard(crops), *read_coco_joints(root))


def make_mpii_modalities(root: str | Path, crops: str | Path) -> None:
    """As `make_coco_modalities`, for crops of MPII."""
    people = read_mpii_joints(root)
    _write(open_shard(crops), list(range(len(people.names))), people.joints, people.labelled)


def _write(shard: Shard, ids: list[int], joints: np.ndarray, labelled: np.ndarray) -> None:
    """The joints (N, 13, 2) of the people ``ids``, in px of their images, moved into the crops."""
    places = {str(identity): place for place, identity in enumerate(ids)}
    wanted = index_text(shard, "annotation_id")
    unknown = [identity for identity in wanted if identity not in places]
    if unknown:
        raise InputError(
            f"{shard.path}: shows person {unknown[0]}, whom the annotations don't have; pack the crops again from the "
            f"same folder ({REMEDY})"
        )
    rows = np.array([places[identity] for identity in wanted])
    corner = shard.index[["crop_x", "crop_y"]].to_numpy(np.float64)[:, None]
    scale = shard.index["scale"].to_numpy(np.float64)[:, None, None]
    moved = (joints[rows] + 0.5 - corner) * scale - 0.5  # pixel centres are at whole numbers
    height, width = shard.image_size
    inside = (moved >= -0.5).all(axis=2) & (moved < [width - 0.5, height - 0.5]).all(axis=2)
    shown = labelled[rows] & inside
    report = {"with_joints": int(shown.any(axis=1).sum()), "labelled_outside": int((labelled[rows] & ~inside).sum())}
    write_modalities(shard, moved, shown, np.zeros(len(shard), bool), report)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.modalities",
        description="Write where the joints of packed person crops are: NAME.modalities.csv and .json beside NAME.npy.",
        epilog="example: python -m liftedcl.modalities --coco data/demo/coco --crops runs/demo/crops.npy",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--coco", type=Path, metavar="FOLDER", help="the COCO whose training people the crops show")
    source.add_argument("--mpii", type=Path, metavar="FOLDER", help="the MPII whose training people the crops show")
    parser.add_argument("--crops", required=True, type=Path, metavar="NAME.npy", help="a shard of liftedcl.crops")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw some of the crops with their joints as well")
    arguments = parser.parse_args()
    if arguments.coco:
        make_coco_modalities(arguments.coco, arguments.crops)
    else:
        make_mpii_modalities(arguments.mpii, arguments.crops)
    if arguments.sheet:
        shard = open_shard(arguments.crops)
        write_contact_sheet(sheet_of_modalities(shard, open_modalities(shard)), arguments.sheet, columns=4, rows=6)


if __name__ == "__main__":
    run_cli(main)
