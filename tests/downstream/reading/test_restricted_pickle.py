"""The restricted unpickler: the field's files give their arrays, everything else is refused and never run."""

import collections
import io
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import types

import numpy as np
import pytest
from repository import REPOSITORY
from scipy import sparse

from downstream.reading.restricted_pickle import load_plain
from liftedcl.identity.errors import InputError

REMEDY = "get the file again (docs/data.md)"


def write(tmp_path, content: bytes):
    path = tmp_path / "file.pkl"
    path.write_bytes(content)
    return path


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        load_plain(path, REMEDY)
    message = str(caught.value)
    assert str(path) in message and REMEDY in message and "\n" not in message
    return message


# ------------------------------------------------------------------------------------- what is read
ARRAYS = {
    "floats": np.random.default_rng(0).normal(size=(3, 4)),
    "Fortran order": np.asfortranarray(np.arange(12, dtype=np.int32).reshape(3, 4)),
    "big endian": np.arange(5, dtype=">f4"),
    "booleans": np.array([[True], [False]]),
    "texts": np.array(["left", "ri\xe9ght"]),
    "bytes": np.array([b"ab", b"c"]),
    "empty": np.zeros((0, 17, 2), np.uint8),
    "no axis": np.array(7.5),
    "objects": np.array([{"a": np.arange(3)}, [1, "x"], None], dtype=object),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_come_back(tmp_path, protocol):
    value = {
        **ARRAYS,
        "scalars": [np.float64(2.5), np.int16(-3), np.bool_(True), np.str_("s")],
        "containers": (1, [2.5, "three", b"four"], {5, 6}, frozenset({7}), 8j, None, True, 2**70),
        ("a", "tuple"): collections.OrderedDict(x=np.ones(2)),
    }
    read = load_plain(write(tmp_path, pickle.dumps(value, protocol)), REMEDY)
    assert list(read) == list(value)
    for name in ARRAYS.keys() - {"objects"}:
        assert type(read[name]) is np.ndarray and read[name].dtype == ARRAYS[name].dtype
        np.testing.assert_array_equal(read[name], ARRAYS[name])
        read[name][...] = ARRAYS[name]  # its own memory
    assert read["objects"].dtype == object and read["objects"][1:].tolist() == [[1, "x"], None]
    np.testing.assert_array_equal(read["objects"][0]["a"], [0, 1, 2])
    assert read["scalars"] == value["scalars"] and type(read["scalars"][0]) is np.float64
    assert read["containers"] == value["containers"]
    np.testing.assert_array_equal(read["a", "tuple"]["x"], 1)


def test_what_occurs_twice_is_one_array(tmp_path):
    camera = {"R": np.eye(3)}
    read = load_plain(write(tmp_path, pickle.dumps([camera, camera, {"R": camera["R"]}])), REMEDY)
    assert read[0] is read[1] and read[0]["R"] is read[2]["R"]


@pytest.fixture
def python_2(monkeypatch):
    """Modules as SMPL's files name them, under which classes can be pickled."""

    def make(module: str, name: str) -> type:
        made = type(name, (), {"__module__": module})
        for full in (module.split(".")[0], module):
            if full not in sys.modules or full == "scipy.sparse.csc":
                monkeypatch.setitem(sys.modules, full, types.ModuleType(full))
        setattr(sys.modules[module], name, made)
        return made

    return make


def filled(kind: type, **state):
    made = kind.__new__(kind)
    made.__dict__.update(state)
    return made


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_smpl_models_of_python_2(tmp_path, python_2, protocol):
    chumpy = python_2("chumpy.ch", "Ch")
    select = python_2("chumpy.reordering", "Select")
    product = python_2("chumpy.ch", "MatVecMult")
    old_sparse = python_2("scipy.sparse.csc", "csc_matrix")
    matrix = sparse.random(24, 50, 0.2, "csc", random_state=0)
    shapes = np.random.default_rng(0).normal(size=(50, 3, 10))
    whole = filled(chumpy, _dirty_vars={"x"}, _itr=None, _depends_on_deps={}, x=shapes)
    part = np.arange(50 * 3 * 2)
    model = {
        "shapedirs": whole,
        "J_regressor": filled(
            old_sparse,
            _shape=matrix.shape,
            maxprint=50,
            data=matrix.data,
            indices=matrix.indices,
            indptr=matrix.indptr,
        ),
        "chosen": filled(select, a=whole, idxs=part, preferred_shape=(50, 3, 2)),
        "J": filled(product, A=whole, b=whole),
        "bs_style": "lbs",
        "kintree_table": np.arange(48, dtype=np.uint32).reshape(2, 24),
    }
    content = pickle.dumps(model, protocol)
    # Python 2's names of the same things, which it also wrote as plain byte strings.
    content = content.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray").replace(b"ccopyreg", b"ccopy_reg")
    assert b"chumpy.ch" in content and b"scipy.sparse.csc\n" in content and b"numpy._core" not in content
    read = load_plain(write(tmp_path, content), REMEDY)
    np.testing.assert_array_equal(read["shapedirs"], shapes)
    assert sparse.issparse(read["J_regressor"]) and (read["J_regressor"] != matrix).nnz == 0
    np.testing.assert_array_equal(read["chosen"], shapes.ravel()[part].reshape(50, 3, 2))
    assert read["J"] is None and read["bs_style"] == "lbs"
    np.testing.assert_array_equal(read["kintree_table"], model["kintree_table"])


def test_array_bytes_in_a_python_2_string(tmp_path):
    """Python 2 wrote an array's bytes as a str (opcode SHORT_BINSTRING), which is decoded as latin1."""
    raw = np.array([1.5, -2e300, np.pi])
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x03\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([raw.nbytes]) + raw.tobytes() + b"tb."
    )
    np.testing.assert_array_equal(load_plain(write(tmp_path, content), REMEDY), raw)


# ---------------------------------------------------------------------------------- what is refused
class Reduces:
    def __init__(self, *reduction):
        self.reduction = reduction

    def __reduce__(self):
        return self.reduction


def test_a_hostile_file_is_named_and_not_run(tmp_path):
    trace = tmp_path / "trace"
    for call in (
        (os.system, (f"touch {trace}",)),
        (eval, (f"open({str(trace)!r}, 'w')",)),
        (getattr, ("text", "join")),
        (pickle.loads, (b"N.",)),
        (np.load, ("file.npy",)),
        (np.lib.format.open_memmap, (str(trace), "w+")),
    ):
        hostile = Reduces(*call)
        for value in (hostile, [hostile], np.array([hostile, 1], dtype=object)):
            for protocol in (0, 2, 4):
                message = refused(write(tmp_path, pickle.dumps(value, protocol)))
                assert "was not run" in message
    assert "posix.system" in refused(write(tmp_path, pickle.dumps(Reduces(os.system, ("true",)))))
    assert not trace.exists()


def test_dotted_names_reach_nothing(tmp_path):
    refused(write(tmp_path, b"\x80\x04\x8c\x05numpy\x8c\x12ndarray.__class__\x93."))
    assert load_plain(write(tmp_path, b"\x80\x04\x8c\x06chumpy\x8c\x09os.system\x93\x8c\x04true\x85R."), REMEDY) is None


FORGED = {
    "more entries than bytes": (1, (1000,), np.dtype("f8"), False, b"\0" * 8),
    "fewer": (1, (1,), np.dtype("f8"), False, b"\0" * 80),
    "pointers": (1, (1,), np.dtype("O"), False, b"\0" * 8),
    "negative": (1, (-1, -1), np.dtype("f8"), False, b"\0" * 8),
    "records": (1, (1,), np.dtype([("a", "f8")]), False, b"\0" * 8),
    "dates": (1, (1,), np.dtype("M8[s]"), False, b"\0" * 8),
    "no tuple": 7,
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_arrays_are_refused(tmp_path, name):
    reconstruct = np.zeros(1).__reduce__()[0]
    hostile = Reduces(reconstruct, (np.ndarray, (0,), b"b"), FORGED[name])
    refused(write(tmp_path, pickle.dumps(hostile, 2)))


def test_a_sparse_matrix_with_an_index_out_of_bounds_is_refused(tmp_path):
    matrix = sparse.csc_matrix(np.eye(3))
    matrix.indices[1] = 2**20
    refused(write(tmp_path, pickle.dumps(matrix)))


def test_classes_and_bare_stand_ins_are_no_data(tmp_path):
    for value in (np.ndarray, np.dtype("f8").__class__, dict.fromkeys, collections.OrderedDict):
        refused(write(tmp_path, pickle.dumps({"a": value})))


def test_a_file_cannot_change_the_reader(tmp_path):
    """BUILD sets attributes of whatever is on the stack; of the stand-ins' classes it must not."""
    for name in (
        b"cnumpy\ndtype\n",
        b"cchumpy.ch\nCh\n",
        b"cnumpy.core.multiarray\n_reconstruct\n",
        b"c__builtin__\nset\n",
    ):
        for state in (b"}U\x05plainNs", b"N}U\x05plainNs\x86"):
            refused(write(tmp_path, b"\x80\x02" + name + state + b"b."))
    value = [np.arange(3), np.float32(1)]
    assert load_plain(write(tmp_path, pickle.dumps(value)), REMEDY)[0].tolist() == [0, 1, 2]


def test_damage_is_named(tmp_path):
    assert "not found" in refused(tmp_path / "none.pkl")
    whole = pickle.dumps({"a": np.arange(100.0), "b": ["text"] * 20}, 2)
    pickletools.dis(whole, io.StringIO())
    for end in (0, 1, 5, 50, len(whole) // 2, len(whole) - 1):
        assert "truncated or damaged" in refused(write(tmp_path, whole[:end]))
    for content in (b"PK\x03\x04 a zip", b"<html>", b"\x80\x02" + b"(" * 5000 + b"."):
        refused(write(tmp_path, content))
    nested = b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b"."
    refused(write(tmp_path, nested))


# --------------------------------------------------------------------------------- time and memory
DOUBLED = b")" + b"2\x86" * 60
"""A tuple of the same tuple twice, sixty times over: to hash it takes 2**60 steps."""
GREEDY = {
    "key of a dict": b"\x80\x02}" + DOUBLED + b"Ns.",
    "element of a set": b"\x80\x04\x8f(" + DOUBLED + b"\x90.",
    "element of a frozenset": b"\x80\x04(" + DOUBLED + b"\x91.",
    "type of an array": b"\x80\x02cnumpy\ndtype\n(" + DOUBLED + b"tR.",
    "place in the memo": b"\x80\x02Nr" + struct.pack("<I", 1 << 28) + b".",
}


READ = """
import resource, sys
from downstream.reading.restricted_pickle import load_plain
from liftedcl.files import rehearsal
from liftedcl.identity.errors import InputError

rehearsal._SECONDS = 1
try:
    load_plain(sys.argv[1], "get it again")
except InputError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.parametrize("name", GREEDY)
def test_a_few_bytes_take_neither_time_nor_memory(tmp_path, name):
    command = [sys.executable, "-c", READ, str(write(tmp_path, GREEDY[name]))]  # whose children are this reader's alone
    said = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.splitlines()
    assert "damaged" in said[0]
    assert int(said[1]) < 2 << 20  # KiB


def test_a_tuple_may_hold_one_object_twice(tmp_path):
    key = ("s_09", "s_09")
    assert load_plain(write(tmp_path, pickle.dumps({key: [key, key]})), REMEDY) == {key: [key, key]}
