"""A pipe in the place of a data set's file is named: waiting for it would never end."""

import os
import signal

import pytest

from downstream.lip.reader import read_label
from downstream.reading.restricted_pickle import load_plain
from liftedcl.files.image_files import read_image
from liftedcl.files.image_header import BrokenImageError, read_header
from liftedcl.files.mat_file import read_mat
from liftedcl.identity.errors import InputError

READERS = {
    "image": read_image,
    "header": read_header,
    "label map": read_label,
    "pickle": lambda path: load_plain(path, "get it again"),
    ".mat": lambda path: read_mat(path, ["a"], "get it again"),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_pipe_is_named_instead_of_waited_for(tmp_path, kind):
    os.mkfifo(tmp_path / "pipe")
    signal.alarm(20)  # ends this process if the reader waits
    try:
        with pytest.raises((InputError, BrokenImageError), match="a pipe"):
            READERS[kind](tmp_path / "pipe")
    finally:
        signal.alarm(0)
