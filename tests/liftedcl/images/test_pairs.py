"""Pairs beside a shard: numbered as its images, of several shards together, and never another shard's."""

import numpy as np
import pytest

from liftedcl.identity.errors import InputError
from liftedcl.images.pairs import KINDS, PairList, open_pairs, write_pairs
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.images.shard_union import open_shards

PAIRS = PairList(np.array([0, 3]), np.array([2, 1]), np.array([0, 1]))


def write_shard(path, count=4, colour=0):
    with ShardWriter(path, 4, 3, ("image_id",)) as shard:
        for number in range(count):
            shard.append(np.full((4, 3, 3), colour + number, np.uint8), (number,))
    return open_shard(path)


def test_pairs_come_back_as_they_were_written(tmp_path):
    shard = write_shard(tmp_path / "x.npy")
    write_pairs(shard, PAIRS, {"maker": 1})
    assert (tmp_path / "x.pairs.csv").read_text() == "first,second,kind\n0,2,view\n3,1,pose\n"
    found = open_pairs(open_shard(tmp_path / "x.npy"))
    for name in ("first", "second", "kinds"):
        assert getattr(found, name).dtype == np.int64
        np.testing.assert_array_equal(getattr(found, name), getattr(PAIRS, name))
    assert KINDS == ("view", "pose") and not list(tmp_path.glob(".*"))


def test_pairs_of_several_shards_are_rows_of_their_union(tmp_path):
    for name, colour in (("x", 0), ("y", 9)):
        write_pairs(write_shard(tmp_path / f"{name}.npy", colour=colour), PAIRS, {})
    union = open_shards([tmp_path / "x.npy", tmp_path / "y.npy"])
    found = open_pairs(union)
    np.testing.assert_array_equal([found.first, found.second, found.kinds], [[0, 3, 4, 7], [2, 1, 6, 5], [0, 1] * 2])
    assert (union.gather(found.first)[2:, 0, 0, 0] == [9, 12]).all()


def test_a_list_stays_good_when_the_same_images_are_packed_again(tmp_path):
    write_pairs(write_shard(tmp_path / "x.npy"), PAIRS, {})
    assert len(open_pairs(write_shard(tmp_path / "x.npy"))) == 2


def _cut(root):
    path = root / "x.pairs.csv"
    path.write_text(path.read_text()[:-5])


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda root: [path.unlink() for path in root.glob("x.pairs.*")], r"x.npy: has no list of pairs .* h36m"),
        (lambda root: (root / "x.pairs.json").unlink(), "x.pairs.json: not found"),
        (lambda root: (root / "x.pairs.csv").unlink(), "x.pairs.csv: not found"),
        (lambda root: (root / "x.pairs.json").write_text("[]"), "its checksum is not the one in x.pairs.json"),
        (_cut, "x.pairs.csv: its checksum is not the one in x.pairs.json"),
        (lambda root: write_shard(root / "x.npy", colour=1), "numbers the images of another x.npy"),
        (lambda root: write_shard(root / "x.npy", count=9), "numbers the images of another x.npy"),
    ],
)
def test_a_missing_damaged_or_foreign_list_is_one_line(tmp_path, damage, named):
    write_pairs(write_shard(tmp_path / "x.npy"), PAIRS, {})
    damage(tmp_path)
    with pytest.raises(InputError, match=named) as error:
        open_pairs(open_shard(tmp_path / "x.npy"))
    assert "\n" not in str(error.value)
