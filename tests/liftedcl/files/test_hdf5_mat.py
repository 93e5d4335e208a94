"""Matlab 7.3 files: matrices come back in Matlab's order, and whatever is wrong with a file is one line."""

import h5py
import numpy as np
import pytest

from liftedcl.files.hdf5_mat import read_cells, write_cells
from liftedcl.identity.errors import InputError

MATRICES = [np.arange(6, dtype=np.uint8).reshape(2, 3) + n for n in range(5)]


@pytest.fixture
def path(tmp_path):
    write_cells(tmp_path / "a.mat", "Feat", MATRICES)
    return tmp_path / "a.mat"


def read(path, chosen=slice(None)):
    return read_cells(path, "Feat", chosen, "get it again")


def fails(path, *named):
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message and message.endswith("get it again") and "\n" not in message
    assert all(name in message for name in named), message


def test_matrices_come_back_and_only_the_chosen_ones_are_read(path):
    found, count = read(path, slice(None, None, 2))
    assert count == 5
    for one, other in zip(found, MATRICES[::2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_file_is_laid_out_as_matlab_writes_it(path):
    """A header of 512 bytes, a cell array of references, and each matrix transposed."""
    assert path.read_bytes().startswith(b"MATLAB 7.3 MAT-file") and path.read_bytes()[512:516] == b"\x89HDF"
    with h5py.File(path) as file:
        assert file["Feat"].shape == (5, 1) and file["Feat"].attrs["MATLAB_class"] == b"cell"
        np.testing.assert_array_equal(file[file["Feat"][3, 0]][()], MATRICES[3].T)


def test_equal_matrices_give_equal_bytes(path, tmp_path):
    write_cells(tmp_path / "b.mat", "Feat", MATRICES)
    assert (tmp_path / "b.mat").read_bytes() == path.read_bytes()


def test_a_row_and_a_column_of_cells_are_the_same(path, tmp_path):
    with h5py.File(path, "r+") as file:
        row = file["Feat"][()].T
        del file["Feat"]
        file.create_dataset("Feat", data=row, dtype=h5py.ref_dtype)
    np.testing.assert_array_equal(read(path)[0][4], MATRICES[4])


def test_what_is_damaged_is_named(path, tmp_path):
    content = path.read_bytes()
    fails(tmp_path / "none.mat", "not found")
    for damaged in (content[:700], content[: len(content) // 2], b"", b"MATLAB 5.0 MAT-file" + bytes(600)):
        path.write_bytes(damaged)
        fails(path)


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (lambda file: file.create_dataset("Other", data=[1]), "no variable Feat"),
        (lambda file: file.create_dataset("Feat", data=[[1, 2]]), "no row of cells"),
        (lambda file: file.create_dataset("Feat", (2, 1), dtype=h5py.ref_dtype), "empty"),
        (lambda file: file.create_group("Feat"), "no array"),
        (lambda file: file.__setitem__("Feat", h5py.ExternalLink("other.mat", "/Feat")), "no variable Feat"),
        (lambda file: file.__setitem__("Feat", h5py.SoftLink("/a")), "no variable Feat"),
    ],
)
def test_what_is_no_cell_array_is_named(tmp_path, made, named):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        made(file)
    fails(tmp_path / "a.mat", named)


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ({"shape": (3, 3, 3), "dtype": "u1"}, "not a matrix"),
        ({"shape": (100_000, 100_000), "dtype": "u1", "chunks": (1000, 1000), "compression": "gzip"}, "not a matrix"),
        ({"shape": (3, 3), "dtype": "c16"}, "not a matrix"),
        ({"shape": (3, 3), "dtype": h5py.string_dtype()}, "not a matrix"),
        ({"shape": (3, 3), "dtype": "u1", "external": [("secret", 0, 9)]}, "in another file"),
        ({"shape": (3, 3), "dtype": "u1", "compression": "lzf"}, "a filter of its own"),
    ],
)
def test_a_cell_that_is_no_small_matrix_of_this_file_is_refused_before_it_is_read(tmp_path, cell, named):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        stored = file.create_dataset("cell", **cell)
        file.create_dataset("Feat", (1, 1), dtype=h5py.ref_dtype)[0, 0] = stored.ref
    fails(tmp_path / "a.mat", named)
