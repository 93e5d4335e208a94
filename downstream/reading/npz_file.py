"""Reading npz files from elsewhere: plain arrays only, and an error says what is wrong with the file."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from liftedcl.identity.errors import InputError


def read_arrays(
    path: Path, keys: tuple[str, ...], remedy: str, optional: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """The arrays ``keys`` of an npz file, and those of ``optional`` that it holds. Nothing is ever unpickled.

    Raises:
        InputError: the file is missing, damaged or not an npz, lacks a key, or holds pickled objects under one.
    """
    arrays = {}
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: is one array, not an npz of several; {remedy}")
        with file:
            missing = [key for key in keys if key not in file.files]
            if missing:
                raise InputError(f"{path}: has no array {', '.join(missing)}; {remedy}")
            for key in (*keys, *(key for key in optional if key in file.files)):
                try:
                    arrays[key] = file[key]
                except ValueError as error:
                    if "allow_pickle" not in str(error):
                        raise
                    raise InputError(
                        f"{path}: {key} holds pickled objects, which are never loaded; in a session that trusts the "
                        f"file save it again as plain numbers or text; {remedy}"
                    ) from None
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"{path}: not found; {remedy}") from None
    except (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not an npz of plain arrays ({error}), truncated or damaged; {remedy}") from None
    return arrays
