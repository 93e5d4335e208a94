"""Reading the field's pickles (Human3.6M's labels, 3DPW's sequences, SMPL's models) without running anything in them.

`pickle.load` calls whatever a file names. Here every name that a file may use leads to an inert stand-in, which only
keeps what the file says about an object; arrays are built from that once everything is read. numpy's own
reconstructors aren't used either: they trust the file about a dtype's layout, and a forged layout reads raw memory.
"""

import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from liftedcl.files.rehearsal import rehearse
from liftedcl.identity.errors import InputError


def load_plain(path: str | Path, remedy: str, *, encoding: str = "latin1") -> Any:
    """Unpickle numbers, texts, built-in containers, numpy arrays and scalars, and scipy's csc and csr matrices.
    Chumpy's objects, which SMPL's files hold, become their array (``x``), or None where the file has an expression
    instead of one. An OrderedDict becomes a dict.

    Args:
        path: may be a pickle of Python 2, of old numpy or of old scipy.
        remedy: what the user can do; ends each message.
        encoding: of Python 2's texts.

    Raises:
        InputError: the file is missing or damaged, asks for far more than its size explains, or names anything else.
    """

    def read() -> Any:
        with open(path, "rb") as file:
            return _plain(_Unpickler(file, path, remedy, encoding).load(), {})

    rehearse(read, path, remedy)  # hashing nested tuples, or a memo of billions of entries, can't be stopped from here
    try:
        return read()
    except FileNotFoundError:
        raise InputError(f"{path}: not found; {remedy}") from None
    except (InputError, OSError):
        raise
    except Exception as error:  # a damaged pickle can end in nearly any of them
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: not a readable pickle ({reason}), truncated or damaged; {remedy}") from None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, path: str | Path, remedy: str, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self._path, self._remedy = path, remedy

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy._core", "numpy.core").replace("__builtin__", "builtins")
        known = _GLOBALS.get((module.replace("copy_reg", "copyreg"), name))
        if known is not None:
            return known
        if re.fullmatch(r"scipy\.sparse(\._?cs[cr])?", module) and name in _SPARSE:
            return _SPARSE[name]
        if module == "chumpy" or module.startswith("chumpy."):
            return _Select if name == "Select" else _Chumpy
        raise InputError(f"{self._path}: holds {module}.{name}, which is no plain data and was not run; {self._remedy}")


class _StandIn:
    """What a file says about one object. Nothing that a file can call on a stand-in has an effect outside it."""

    def __new__(cls, *arguments: Any) -> "_StandIn":
        made = super().__new__(cls)
        made.arguments, made.state = arguments, None  # not in __init__, which a file can leave uncalled
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def plain(self, seen: dict) -> Any:
        raise ValueError(f"a bare {type(self).__name__.strip('_')}")


class _Bytes(_StandIn):
    """``_codecs.encode(text, "latin1")`` or ``bytes()``: how Python 3 writes bytes in Python 2's protocols."""

    def plain(self, seen: dict) -> bytes:
        text, codec = self.arguments or ("", "latin1")
        if codec not in ("latin1", "latin-1") or not isinstance(text, str):
            raise ValueError("bytes of an unknown encoding")
        return text.encode("latin1")


class _DType(_StandIn):
    """``dtype(code, ...)``, its state (version, byte order, ...)."""

    def plain(self, seen: dict) -> np.dtype:
        code = _text(self.arguments[0])
        if not re.fullmatch(r"[<>|=]?([biufc]\d{1,2}|[SU]\d{1,9}|O8?|\?)", code):
            raise ValueError(f"arrays of type {code[:20]!r}")
        order = _text(self.state[1]) if self.state else "="
        return np.dtype(code).newbyteorder(order if order in "<>" else "=")


class _Array(_StandIn):
    """``_reconstruct(ndarray, (0,), b"b")``, its state ([version,] shape, dtype, Fortran order, content)."""

    def plain(self, seen: dict) -> np.ndarray:
        shape, dtype, fortran, content = self.state[-4:]
        return _array(_plain(content, seen), _plain(dtype, seen), shape, "F" if fortran else "C")


class _Buffer(_StandIn):
    """``_frombuffer(bytes, dtype, shape, order)``: arrays in protocol 5."""

    def plain(self, seen: dict) -> np.ndarray:
        content, dtype, shape, order = self.arguments[:4]
        return _array(bytes(_plain(content, seen)), _plain(dtype, seen), shape, order)


class _Scalar(_StandIn):
    """``scalar(dtype, bytes)``."""

    def plain(self, seen: dict) -> Any:
        dtype, content = (_plain(argument, seen) for argument in self.arguments)
        return _array(content, dtype, (), "C")[()]


class _Sparse(_StandIn):
    """A matrix of scipy.sparse; its state is the dict of its attributes."""

    def plain(self, seen: dict) -> Any:
        parts = _plain(self.state, seen)
        arrays = tuple(parts[key] for key in ("data", "indices", "indptr"))
        matrix = self.kind(arrays, shape=parts.get("_shape", parts.get("shape")))
        matrix.check_format(full_check=True)  # an index out of bounds would be followed
        return matrix


class _CSC(_Sparse):
    kind = sparse.csc_matrix


class _CSR(_Sparse):
    kind = sparse.csr_matrix


class _Chumpy(_StandIn):
    """An object of chumpy; its state is the dict of its attributes, ``x`` the array of a plain ``Ch``."""

    def plain(self, seen: dict) -> np.ndarray | None:
        value = _plain(self.state.get("x"), seen) if isinstance(self.state, dict) else None
        return value if isinstance(value, np.ndarray) else None


class _Select(_Chumpy):
    """Chumpy's selection: the entries ``idxs`` of the flattened ``a``, in ``preferred_shape``."""

    def plain(self, seen: dict) -> np.ndarray | None:
        array, indices = (_plain(self.state.get(key), seen) for key in ("a", "idxs"))
        if not isinstance(array, np.ndarray) or indices is None:
            return None
        chosen = array.ravel()[indices]
        return chosen.reshape(_plain(self.state.get("preferred_shape"), seen) or chosen.shape)


class _Reconstructor(_StandIn):
    """``copy_reg._reconstructor(class, object, None)``: an empty object in Python 2's first protocols."""

    def __new__(cls, kind: Any, *_: Any) -> Any:
        if not (isinstance(kind, type) and issubclass(kind, _Sparse | _Chumpy)):
            raise ValueError("an object that is no plain data")
        return kind()


_GLOBALS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _StandIn,  # only named, as an argument
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("numpy.core.numeric", "_frombuffer"): _Buffer,
    ("copyreg", "_reconstructor"): _Reconstructor,
    ("_codecs", "encode"): _Bytes,
    ("builtins", "bytes"): _Bytes,
    ("builtins", "object"): _StandIn,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "complex"): complex,
    ("collections", "OrderedDict"): dict,
}
_SPARSE = {"csc_matrix": _CSC, "csc_array": _CSC, "csr_matrix": _CSR, "csr_array": _CSR}


def _array(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """An array with its own memory; the entries of an array of objects are plain already."""
    if not isinstance(dtype, np.dtype) or not isinstance(shape, tuple) or order not in ("C", "F"):
        raise ValueError("a malformed array")
    if dtype.hasobject:
        if not isinstance(content, list) or len(content) != math.prod(shape):
            raise ValueError("a malformed array of objects")
        array = np.empty(len(content), dtype=object)
        for i, entry in enumerate(content):  # assigned one by one: numpy would look into entries that are lists
            array[i] = entry
        return array.reshape(shape, order=order)
    if isinstance(content, str):
        content = content.encode("latin1")
    if not isinstance(content, bytes) or min(shape, default=0) < 0 or len(content) != math.prod(shape) * dtype.itemsize:
        raise ValueError("an array of another size than its content")
    return np.ndarray(shape, dtype, content, order=order).copy(order="K")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else value.decode("latin1")  # a tuple's text may be endless


def _plain(value: Any, seen: dict[int, tuple[Any, Any]]) -> Any:
    """``value`` with arrays in place of stand-ins; what occurs twice is made once. Changes dicts and lists in place.

    ``seen`` also keeps the originals alive: the id of a freed one could be given to another object.
    """
    kind = type(value)
    if kind in _LEAVES:
        return value
    if id(value) in seen:
        return seen[id(value)][1]
    if kind is dict:
        seen[id(value)] = value, value
        if any(type(key) not in _LEAVES for key in value):
            items = [(_plain(key, seen), entry) for key, entry in value.items()]
            value.clear()
            value.update(items)
        for key, entry in value.items():
            value[key] = _plain(entry, seen)
        return value
    if kind is list:
        seen[id(value)] = value, value
        for i, entry in enumerate(value):
            value[i] = _plain(entry, seen)
        return value
    if kind in (tuple, set, frozenset):
        result = kind(_plain(entry, seen) for entry in value)
    elif isinstance(value, _StandIn):
        result = value.plain(seen)
        value.arguments, value.state = (), None  # frees the raw bytes
    else:
        raise ValueError("an object that is no plain data")  # a class itself, named and not called
    seen[id(value)] = value, result
    return result


_LEAVES = {type(None), bool, int, float, complex, str, bytes, bytearray}
