"""Fingerprints of the files that decide a run."""

from pathlib import Path

from liftedcl.files.atomic import sha256_of_file
from liftedcl.identity.errors import InputError


def fingerprint(paths: dict[str, Path], remedy: str) -> dict[str, str]:
    """SHA-256 of each file, under its name in ``paths``.

    Raises:
        InputError: a file that is missing; the message ends with ``remedy``.
    """
    try:
        return {name: sha256_of_file(path) for name, path in paths.items()}
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: not found; {remedy}") from None
