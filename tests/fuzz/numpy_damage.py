"""Damage of .npy and .npz files: headers that claim something else, other values, and a zip's own records."""

import io
import random
import struct
import zipfile
import zlib

import numpy as np
from fuzz.structure_damage import Made, damaged_array

_SHAPES = ("(10**12,)", "(1000000000000,)", "(-1,)", "(-5, 3)", "(1e400,)", "(4611686018427387904, 8)", "()",
           "(0,)", "(True,)", "('3',)", "3", "(" * 300, "(" + "9" * 5000 + ",)", "[3]", "None",
           "(2147483648, 17, 3)")  # fmt: skip
_TYPES = ("'|O'", "'<f99'", "'|V0'", "'<U4000000000'", "[('a', '<f8')]", "[]", "'M8[as]'", "3", "'<f8' * 99", "'|S0'",
          "{'names': 1}", "'\\x00'", "'<m8[y'", "'>f8'", "'?'", "'(9999999,9999999)f8'", "'<c16'")  # fmt: skip


def header(content: bytes, rng: random.Random) -> Made:
    """A .npy whose header claims another shape, type or length."""
    if content[:6] != b"\x93NUMPY":
        return None
    shape, order, dtype, rest = _read_header(content)
    fields = {"descr": repr(np.lib.format.dtype_to_descr(dtype)), "fortran_order": str(order), "shape": str(shape)}
    what = rng.choice(("shape", "descr", "fortran_order", "text", "length", "version"))
    if what == "shape":
        fields["shape"] = rng.choice(_SHAPES)
    elif what == "descr":
        fields["descr"] = rng.choice(_TYPES)
    elif what == "fortran_order":
        fields["fortran_order"] = rng.choice((str(not order), "1", "None", "'False'"))
    text = "{" + ", ".join(f"'{key}': {value}" for key, value in fields.items()) + ", }"
    if what == "text":
        text = rng.choice(
            (text[:-5], "{'descr': '", "(" * 99_00, "\0" * 100, text + "#", "[" + text, "__import__('os')")
        )
    packed = text.encode("latin1", errors="replace") + b"\n"
    length = len(packed) if what != "length" else rng.choice((0, 1, 65535, len(packed) + 5))
    if len(packed) > 65_000:
        return None
    version = rng.choice((b"\x02\x00", b"\x03\x00", b"\x09\x09")) if what == "version" else b"\x01\x00"
    size = struct.pack("<H", length) if version == b"\x01\x00" else struct.pack("<I", rng.choice((length, 2**32 - 1)))
    return b"\x93NUMPY" + version + size + packed + rest, f"header: {text[:120]} ({what})", False


def values(content: bytes, rng: random.Random) -> Made:
    """Another array in a whole .npy."""
    array, nonsense = damaged_array(np.load(io.BytesIO(content)), rng)
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue(), f"is now {array.shape} {array.dtype}", nonsense


def member_header(content: bytes, rng: random.Random) -> Made:
    """As `header`, of one array of an npz."""
    return _with_member(content, rng, header)


def member_values(content: bytes, rng: random.Random) -> Made:
    """As `values`, of one array of an npz; or a member is gone, twice or of another name."""
    return _with_member(content, rng, values)


def _with_member(content: bytes, rng: random.Random, damage) -> Made:
    members = read_members(content)
    name = rng.choice(sorted(members))
    if damage is values and rng.random() < 0.2:
        kept = {other: data for other, data in members.items() if other != name}
        new = rng.choice((None, f"{name}x", f"../{name}", name.upper()))
        return write_members(kept | ({new: members[name]} if new else {})), f"{name} is now {new}", False
    made = damage(members[name], rng)
    return None if made is None else (write_members(members | {name: made[0]}), f"{name}: {made[1]}", made[2])


def zip_records(content: bytes, rng: random.Random) -> Made:
    """A zip whose records claim other sizes, methods or checksums, or that unpacks to gigabytes."""
    members = read_members(content)
    name, what = rng.choice(sorted(members)), rng.choice(("bomb", "twice", "record", "record", "packed"))
    if what == "twice":
        return write_members(members, again=name), f"{name} twice", False
    if what == "packed":
        method = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
        return write_members(members, method), f"packed by method {method}", False
    if what == "bomb":
        return write_members(members | {name: b""}, bomb=name), f"{name} unpacks to 4 GB of zeros", False
    start = content.rfind(b"PK\x01\x02") if rng.random() < 0.5 else content.find(b"PK\x03\x04")
    offset = rng.choice((6, 8, 10, 14, 16, 18, 20, 22, 24, 26, 28, 42))
    word = rng.choice((b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x63\0\0\0", b"\x01\0\0\0"))
    damaged = content[: start + offset] + word + content[start + offset + 4 :]
    return damaged, f"zip record at {start}: bytes {offset} to {offset + 3} are {word.hex()}", False


def read_members(content: bytes) -> dict[str, bytes]:
    """The files in a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(
    members: dict[str, bytes], method: int = zipfile.ZIP_STORED, *, again: str = "", bomb: str = ""
) -> bytes:
    """A zip of ``members``: the member ``again`` once more, empty; ``bomb`` with 4 GB of zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            if name != bomb:
                archive.writestr(zipfile.ZipInfo(name), data, method)
        if again:
            archive.writestr(zipfile.ZipInfo(again), b"")
        if bomb:
            _write_bomb(archive, bomb)
    return file.getvalue()


def _write_bomb(archive: zipfile.ZipFile, name: str) -> None:
    """A member that claims a .npy of 4 GB and unpacks to it, packed by hand: packing 4 GB would take a minute."""
    shape = (2**29,)
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(head.getvalue()) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed += block * (1 << 12) + packer.flush()
    info = zipfile.ZipInfo(name)
    info.compress_type, info.compress_size, info.CRC = zipfile.ZIP_DEFLATED, len(packed), 0
    info.file_size, info.header_offset = len(head.getvalue()) + (1 << 32), archive.fp.tell()
    archive.fp.write(info.FileHeader(zip64=True) + packed)
    archive.filelist.append(info)
    archive.NameToInfo[name], archive.start_dir, archive._didModify = info, archive.fp.tell(), True


def _read_header(content: bytes) -> tuple[tuple[int, ...], bool, np.dtype, bytes]:
    file = io.BytesIO(content)
    np.lib.format.read_magic(file)
    shape, order, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, order, dtype, content[file.tell() :]
