"""Batches of one shard and of several: the right pixels, a reproducible order, and one line where a file is damaged."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from repository import REPOSITORY

from liftedcl.identity.errors import InputError
from liftedcl.images.batches import ShardBatches
from liftedcl.images.shard import ShardWriter, open_shard
from liftedcl.images.shard_union import open_shards


def write(path, count, *, height=8, width=6, first=0, columns=("name",)):
    """A shard whose images are ``first``, ``first + 1``, ... in every pixel but the first, which tells the channel."""
    with ShardWriter(path, height, width, columns) as shard:
        for number in range(first, first + count):
            image = np.full((height, width, 3), number, dtype=np.uint8)
            image[0, 0] = (1, 2, 3)
            shard.append(image, (number,) * len(columns))
    return path


@pytest.fixture
def two(tmp_path):
    return [write(tmp_path / "a.npy", 13), write(tmp_path / "b.npy", 20, first=13)]


def test_images_are_those_of_their_rows_with_channels_last_in_memory(two):
    batch = next(ShardBatches(open_shards(two[:1]), batch_size=5, seed=0).epoch(0, 0))
    assert batch.images.shape == (5, 3, 8, 6) and batch.images.dtype == torch.uint8
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert batch.images.permute(0, 2, 3, 1).is_contiguous()
    assert torch.equal(batch.images[:, 0, 5, 5].long(), batch.rows)
    assert batch.images[:, :, 0, 0].tolist() == [[1, 2, 3]] * 5


def test_a_batch_says_how_far_its_pictures_are_stretched(tmp_path, two):
    """Packed at 6 x 8: a picture of 6 x 8 isn't stretched, one of 12 x 8 is half as wide as it was."""
    with ShardWriter(tmp_path / "c.npy", 8, 6, ("picture_width", "picture_height")) as shard:
        for size in ((6, 8), (12, 8), (3, 8), (300, 100)):
            shard.append(np.zeros((8, 6, 3), np.uint8), size)
    batch = next(ShardBatches(open_shards([tmp_path / "c.npy"]), batch_size=4, seed=0).epoch(0, 0))
    assert batch.stretches[batch.rows.argsort()].tolist() == pytest.approx([1.0, 0.5, 2.0, 0.25])
    assert next(ShardBatches(open_shards(two), batch_size=5, seed=0).epoch(0, 0)).stretches.tolist() == [1.0] * 5


def test_a_union_numbers_its_rows_through(two):
    union = open_shards(two)
    assert len(union) == 33 and union.image_size == (8, 6)
    assert list(union.index["name"]) == list(range(33))
    batches = ShardBatches(union, batch_size=11, seed=1)
    epoch = list(batches.epoch(0, 0))
    for batch in epoch:
        assert torch.equal(batch.images[:, 0, 5, 5].long(), batch.rows)
        assert min(batch.rows) < 13 <= max(batch.rows)  # mixed
    assert sorted(torch.cat([batch.rows for batch in epoch]).tolist()) == list(range(33))
    np.testing.assert_array_equal(union.gather(np.array([32, 0, 13, 0]))[:, 5, 5, 0], [32, 0, 13, 0])


def test_a_union_is_read_in_the_order_a_single_shard_of_the_same_images_would_be(two, tmp_path):
    whole = open_shard(write(tmp_path / "whole.npy", 33))
    for one, other in zip(
        ShardBatches(whole, batch_size=4, seed=2).epoch(3, 1),
        ShardBatches(open_shards(two), batch_size=4, seed=2).epoch(3, 1),
        strict=True,
    ):
        assert torch.equal(one.images, other.images) and torch.equal(one.rows, other.rows)


def test_the_checksum_tells_a_unions_order(two):
    one, other = open_shards(two), open_shards(two[::-1])
    assert one.checksum != other.checksum
    assert all(shard.checksum in one.checksum for shard in one.shards)


def test_a_union_has_the_columns_that_all_have_and_no_labels(tmp_path):
    paths = [
        write(tmp_path / "a.npy", 2, columns=("name", "x", "label")),
        write(tmp_path / "b.npy", 2, columns=("name", "label", "y")),
    ]
    assert list(open_shards(paths).index.columns) == ["name"]
    assert "label" in open_shards(paths[:1]).index


def test_shards_of_two_sizes_are_refused(two, tmp_path):
    small = write(tmp_path / "small.npy", 3, height=4, width=3)
    with pytest.raises(InputError, match=r"small\.npy: images of 4x3.*a\.npy are 8x6; pack both"):
        open_shards([*two, small])
    with pytest.raises(InputError, match=r"none\.json: not found"):
        open_shards([*two, tmp_path / "none.npy"])


def test_rows_beyond_the_images_are_refused(two):
    for shard, rows in ((open_shard(two[0]), [0, 13]), (open_shards(two), [33]), (open_shard(two[0]), [-1])):
        with pytest.raises(IndexError):
            shard.gather(np.array(rows))
    assert open_shards(two).gather(np.array([], dtype=np.int64)).shape == (0, 8, 6, 3)


def test_step_counts_from_the_start_of_the_run(two):
    batches = ShardBatches(open_shards(two), batch_size=4, seed=0)
    assert [batch.step for epoch in range(3) for batch in batches.epoch(epoch, 0)] == list(range(24))
    assert [batch.step for batch in batches.epoch(2, 5)] == [21, 22, 23]


def test_leaving_an_epoch_leaves_no_thread(two):
    for _ in ShardBatches(open_shards(two), batch_size=4, seed=0).epoch(0, 0):
        break
    assert not [thread for thread in threading.enumerate() if thread.name == "prefetch"]


READ = """
import os, sys, time
from pathlib import Path
from liftedcl.images.batches import ShardBatches
from liftedcl.identity.errors import run_cli
from liftedcl.images.shard_union import open_shards

def main():
    paths = [Path(word) for word in sys.argv[1:]]
    batches = ShardBatches(open_shards(paths), batch_size=2, seed=0)
    for step, _ in enumerate(batches.epoch(0, 0)):
        if step == 1:
            time.sleep(0.3)  # the thread waits for room, so that it isn't cut off in the middle of a batch
            os.truncate(paths[-1], 5000)

run_cli(main)
"""


def test_a_file_cut_off_while_it_is_read_ends_in_one_line(tmp_path):
    """In a process of its own: what would happen otherwise is a SIGBUS."""
    paths = [write(tmp_path / "a.npy", 30, height=64, width=48), write(tmp_path / "b.npy", 30, height=64, width=48)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", READ, *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {paths[1]}: now 5000 bytes") and result.stderr.count("\n") == 1


def test_a_file_removed_while_it_is_read_is_named(two):
    shard = open_shard(two[0])
    two[0].unlink()
    with pytest.raises(InputError, match=r"a\.npy: No such file"):
        next(ShardBatches(shard, batch_size=4, seed=0).epoch(0, 0))
