"""Packed images: what goes in comes out, the bytes repeat, and nothing half-written is ever taken for a shard."""

import errno
import json
import os

import numpy as np
import pytest

from liftedcl.files import atomic
from liftedcl.identity.errors import InputError
from liftedcl.images.shard import ShardWriter, open_shard

IMAGES = np.random.default_rng(0).integers(0, 256, (11, 6, 4, 3), dtype=np.uint8)


def write(path, images=IMAGES):
    with ShardWriter(path, 6, 4, ("name", "value")) as shard:
        for number, image in enumerate(images):
            shard.append(image, (f"NA, {number}", number / 3))
        shard.report = {"kept": len(images)}


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_round_trip(tmp_path):
    write(tmp_path / "x.npy")
    shard = open_shard(tmp_path / "x.npy")
    assert isinstance(shard.images, np.memmap)
    np.testing.assert_array_equal(shard.images, IMAGES)
    assert list(shard.index["name"]) == [f"NA, {number}" for number in range(11)]
    np.testing.assert_array_equal(shard.index["value"], np.arange(11) / 3)
    assert (shard.meta["count"], shard.meta["report"]) == (11, {"kept": 11})
    assert names(tmp_path) == ["x.csv", "x.json", "x.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), IMAGES)  # a plain .npy for anyone else


def test_header_keeps_its_length_when_the_count_grows(tmp_path):
    write(tmp_path / "x.npy", np.zeros((12345, 6, 4, 3), dtype=np.uint8))
    assert open_shard(tmp_path / "x.npy").images.shape == (12345, 6, 4, 3)


def test_equal_input_gives_equal_bytes(tmp_path):
    write(tmp_path / "a" / "x.npy")
    write(tmp_path / "b" / "x.npy")
    for name in names(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("error", [InputError("x: y"), KeyboardInterrupt(), OSError(errno.ENOSPC, "disk full")])
def test_a_failure_leaves_nothing_and_keeps_the_old_shard(tmp_path, error):
    def fail():
        with ShardWriter(tmp_path / "x.npy", 6, 4, ("name",)) as shard:
            shard.append(IMAGES[0], ("a",))
            raise error

    with pytest.raises(type(error)):
        fail()
    assert names(tmp_path) == []
    write(tmp_path / "x.npy")
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    with pytest.raises(type(error)):
        fail()
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_wrong_image_or_row_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected"), ShardWriter(tmp_path / "x.npy", 6, 4, ("name",)) as shard:
        shard.append(IMAGES[0].transpose(1, 0, 2), ("a",))
    with pytest.raises(ValueError, match="expected"), ShardWriter(tmp_path / "x.npy", 6, 4, ("name",)) as shard:
        shard.append(IMAGES[0], ("a", 1))
    with pytest.raises(InputError, match=r"\.npy"):
        ShardWriter(tmp_path / "x.bin", 6, 4, ("name",))
    assert names(tmp_path) == []


def test_each_image_is_compared_when_it_is_read(tmp_path):
    """Damage that keeps the file's size and time, in one byte of one image."""
    write(tmp_path / "x.npy")
    path, shard = tmp_path / "x.npy", open_shard(tmp_path / "x.npy")
    content, times = bytearray(path.read_bytes()), path.stat()
    content[shard.images.offset + 7 * IMAGES[0].nbytes + 5] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    shard = open_shard(path)
    np.testing.assert_array_equal(shard.gather(np.array([6, 8, 6])), IMAGES[[6, 8, 6]])
    for rows in ([7], [6, 7, 8]):
        with pytest.raises(InputError, match=r"x\.npy: image 7 is damaged, its checksum differs.*pack"):
            shard.gather(np.array(rows))


@pytest.mark.parametrize("change", [lambda text: text.replace("NA, 3", "NA, 4"), lambda text: text.replace(".3", ".4")])
def test_a_changed_index_is_named(tmp_path, change):
    write(tmp_path / "x.npy")
    table = tmp_path / "x.csv"
    before = table.read_text()
    table.write_text(change(before))
    assert len(table.read_text()) == len(before) and table.read_text() != before
    with pytest.raises(InputError, match=r"x\.csv: its checksum is not the one in x\.json.*pack"):
        open_shard(tmp_path / "x.npy")


def test_two_writers_never_mix(tmp_path, monkeypatch):
    """The second is refused before it packs anything, and what the first one writes is whole."""
    monkeypatch.setattr(atomic, "_PATIENCE", 0.1)
    with ShardWriter(tmp_path / "x.npy", 6, 4, ("name", "value")) as shard:
        shard.append(IMAGES[0], ("a", 1))
        with pytest.raises(InputError, match=r"x\.json: another process is writing this file"):
            write(tmp_path / "x.npy")
        assert not [name for name in names(tmp_path) if not name.startswith(".")]
        shard.append(IMAGES[1], ("b", 2))
    np.testing.assert_array_equal(open_shard(tmp_path / "x.npy").gather(np.arange(2)), IMAGES[:2])
    assert names(tmp_path) == ["x.csv", "x.json", "x.npy"]
    write(tmp_path / "x.npy")
    assert len(open_shard(tmp_path / "x.npy")) == 11


def cut(path, count):
    path.write_bytes(path.read_bytes()[:-count])


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "x.json").unlink(), "x.json"),
        (lambda folder: cut(folder / "x.json", 5), "x.json"),
        (lambda folder: (folder / "x.json").write_text("[1]"), "x.json"),
        (lambda folder: (folder / "x.csv").unlink(), "x.csv"),
        (lambda folder: cut(folder / "x.csv", 30), "x.csv"),
        (lambda folder: (folder / "x.csv").write_text(""), "x.csv"),
        (lambda folder: (folder / "x.npy").unlink(), "x.npy"),
        (lambda folder: cut(folder / "x.npy", 1), "x.npy"),
        (lambda folder: (folder / "x.npy").write_bytes(b""), "x.npy"),
        (lambda folder: (folder / "x.npy").write_bytes((folder / "x.npy").read_bytes() + b"0"), "x.npy"),
        (lambda folder: np.save(folder / "x.npy", IMAGES[:5]), "x.npy"),
        (lambda folder: np.save(folder / "x.npy", np.array([{}]), allow_pickle=True), "x.npy"),
    ],
)
def test_damage_is_named_with_a_remedy(tmp_path, damage, named):
    write(tmp_path / "x.npy")
    damage(tmp_path)
    with pytest.raises(InputError) as error:
        open_shard(tmp_path / "x.npy")
    assert str(error.value).startswith(str(tmp_path / named))
    assert "pack" in str(error.value)


def test_checksum_is_that_of_the_file(tmp_path):
    import hashlib

    write(tmp_path / "x.npy")
    meta = json.loads((tmp_path / "x.json").read_text())
    assert meta["sha256"] == hashlib.sha256((tmp_path / "x.npy").read_bytes()).hexdigest()
