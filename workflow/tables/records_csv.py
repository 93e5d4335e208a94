"""Records of a table as csv."""

from pathlib import Path
from typing import Any

from liftedcl.files.atomic import atomic_path


def write_csv(path: Path, records: list[dict[str, Any]]) -> None:
    """Write ``records``, which have the same keys, whole or not at all."""
    import pandas as pd  # slow to import, and not needed to plan or to print --help

    with atomic_path(path) as part:
        pd.DataFrame(records).to_csv(part, index=False, lineterminator="\n")
