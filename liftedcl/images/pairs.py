"""Pairs of a shard's images that show one person, for methods that complete one image with the help of another.

``NAME.pairs.csv`` beside the shard ``NAME.npy`` has a line ``first,second,kind`` for each pair: two rows of the shard,
from 0 on, and one of `KINDS`. The order counts: the first image is the one to be completed. ``NAME.pairs.json`` holds
the count, the checksums of the list and of the shard that it numbers, and the maker's report. The JSON is removed first
and appears last, so a list that has one is whole.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from liftedcl.identity.errors import InputError
from liftedcl.images.list_beside import ListBeside
from liftedcl.images.shard import REMEDY, Shard
from liftedcl.images.shard_union import ShardUnion

KINDS = ("view", "pose")
"""view: the same instant, seen by another camera; pose: the same camera at another moment."""

_COLUMNS = ("first", "second", "kind")
_LISTS = ListBeside("pairs", "list of pairs", "remove it and run `python -m liftedcl.pairs` again, which makes it")


@dataclass(frozen=True)
class PairList:
    """Pairs of a shard's images: ``first`` and ``second``, rows of the shard, ``kinds``, places in `KINDS`.

    All three are (P,) int64, with at least one pair.
    """

    first: np.ndarray
    second: np.ndarray
    kinds: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def write_pairs(shard: Shard, pairs: PairList, report: dict[str, Any]) -> None:
    """Write a list of pairs beside ``shard``, atomically, with ``report`` in its description."""
    names = np.array(KINDS)[pairs.kinds]
    rows = zip(pairs.first.tolist(), pairs.second.tolist(), names.tolist(), strict=True)
    _LISTS.write(shard, _COLUMNS, rows, {"count": len(pairs), "report": report})


def open_pairs(shard: Shard | ShardUnion) -> PairList:
    """The pairs of a shard, or of several with the rows of their union.

    Raises:
        InputError: a shard has no pairs, or its list is damaged or was made for another shard.
    """
    shards = shard.shards if isinstance(shard, ShardUnion) else (shard,)
    lists, start = [], 0
    for each in shards:
        pairs = _read(each)
        lists.append((pairs.first + start, pairs.second + start, pairs.kinds))
        start += len(each)
    return PairList(*(np.concatenate(parts) for parts in zip(*lists, strict=True)))


def index_text(shard: Shard, column: str) -> list[str]:
    """A column of a shard's index as it is written: pandas takes names without letters for numbers, and rounds ids."""
    import pandas as pd

    table = shard.path.with_suffix(".csv")
    if column not in shard.index:
        raise InputError(f"{table}: has no column {column}, which lists of pairs need; {REMEDY}")
    return pd.read_csv(table, usecols=[column], dtype=str, keep_default_na=False)[column].tolist()


def _read(shard: Shard) -> PairList:
    types = {"first": np.int64, "second": np.int64, "kind": str}
    rows, _ = _LISTS.read(
        shard,
        types,
        missing="and a method that completes an image from another of the same person needs one; train it on h36m, or "
        "on people with a list (docs/data/people.md)",
    )
    kinds = rows["kind"].map({kind: place for place, kind in enumerate(KINDS)}).to_numpy(np.int64)
    return PairList(rows["first"].to_numpy(), rows["second"].to_numpy(), kinds)
