"""Batches of pairs: kinds in turn, no repeats, resumable; what a list without a kind ends in."""

import numpy as np
import pytest
import torch
from tiny.shard import write_tiny_shard

from liftedcl.identity.errors import InputError
from liftedcl.images.pair_batches import PairBatches, checksum_of
from liftedcl.images.pairs import KINDS, PairList
from liftedcl.recipes.completion_recipe import PAIR_KINDS

COUNT = 12


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return write_tiny_shard(tmp_path_factory.mktemp("shard") / "images.npy", COUNT)


def pairs_of(views: int, poses: int) -> PairList:
    """Distinct pairs, of which ``first + 1`` is the second."""
    first = np.arange(views + poses) % COUNT
    return PairList(first, (first + 1) % COUNT, np.repeat([0, 1], [views, poses]))


def test_the_recipe_knows_the_kinds():
    assert PAIR_KINDS == KINDS


def test_a_batch_has_both_images_of_its_pairs_and_equally_many_of_each_kind(shard):
    batches = PairBatches(shard, pairs_of(12, 12), KINDS, batch_size=4, seed=0)
    assert batches.steps_per_epoch == 3
    epoch = list(batches.epoch(1, 0))
    for step, batch in enumerate(epoch):
        assert batch.kinds.tolist() == [0, 1, 0, 1]
        assert batch.first.step == batch.second.step == 3 + step
        assert torch.equal(batch.second.rows, (batch.first.rows + 1) % COUNT)
        for part in (batch.first, batch.second):
            assert np.array_equal(part.images.permute(0, 2, 3, 1).numpy(), shard.images[part.rows.numpy()])
    for kind in (0, 1):
        assert len({row for batch in epoch for row in batch.first.rows[batch.kinds == kind].tolist()}) == 6
    assert torch.equal(next(batches.epoch(1, 2)).first.rows, epoch[2].first.rows)
    assert not torch.equal(next(batches.epoch(0, 0)).first.rows, epoch[0].first.rows)


def test_a_kind_with_few_pairs_begins_again_and_one_alone_fills_the_batch(shard):
    epoch = list(PairBatches(shard, pairs_of(12, 2), KINDS, batch_size=4, seed=0).epoch(0, 0))
    drawn = torch.cat([batch.first.rows[batch.kinds == 1] for batch in epoch]).tolist()
    assert sorted(drawn) == [0] * 3 + [1] * 3
    alone = next(PairBatches(shard, pairs_of(12, 2), ("pose",), batch_size=4, seed=0).epoch(0, 0))
    assert alone.kinds.tolist() == [1] * 4


def test_what_gives_no_batch_is_named_in_one_line(shard):
    with pytest.raises(
        InputError, match=r"images\.npy: its pairs have none of kind pose; leave it out of pairs\.kinds"
    ):
        PairBatches(shard, pairs_of(12, 0), KINDS, batch_size=4, seed=0)
    with pytest.raises(InputError, match="12 images, less than one batch of 16"):
        PairBatches(shard, pairs_of(12, 12), KINDS, batch_size=16, seed=0)


def test_the_checksum_tells_lists_apart():
    assert len({checksum_of(pairs_of(*counts)) for counts in ((12, 2), (11, 3), (12, 3))}) == 3
