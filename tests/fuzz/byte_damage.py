"""Damage of bytes, whatever they mean: what disks, transfers, editors and wrong links leave."""

import gzip
import random
from collections.abc import Callable

_PAGES = (
    b"<!DOCTYPE html><html><title>Virus scan warning</title></html>",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:aaaa\nsize 46830571\n",
    b"",
    b"\0" * 512,
    b"null",
    b"[]",
    b"{}",
)


def damage(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Damaged content, and what was done."""
    made = rng.choice(_DAMAGES)
    return made(content, rng), f"bytes: {made.__name__.strip('_').replace('_', ' ')}"


def _one_bit(content: bytes, rng: random.Random) -> bytes:
    return _flipped(content, rng, 1)


def _some_bits(content: bytes, rng: random.Random) -> bytes:
    return _flipped(content, rng, rng.randint(2, 40))


def _bits_at_the_beginning(content: bytes, rng: random.Random) -> bytes:
    return _flipped(content[:200], rng, rng.randint(1, 3)) + content[200:]


def _flipped(content: bytes, rng: random.Random, count: int) -> bytes:
    damaged = bytearray(content)
    for _ in range(count if content else 0):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _truncated(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _a_few_bytes_short(content: bytes, rng: random.Random) -> bytes:
    return content[: -rng.randint(1, 30)]


def _a_hole(content: bytes, rng: random.Random) -> bytes:
    start, end = _range(content, rng)
    return content[:start] + b"\0" * (end - start) + content[end:]


def _a_part_missing(content: bytes, rng: random.Random) -> bytes:
    start, end = _range(content, rng)
    return content[:start] + content[end:]


def _a_part_twice(content: bytes, rng: random.Random) -> bytes:
    start, end = _range(content, rng)
    return content[:end] + content[start:]


def _noise_in_between(content: bytes, rng: random.Random) -> bytes:
    start, _ = _range(content, rng)
    return content[:start] + rng.randbytes(rng.randint(1, 64)) + content[start:]


def _a_word_of_ones(content: bytes, rng: random.Random) -> bytes:
    """Where a size stands, it is the largest, or -1."""
    start = rng.randrange(max(len(content) - 4, 1))
    return content[:start] + rng.choice((b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0" * 4)) + content[start + 4 :]


def _something_appended(content: bytes, rng: random.Random) -> bytes:
    return content + rng.choice((b"\n", b"\0" * 100, rng.randbytes(50), content))


def _another_file(content: bytes, rng: random.Random) -> bytes:
    return rng.choice((*_PAGES, gzip.compress(content, mtime=0), rng.randbytes(300)))


def _another_encoding(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("latin1")
    return rng.choice((text.encode("utf-16"), text.encode("utf-32"), text[: len(text) // 2].encode("latin1") + b"\xfc"))


def _range(content: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.randint(1, max(1, len(content) // rng.choice((2, 10, 100)))))


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _one_bit, _some_bits, _bits_at_the_beginning, _truncated, _a_few_bytes_short, _a_hole, _a_part_missing,
    _a_part_twice, _noise_in_between, _a_word_of_ones, _something_appended, _another_file, _another_encoding,
)  # fmt: skip
