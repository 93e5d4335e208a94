"""List the pairs of packed person crops, for methods that complete one image of a person from another."""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

from liftedcl.files.contact_sheet import write_contact_sheet
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError, run_cli
from liftedcl.identity.recipe import read_recipe
from liftedcl.images.h36m_pairs import h36m_pairs
from liftedcl.images.own_pairs import PAIRS, own_pairs
from liftedcl.images.pairs import KINDS, PairList, open_pairs, write_pairs
from liftedcl.images.shard import Shard, open_shard
from liftedcl.recipes.data_recipes import H36MPairs

_SHOWN = 16  # pairs of each kind, in rows of four


def make_h36m_pairs(root: str | Path, crops: str | Path, recipe: H36MPairs) -> None:
    """Write the pairs of the Human3.6M crops ``crops``, which were cut from the folder ``root``, beside them.

    Raises:
        InputError: crops or annotations are missing or damaged, or no pair is in a range.
    """
    shard = open_shard(crops)
    pairs, report = h36m_pairs(root, shard, recipe)
    write_pairs(shard, pairs, {**report, "recipe": dataclasses.asdict(recipe)})


def make_own_pairs(root: str | Path, crops: str | Path) -> None:
    """Write the pairs that the folder ``root`` of the user's own images lists beside ``crops``, which are cut from it.

    Raises:
        InputError: the crops or the list are missing or damaged, or a line of the list is wrong.
    """
    shard = open_shard(crops)
    pairs, report = own_pairs(root, shard)
    if report["without_crop"]:
        told = f"left out {report['without_crop']:,} pairs of which a person has no crop; the first is"
        print(f"note: {Path(root) / PAIRS}: {told} {report['first_without_crop'][0]}", file=sys.stderr, flush=True)
    write_pairs(shard, pairs, report)


def sheet_of_pairs(shard: Shard, pairs: PairList) -> np.ndarray:
    """Up to 16 pairs of each kind, evenly spread, first and second side by side: (N, H, 2 W, 3) uint8."""
    places = [np.flatnonzero(pairs.kinds == kind) for kind in range(len(KINDS))]
    shown = np.concatenate([of[evenly_spread(len(of), _SHOWN)] for of in places])
    return np.concatenate([shard.gather(pairs.first[shown]), shard.gather(pairs.second[shown])], axis=2)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m liftedcl.pairs",
        description="List which of packed person crops show one person from two cameras or at two moments: "
        "NAME.pairs.csv and NAME.pairs.json beside the crops NAME.npy.",
        epilog="example: python -m liftedcl.pairs --crops runs/demo/h36m_crops.npy --h36m data/demo/h36m --recipe "
        '\'{"view_angle": [0, 120], "pose_gap": [1, 2], "most": 150000, "seed": 0}\'',
    )
    parser.add_argument("--crops", required=True, type=Path, metavar="NAME.npy", help="a shard of liftedcl.crops")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--h36m", type=Path, metavar="FOLDER", help="the Human3.6M that the crops are cut from")
    source.add_argument("--people", type=Path, metavar="FOLDER", help="your own images, with the list pairs.csv")
    parser.add_argument("--recipe", metavar="JSON", help="with --h36m: section h36m_pairs of params.yaml, text or file")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw some of the pairs as well")
    arguments = parser.parse_args()
    if bool(arguments.h36m) != bool(arguments.recipe):
        raise InputError("--recipe: goes with --h36m, and only with it")
    if arguments.h36m:
        make_h36m_pairs(arguments.h36m, arguments.crops, read_recipe(H36MPairs, arguments.recipe))
    else:
        make_own_pairs(arguments.people, arguments.crops)
    if arguments.sheet:
        shard = open_shard(arguments.crops)
        write_contact_sheet(sheet_of_pairs(shard, open_pairs(shard)), arguments.sheet, columns=4, rows=8)


if __name__ == "__main__":
    run_cli(main)
