"""Several shards as one, with their rows numbered consecutively in the order of the shards."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liftedcl.identity.errors import InputError
from liftedcl.images.shard import Shard, open_shard

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ShardUnion:
    """The part of a `Shard` that methods and batches use, for several shards of one image size."""

    shards: tuple[Shard, ...]

    def __len__(self) -> int:
        return sum(map(len, self.shards))

    @property
    def path(self) -> str:
        """The files, for messages."""
        return ", ".join(str(shard.path) for shard in self.shards)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.shards[0].image_size

    @property
    def checksum(self) -> str:
        """The shards' checksums in order, since exchanging two shards gives another training set."""
        return "+".join(shard.checksum for shard in self.shards)

    @property
    def index(self) -> "pd.DataFrame":
        """The columns that all shards have, without ``label``, because each shard numbers its own classes."""
        import pandas as pd

        tables = [shard.index.drop(columns="label", errors="ignore") for shard in self.shards]
        return pd.concat(tables, join="inner", ignore_index=True)

    def gather(self, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """As `Shard.gather`, for rows of the union."""
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows from {rows.min()} to {rows.max()} of {len(self)}")
        out = np.empty((len(rows), *self.image_size, 3), dtype=np.uint8) if out is None else out
        start = 0
        for shard in self.shards:
            places = np.flatnonzero((rows >= start) & (rows < start + len(shard)))
            # The batch keeps its random order, so every group of a batch norm mixes the sets.
            out[places] = shard.gather(rows[places] - start)
            start += len(shard)
        return out


def open_shards(paths: Sequence[str | Path]) -> Shard | ShardUnion:
    """Open one shard, or several as one, without reading their pixels.

    Raises:
        InputError: a shard can't be opened, or its images differ in size from the first one's.
    """
    shards = tuple(open_shard(path) for path in paths)
    if len(shards) == 1:
        return shards[0]
    for shard in shards[1:]:
        if shard.image_size != shards[0].image_size:
            size, first = ("{}x{}".format(*each.image_size) for each in (shard, shards[0]))
            raise InputError(
                f"{shard.path}: images of {size}, those of {shards[0].path} are {first}; "
                "pack both at the same height and width (section crops of params.yaml)"
            )
    return ShardUnion(shards)
