"""Writes the lists of the parsing benchmark. No torch."""

import hashlib
from pathlib import Path

from liftedcl.data_sets.h36m.parsing_files import PARSING
from liftedcl.files.atomic import write_text


def write_list(root: Path, split: str, pictures: list[str], content: str) -> None:
    """Write the list of a split: paths of pictures below ``root``, a line each.

    A job runs again when its list changes, so its first line, a comment, has the SHA-256 of ``content``.
    """
    digest = hashlib.sha256(content.encode()).hexdigest()
    write_text(root / PARSING[split], "".join(f"{line}\n" for line in (f"# {digest}", *pictures)))
