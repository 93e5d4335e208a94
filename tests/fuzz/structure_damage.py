"""Damage of what a file says: values, keys, types and shapes of JSON, YAML, tables, pickles and Matlab files."""

import copy
import io
import json
import pickle
import random
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import yaml
from scipy.io import loadmat, savemat

Made = tuple[bytes, str, bool] | None
"""Content, what was done, and whether nonsense was put in; None if there was nothing to damage."""

_LARGE, _TINY = "1e400", "-1e400"
"""Written into JSON as numbers that no float can hold."""
NOT_FINITE = (float("nan"), float("inf"), -float("inf"))
TEXTS = ("12", "", "nan", "x" * 3000, "a\nb", "\u0000", "2024-10-01", "../../x", "=1+1", "ä|$^~\\input")
NUMBERS = (-1, 0, 1, 3, -7.5, 2**31, 2**63, -(2**63), 10**30, 1e30, -1e30, 1e-300, 0.5, 10**400)
_CONTAINERS = (None, [], {}, [[]], {"a": 1}, [1, 2, 3])


def damage_tree(tree: Any, rng: random.Random) -> tuple[Any, str, bool] | None:
    """A copy of ``tree``, of dicts, lists, arrays and plain values, with one thing changed."""
    tree = copy.deepcopy(tree)
    places = list(_places(tree, ()))
    if not places:
        return None
    # Long lists would drown the few keys that say what a file is.
    depth = rng.choice(sorted({len(where) for _, _, where in places}))
    parent, key, where = rng.choice([place for place in places if len(place[2]) == depth])
    value, path = parent[key], ".".join(map(str, where))
    action = rng.random()
    if action < 0.12:
        del parent[key]
        return tree, f"{path} removed", False
    if action < 0.2 and isinstance(parent, list):
        parent.insert(rng.randrange(len(parent) + 1), copy.deepcopy(value))
        return tree, f"{path} twice", False
    if action < 0.2:
        parent[f"{key}x"] = parent.pop(key)
        return tree, f"{path} renamed", False
    new, nonsense = damaged_value(value, rng)
    parent[key] = new
    return tree, f"{path}: {str(value)[:40]!r} becomes {type(new).__name__} {str(new)[:60]!r}", nonsense


def damaged_value(value: Any, rng: random.Random) -> tuple[Any, bool]:
    """Another value in the place of ``value``, and whether it can never be meant there."""
    if isinstance(value, np.ndarray):
        return damaged_array(value, rng)
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    kind = rng.randrange(6)
    if kind == 0:
        new = rng.choice(_CONTAINERS)
        return new, number and new is not None  # null says that there is none
    if kind == 1:
        return rng.choice(TEXTS), number
    if kind == 2:
        return rng.choice(NUMBERS), False
    if kind == 3:
        return rng.choice((*NOT_FINITE, _LARGE, _TINY)), number
    if kind == 4:
        return rng.choice((True, False)), number
    return ([value], number) if rng.random() < 0.5 else ({"value": value}, number)


def damaged_array(array: np.ndarray, rng: random.Random) -> tuple[np.ndarray, bool]:
    """An array of another shape or type, or with one other value."""
    numeric, action = array.dtype.kind in "iuf", rng.randrange(8)
    if action == 0:
        return array.reshape(-1)[: rng.randrange(array.size + 1)], False
    if action == 1:
        return array[..., None], False
    if action == 2:
        return array.T.copy(), False
    if action == 3 and array.ndim:
        return np.concatenate([array, array[: rng.randint(1, 3)]]), False
    if action == 4:
        kind = rng.choice(("U12", "S8", "c16", "?", "M8[s]"))
        try:
            return array.astype(kind), numeric
        except (TypeError, ValueError):
            return np.zeros(array.shape, kind), numeric
    if action == 5:
        return array.astype(rng.choice((">f4", "f2", "i1", "u8", "f16"))) if numeric else array[:0], False
    if not array.size or not numeric:
        return np.full(array.shape, 7), False
    damaged = array.astype(np.float64) if action == 6 else array.copy()
    value = rng.choice(NOT_FINITE) if action == 6 else rng.choice((0, 1, -1, 100))
    damaged.reshape(-1)[rng.randrange(array.size)] = np.asarray(value).astype(damaged.dtype)  # -1 is 255 as a byte
    return damaged, action == 6


def _places(tree: Any, where: tuple[Any, ...]) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    """Container, key and path of everything in ``tree``."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield tree, key, (*where, key)
        yield from _places(value, (*where, key))


def json_values(content: bytes, rng: random.Random) -> Made:
    """One value, key or entry of a JSON file is another."""
    made = damage_tree(json.loads(content), rng)
    if made is None:
        return None
    text = json.dumps(made[0]).replace(f'"{_LARGE}"', _LARGE).replace(f'"{_TINY}"', _TINY)
    return text.encode(), made[1], made[2]


def json_text(content: bytes, rng: random.Random) -> Made:
    """Valid JSON of another spelling, and nearly valid JSON."""
    text = content.decode()
    made = {
        "a byte-order mark": b"\xef\xbb\xbf" + content,
        "Windows line ends": text.replace("\n", "\r\n").encode(),
        "deep nesting": b"[" * 100_000,
        "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        "a very long number": text.replace("1", "1" * 5000, 1).encode(),
        "a comma at the end": text.rstrip()[:-1].encode() + b",}",
        "single quotes": text.replace('"', "'").encode(),
        "two documents": content + content,
        "a comment": b"// made by hand\n" + content,
        "half a surrogate": text.replace('"', '"\\ud800', 1).encode(),
    }
    what = rng.choice(sorted(made))
    return made[what], what, False


def yaml_values(content: bytes, rng: random.Random) -> Made:
    """One value, key or entry of a YAML file is another."""
    made = damage_tree(yaml.load(content, yaml.CSafeLoader), rng)
    if made is None:
        return None
    try:
        return yaml.dump(made[0], Dumper=yaml.CSafeDumper, sort_keys=False).encode(), made[1], made[2]
    except (yaml.YAMLError, UnicodeError):
        return None


def yaml_text(content: bytes, rng: random.Random) -> Made:
    """What YAML takes for something else, or for a bomb."""
    lines = content.decode().splitlines()
    at = rng.choice([n for n, line in enumerate(lines) if ":" in line and not line.lstrip().startswith("#")] or [0])
    key = lines[at].split(":")[0]
    laughs = [f"bomb0: &b0 [{', '.join('x' * 9)}]"]
    laughs += [f"bomb{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 12)]
    values = ("0140", "2024-10-01", "1:30", "on", "1e5", "!!python/object/apply:os.getcwd []", "&a [*a]", "'", "\t- x",
              "{a: 1, a: 2}", "!!binary x", "*b9", "<<")  # fmt: skip
    made = {
        "a line twice": [*lines[: at + 1], *lines[at:]],
        "a tab": [*lines[:at], "\t" + lines[at], *lines[at + 1 :]],
        "aliases upon aliases": [*laughs, *lines[:at], f"{key}: *b9", *lines[at + 1 :]],
        "another document": [*lines, "---", *lines],
    }
    if rng.random() < 0.5:
        value = rng.choice(values)
        return "\n".join([*lines[:at], f"{key}: {value}", *lines[at + 1 :]]).encode(), f"{key.strip()}: {value}", False
    what = rng.choice(sorted(made))
    return "\n".join(made[what]).encode(), f"{what} at line {at + 1}", False


def cells(content: bytes, rng: random.Random) -> Made:
    """One cell of a table, line of a list or word of a page is another; or a line is gone, twice or cut."""
    text = content.decode()
    lines = text.splitlines(keepends=True)
    if not lines:
        return None
    at = rng.randrange(len(lines))
    if rng.random() < 0.3:
        lines[at : at + 1] = rng.choice(([], [lines[at]] * 2, [lines[at][: len(lines[at]) // 2]], ["\n"], ['"']))
        return "".join(lines).encode(), f"line {at + 1} missing, twice or cut", False
    words = lines[at].rstrip("\n").split(",")
    place = rng.randrange(len(words))
    number = words[place].replace(".", "", 1).isdecimal()
    new, _ = damaged_value(1.0 if number else words[place], rng)
    old, words[place] = words[place], str(new)
    lines[at] = ",".join(words) + "\n"
    return "".join(lines).encode(errors="replace"), f"line {at + 1}: {old[:40]!r} becomes {str(new)[:40]!r}", False


def pickle_values(content: bytes, rng: random.Random) -> Made:
    """One value of a pickle is another. The content is that of the tests' own makers."""
    made = damage_tree(pickle.loads(content), rng)
    return None if made is None else (pickle.dumps(made[0], protocol=rng.choice((2, 4, 5))), made[1], made[2])


def pickle_opcodes(content: bytes, rng: random.Random) -> Made:
    """Pickles that ask for time, memory or code."""
    twice = b")" + b"2\x86" * 60
    made = {
        "a system call": b"cos\nsystem\n(S'true'\ntR.",
        "an attribute of an attribute": b"\x80\x04\x8c\x05numpy\x8c\x0bcore.os.sys\x93.",
        "a key that hashes for ever": b"\x80\x02}" + twice + b"Ns.",
        "a set that hashes for ever": b"\x80\x04\x8f(" + twice + b"\x90.",
        "a text of nested tuples": b"\x80\x02cnumpy\ndtype\n(" + twice + b"tR.",
        "a memo far away": b"\x80\x02Nr" + struct.pack("<I", rng.choice((1 << 26, 1 << 28, 2**32 - 1))) + b".",
        "bytes beyond the file": b"\x80\x04\x8e" + struct.pack("<Q", rng.choice((1 << 33, 2**63))) + b"abc.",
        "a wide type": b"\x80\x02cnumpy\ndtype\n(X\x0b\x00\x00\x00S9999999999K\x00K\x01tR.",
        "deep lists": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
        "no end": content.rstrip(b"."),
        "an empty stack": b"\x80\x040000.",
        "a list in itself": b"\x80\x02]q\x00h\x00a.",
    }
    what = rng.choice(sorted(made))
    return made[what], what, False


def _is_hdf5(content: bytes) -> bool:
    """Whether a Matlab file is of version 7.3."""
    return content[512:516] == b"\x89HDF"


def mat_values(content: bytes, rng: random.Random) -> Made:
    """One variable of a Matlab file, up to version 7.2, is another."""
    if _is_hdf5(content):
        return None
    made = damage_tree(_variables(content), rng)
    if made is None or any(getattr(value, "dtype", None) == "M8[s]" for value in made[0].values()):
        return None  # dates, which scipy would write as the same plain numbers
    file = io.BytesIO()
    try:
        savemat(file, made[0], do_compression=rng.random() < 0.5)
    except Exception:  # Matlab has no such value
        return None
    return file.getvalue(), made[1], made[2]


def mat_words(content: bytes, rng: random.Random) -> Made:
    """Bits of an uncompressed file's first words, where types and sizes stand: scipy follows them, HDF5 its own."""
    file = io.BytesIO(content)
    if not _is_hdf5(content):
        savemat(file, _variables(content), do_compression=False)
    damaged = bytearray(file.getvalue())
    at = rng.randrange(128, len(damaged) if _is_hdf5(content) else min(len(damaged), 1200))
    if rng.random() < 0.5:
        damaged[at] ^= 1 << rng.randrange(8)
    else:
        damaged[at // 4 * 4 : at // 4 * 4 + 4] = rng.choice((b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f"))
    return bytes(damaged), f"word at byte {at}", False


def _variables(content: bytes) -> dict[str, Any]:
    return {name: value for name, value in loadmat(io.BytesIO(content)).items() if not name.startswith("__")}
