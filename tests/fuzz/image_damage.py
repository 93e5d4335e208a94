"""Damage of the headers of PNG and JPEG files: claimed sizes, depths, palettes and EXIF tags."""

import random
import struct
import zlib

from fuzz.structure_damage import Made

_SIZES = (0, 1, 65_500, 30_000, 2**31 - 1, 2**31, 2**32 - 1)
_SIGNATURE = 8  # bytes


def png_header(content: bytes, rng: random.Random) -> Made:
    """A PNG whose IHDR says something else, with a right checksum; or one with another chunk before its pixels."""
    if content[:4] != b"\x89PNG":
        return None
    chunks = _chunks(content)
    head = bytearray(chunks[0][1])
    what = rng.choice(("width", "height", "both", "depth", "colour", "interlace", "extra", "order"))
    if what in ("width", "both"):
        head[:4] = struct.pack(">I", rng.choice(_SIZES))
    if what in ("height", "both"):
        head[4:8] = struct.pack(">I", rng.choice(_SIZES))
    for field, at in (("depth", 8), ("colour", 9), ("interlace", 12)):
        if what == field:
            head[at] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    chunks[0] = (b"IHDR", bytes(head))
    if what == "extra":
        kinds = (b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"IDAT", b"IEND", b"acTL", b"zTXt")
        chunks.insert(rng.randint(1, len(chunks)), (rng.choice(kinds), rng.randbytes(rng.choice((0, 3, 40)))))
    if what == "order":
        rng.shuffle(chunks)
    packed = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return content[:_SIGNATURE] + packed, f"PNG: another {what}, {bytes(head).hex()}", False


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], _SIGNATURE
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def jpeg_header(content: bytes, rng: random.Random) -> Made:
    """A JPEG that claims another size or number of components, or has an EXIF tag, whole or damaged."""
    frame = next((at for mark in (b"\xff\xc0", b"\xff\xc2") if (at := content.find(mark)) > 0), None)
    if frame is None:
        return None
    damaged, what = bytearray(content), rng.choice(("size", "components", "depth", "exif", "tables"))
    if what == "size":
        damaged[frame + 5 : frame + 9] = struct.pack(">HH", *(rng.choice((0, 1, 30_000, 65_535)) for _ in range(2)))
    elif what == "components":
        damaged[frame + 9] = rng.choice((0, 1, 2, 4, 255))
    elif what == "depth":
        damaged[frame + 4] = rng.choice((0, 1, 12, 16, 255))
    elif what == "exif":
        tag = struct.pack("<HHIHH", 0x0112, 3, 1, rng.choice((0, 1, 3, 6, 8, 9, 65_535)), 0)
        exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", rng.choice((1, 1, 500))) + tag + b"\0" * 4
        damaged[2:2] = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    else:
        at = content.find(b"\xff\xdb")
        damaged[at + 2 : at + 4] = struct.pack(">H", rng.choice((0, 1, 2, 65_535)))
    return bytes(damaged), f"JPEG: another {what}", False
