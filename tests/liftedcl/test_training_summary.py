"""What is said of a pre-training that learnt, and of each way in which one does not."""

import math

import pytest

from liftedcl.engine.history import write_history
from liftedcl.identity.errors import InputError
from liftedcl.training_summary import main, problems

FIRST = {
    "epoch": 1, "step": 10, "encoder/inv": 2.0, "encoder/equiv": 3.0, "encoder/adv": 0.1, "critic/lsgan": 0.5,
    "features/mean_cosine": 0.8, "features/rank": 20.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"encoder/inv": 1.5, "encoder/adv": 0.3}, []),
        ({"encoder/inv": 2.2, "encoder/equiv": 2.7}, []),  # the terms are one loss
        ({"encoder/inv": 2.2}, ["its loss did not fall (5.000 in the first epoch, 5.200 in the last)"]),
        ({"encoder/inv": math.nan}, ["its loss did not fall"]),
        ({"encoder/inv": 1.0, "critic/lsgan": 0.01, "encoder/adv": 0.49}, ["the critic has won (its loss 0.010"]),
        ({"encoder/inv": 1.0, "critic/lsgan": 0.01, "encoder/adv": 0.3}, []),
        ({"encoder/inv": 1.0, "features/mean_cosine": 0.995}, ["its features are one point"]),
        ({"features/mean_cosine": math.nan}, ["its loss did not fall", "its features are one point"]),
    ],
)
def test_each_way_not_to_learn_is_named(changes, named):
    found = list(problems([FIRST, FIRST | {"step": 20} | changes]))
    assert len(found) == len(named)
    assert all(text.startswith(start) for text, start in zip(found, named, strict=True))


def test_a_row_with_the_critic_alone_has_no_loss_that_must_fall():
    row = {name: value for name, value in FIRST.items() if name not in ("encoder/inv", "encoder/equiv")}
    assert not list(problems([row, row | {"step": 20}]))


def test_each_run_has_a_line_that_says_whether_it_learnt(tmp_path):
    paths = [tmp_path / row / "seed0" / "history.csv" for row in ("worse", "better")]
    for path, last in zip(paths, (2.5, 1.5), strict=True):
        path.parent.mkdir(parents=True)
        write_history(path, [FIRST, FIRST | {"step": 20, "encoder/inv": last}])
    main([*map(str, paths), "--out", str(tmp_path / "summary.txt")])
    worse, better = (tmp_path / "summary.txt").read_text().splitlines()
    assert worse.startswith("worse/seed0, 20 steps, DID NOT LEARN: its loss did not fall (5.000 in the first epoch")
    assert better.startswith("better/seed0, 20 steps, learnt: inv 2.000 -> 1.500, equiv 3.000 -> 3.000, adv 0.100")


def test_one_epoch_shows_no_change(tmp_path):
    write_history(tmp_path / "history.csv", [FIRST])
    with pytest.raises(InputError, match="has one epoch"):
        main([str(tmp_path / "history.csv"), "--out", str(tmp_path / "summary.txt")])
