"""Damaged files of arrays and tensors: each flipped bit is noticed, and no claim makes a reader allocate or wait."""

import resource
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from liftedcl.files import array_file, tensor_file
from liftedcl.files.array_file import read_array, read_arrays, write_array
from liftedcl.identity.errors import InputError

REMEDY = "make it again"


def flipped(content, bit):
    content = bytearray(content)
    content[bit // 8] ^= 1 << bit % 8
    return bytes(content)


def plain(value):
    """Tensors, whatever they are in, as lists."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.tolist()
    return {key: plain(part) for key, part in value.items()} if isinstance(value, dict) else value


def test_no_flipped_bit_changes_what_a_tensor_file_holds(tmp_path):
    path, value = (
        tmp_path / "last.pt",
        {"a": torch.arange(40.0), "b": {"step": 7, "c": torch.ones(3, dtype=torch.int64)}},
    )
    tensor_file.save(value, path)
    whole, found = path.read_bytes(), {"noticed": 0, "harmless": 0}
    for bit in np.random.default_rng(0).choice(8 * len(whole), 150, replace=False):
        path.write_bytes(flipped(whole, bit))
        try:
            assert plain(tensor_file.load(path)) == plain(value)
            found["harmless"] += 1  # padding between records, a date
        except InputError as error:
            assert "\n" not in str(error) and str(error).startswith(str(path))
            found["noticed"] += 1
    assert min(found.values()) > 20


def test_every_byte_of_a_tensor_is_under_the_checksum(tmp_path):
    path, values = tmp_path / "encoder.pt", torch.arange(1000.0)
    tensor_file.save({"weight": values}, path)
    whole = path.read_bytes()
    start = whole.index(values.numpy().tobytes())
    for byte in range(start, start + 4000, 97):
        path.write_bytes(flipped(whole, 8 * byte))
        with pytest.raises(InputError, match=r"damaged: the checksum of its record .*/data/0 differs"):
            tensor_file.load(path)


def test_tensor_files_without_checksums_are_read(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"a": torch.arange(4)}, tmp_path / "a.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert plain(tensor_file.load(tmp_path / "a.pt")) == {"a": ("torch.int64", [0, 1, 2, 3])}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 4\n", "a pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html>Virus scan warning</html>", "a web page"),
    ],
)
def test_what_stands_in_a_checkpoints_place_is_named(tmp_path, content, named):
    (tmp_path / "encoder.pt").write_bytes(content)
    with pytest.raises(InputError, match=named):
        tensor_file.load(tmp_path / "encoder.pt")


def test_a_tensor_file_that_unpacks_to_more_than_it_has_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match=r"b\.pt: .*its records are larger than the file"):
        tensor_file.load(tmp_path / "b.pt")


def test_no_flipped_bit_changes_an_array_with_a_checksum(tmp_path):
    path, array = tmp_path / "x.npy", np.random.default_rng(0).normal(size=(5, 17, 3)).astype(np.float32)
    write_array(path, array)
    whole = path.read_bytes()
    np.testing.assert_array_equal(read_array(path, REMEDY), array)
    np.testing.assert_array_equal(np.load(path), array)  # numpy doesn't mind
    for bit in np.random.default_rng(1).choice(8 * len(whole), 150, replace=False):
        path.write_bytes(flipped(whole, bit))
        with pytest.raises(InputError, match=r"x\.npy: not a plain array .*; make it again") as error:
            read_array(path, REMEDY)
        assert "\n" not in str(error.value)


def npy(header, data=b""):
    text = header.encode("latin1")
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + data


HEADERS = [
    "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 999)}\n",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999, 9)}\n",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 9)}\n",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1.5)}\n",
    "{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}\n",
    "{'descr': '|V2147483647', 'fortran_order': False, 'shape': (2147483647,)}\n",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (((((((1",
    "{'descr': '<f99999999999', 'fortran_order': False, 'shape': (1,)}\n",
    "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}\n",
    "{'descr': 7, 'fortran_order': False, 'shape': (1,)}\n",
    "(" * 5000,
    "'" + "\0" * 20,
    "",
]


@pytest.fixture
def little_memory():
    """Two gigabytes more than now: an allocation of what a header claims fails the test."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**31, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_is_believed(tmp_path, header, little_memory):
    (tmp_path / "x.npy").write_bytes(npy(header, b"\0" * 8))
    for mapped in (False, True):
        with pytest.raises(InputError, match=r"x\.npy: not a plain array") as error:
            read_array(tmp_path / "x.npy", REMEDY, mapped=mapped)
        assert "\n" not in str(error.value) and "Unable to allocate" not in str(error.value)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", npy(header, b"\0" * 8))
    with pytest.raises(InputError, match=r"x\.npz: (not an npz of plain arrays|a holds pickled objects)") as error:
        read_arrays(tmp_path / "x.npz", ("a",), REMEDY)
    assert "Unable to allocate" not in str(error.value)


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, a=np.zeros(2**20, np.uint8), b=np.arange(2**18))
    monkeypatch.setattr(array_file, "_ALWAYS_TAKEN", 2**16)
    assert read_arrays(path, ("b",), REMEDY)["b"].sum() == 2**17 * (2**18 - 1)  # larger, but of as much content
    refusal = r"x\.npz: .*a\.npy would unpack to 1048704 bytes from \d+\)"
    with pytest.raises(InputError, match=refusal):
        read_arrays(path, ("a",), REMEDY)
    np.savez_compressed(path, a=np.zeros(2**20, np.uint8))
    packed = struct.pack("<I", zipfile.ZipFile(path).getinfo("a.npy").compress_size)
    lying = path.read_bytes().replace(packed, struct.pack("<I", 2**31))  # as if it were hardly packed at all
    for content in (path.read_bytes(), lying):
        path.write_bytes(content)
        with pytest.raises(InputError, match=refusal):
            read_arrays(path, ("a",), REMEDY)


def test_no_flipped_bit_changes_an_npz(tmp_path):
    path, array = tmp_path / "x.npz", np.random.default_rng(0).normal(size=(20, 3))
    np.savez_compressed(path, a=array)
    whole, noticed = path.read_bytes(), 0
    for bit in np.random.default_rng(2).choice(8 * len(whole), 150, replace=False):
        path.write_bytes(flipped(whole, bit))
        try:
            np.testing.assert_array_equal(read_arrays(path, ("a",), REMEDY)["a"], array)
        except InputError as error:
            assert "\n" not in str(error)
            noticed += 1
    assert noticed > 100
