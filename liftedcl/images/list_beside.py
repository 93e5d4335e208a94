"""Lists that tell more of a shard's images than its index: ``NAME.SUFFIX.csv`` beside the shard ``NAME.npy``.

``NAME.SUFFIX.json`` holds the checksums of the list and of the shard that it numbers, and what its maker adds. The JSON
is removed first and appears last, so a list that has one is whole.
"""

import contextlib
import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liftedcl.files.atomic import atomic_path, json_text, read_json, require_file, sha256_of_file
from liftedcl.identity.errors import InputError
from liftedcl.images.shard import Shard

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ListBeside:
    """One kind of list: the ``suffix`` of its files, its ``title`` in messages, the remedy for a damaged one."""

    suffix: str
    title: str
    remedy: str

    def write(self, shard: Shard, columns: Sequence[str], rows: Iterable[Sequence[Any]], meta: dict[str, Any]) -> None:
        """Write ``rows`` beside ``shard``, atomically, with ``meta`` in the description."""
        table, description = self._files(shard)
        with contextlib.ExitStack() as files:  # renamed in the reverse order: no description without its list
            described, listed = (files.enter_context(atomic_path(path)) for path in (description, table))
            with open(listed, "w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([columns, *rows])
            own = {"shard_sha256": shard.meta["sha256"], "index_sha256": shard.meta["index_sha256"]}
            described.write_text(json_text({**meta, **own, "sha256": sha256_of_file(listed)}), encoding="utf-8")
            description.unlink(missing_ok=True)

    def read(self, shard: Shard, types: dict[str, type], missing: str) -> tuple["pd.DataFrame", dict[str, Any]]:
        """The list of ``shard`` with columns of ``types``, and its description.

        Raises:
            InputError: there is none, which the message explains by ``missing``; or it is damaged, or of another shard.
        """
        import pandas as pd

        table, description = self._files(shard)
        if not description.exists() and not table.exists():
            raise InputError(f"{shard.path}: has no {self.title} ({table.name}), {missing}")
        meta = read_json(description, f"the {self.title} is not complete, {self.remedy}")
        require_file(table, self.remedy)
        if not isinstance(meta, dict) or sha256_of_file(table) != meta.get("sha256"):
            raise InputError(f"{table}: its checksum is not the one in {description.name}; {self.remedy}")
        if [meta.get("shard_sha256"), meta.get("index_sha256")] != [shard.meta["sha256"], shard.meta["index_sha256"]]:
            raise InputError(
                f"{table}: numbers the images of another {shard.path.name} than the present one; {self.remedy}"
            )
        return pd.read_csv(table, dtype=types), meta

    def _files(self, shard: Shard) -> tuple[Path, Path]:
        """The list of a shard and its description."""
        return tuple(shard.path.with_suffix(f".{self.suffix}.{kind}") for kind in ("csv", "json"))
