"""The training loop: resuming gives the same bits, players are stepped apart, explosions stop the run."""

import contextlib
import errno
import re

import pytest
import torch
from torch import nn

from liftedcl.engine import checkpoint, journal, loop
from liftedcl.engine.schedule import constant, cosine, milestones
from liftedcl.identity.errors import InputError

CPU = torch.device("cpu")


class InterruptedRunError(Exception):
    pass


class TwoPlayers:
    """A little adversarial task with momentum, dropout and a buffer: everything that a resume can forget."""

    epochs, steps_per_epoch, images_per_step = 3, 7, 4

    def __init__(self, stop_after: int | None = None, explode_at: int | None = None, lengths: list[int] | None = None):
        torch.manual_seed(1)
        self.steps_per_epoch = lengths or self.steps_per_epoch
        self.module = nn.ModuleDict(
            {"encoder": nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.5)), "critic": nn.Linear(6, 1)}
        )
        self.players = {
            name: loop.Player(
                list(self.module[name].parameters()),
                torch.optim.SGD(self.module[name].parameters(), lr=0.1, momentum=0.9),
                cosine(0.1, steps=21) if name == "encoder" else constant(0.05),
                gradient_clip=1.0,
            )
            for name in ("encoder", "critic")
        }
        self.stop_after, self.explode_at, self.steps = stop_after, explode_at, 0

    def batches(self, epoch, first_step):
        lengths = self.steps_per_epoch
        for step in range(first_step, lengths if isinstance(lengths, int) else lengths[epoch]):
            yield torch.randn(4, 6, generator=torch.Generator().manual_seed(100 * epoch + step)), epoch, step

    def losses(self, batch):
        x, epoch, step = batch
        features = self.module["encoder"](x + 0.1 * torch.randn_like(x))
        scale = float("inf") if self.explode_at == epoch * 7 + step else 1.0
        yield "encoder", {"fool": scale * (self.module["critic"](features) - 1).square().mean()}
        yield "critic", {"tell": self.module["critic"](features.detach()).square().mean()}
        self.steps += 1
        if self.steps == self.stop_after:
            raise InterruptedRunError


def run(folder, task, seed=0, identity=None):
    return loop.fit(task, folder=folder, identity=identity or {"a": 1}, seed=seed, device=CPU, name="run")


def test_resuming_gives_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    whole = TwoPlayers()
    history = run(tmp_path / "whole", whole)
    for stop in (1, 6, 7, 13):
        folder = tmp_path / f"stopped{stop}"
        with pytest.raises(InterruptedRunError):
            run(folder, TwoPlayers(stop_after=stop))
        resumed = TwoPlayers()
        assert run(folder, resumed) == history
        assert resumed.steps < whole.steps or stop == 1
        for ours, theirs in zip(resumed.module.state_dict().values(), whole.module.state_dict().values(), strict=True):
            assert torch.equal(ours, theirs)
        assert (folder / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()


def test_epochs_of_different_lengths_are_resumed_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    lengths, whole = [2, 5, 3], TwoPlayers(lengths=[2, 5, 3])
    history = run(tmp_path / "whole", whole)
    assert [row["step"] for row in history] == [2, 7, 10] and whole.steps == 10
    # A row holds its own epoch's means, so that the same steps in other epochs add up to the same sum.
    other = run(tmp_path / "other", TwoPlayers(lengths=[2, 8]))
    assert other[0] == history[0] and [row["step"] for row in other] == [2, 10]
    for stop in range(2, 10):
        folder = tmp_path / f"stopped{stop}"
        with pytest.raises(InterruptedRunError):
            run(folder, TwoPlayers(stop_after=stop, lengths=lengths))
        resumed = TwoPlayers(lengths=lengths)
        assert run(folder, resumed) == history and resumed.steps == 10 - (stop - 1)
        for ours, theirs in zip(resumed.module.state_dict().values(), whole.module.state_dict().values(), strict=True):
            assert torch.equal(ours, theirs)


def test_images_a_second_are_those_of_the_epochs_batches(tmp_path, monkeypatch, capsys):
    """A step a second and a line a step; a step of the three epochs has 8, 6 and 2 images."""
    task = TwoPlayers(lengths=[2, 1, 3])
    task.images_per_step = [8, 6, 2]
    monkeypatch.setattr(journal.Journal, "due", lambda _: True)
    monkeypatch.setattr(journal.time, "monotonic", lambda: float(task.steps))
    run(tmp_path, task)
    found = [int(rate) for rate in re.findall(r"(\d+)\.0 images/s", capsys.readouterr().out)]
    assert found == [8, 8, 6, 2, 2, 2]


def test_another_seed_gives_other_bits(tmp_path):
    tasks = [TwoPlayers(), TwoPlayers()]
    for seed, task in enumerate(tasks):
        run(tmp_path / str(seed), task, seed=seed)
    assert not torch.equal(tasks[0].module["critic"].weight, tasks[1].module["critic"].weight)


def test_a_checkpoint_of_another_run_is_not_used(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    with pytest.raises(InterruptedRunError):
        run(tmp_path, TwoPlayers(stop_after=10))
    task = TwoPlayers()
    run(tmp_path, task, identity={"a": 2})
    assert task.steps == 21
    assert "starting over" in capsys.readouterr().out


def test_a_damaged_checkpoint_means_starting_over(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"PK\x03\x04 cut off")
    task = TwoPlayers()
    run(tmp_path, task)
    assert task.steps == 21


@pytest.mark.parametrize("harm", [lambda content: content[:-50], lambda content: content.replace(b"\x3f", b"\x3e", 1)])
def test_a_run_whose_last_checkpoint_is_damaged_goes_on_from_the_one_before(tmp_path, monkeypatch, capsys, harm):
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    run(tmp_path / "whole", TwoPlayers())
    with pytest.raises(InterruptedRunError):
        run(tmp_path / "harmed", TwoPlayers(stop_after=11))
    last = tmp_path / "harmed" / "last.pt"
    content = harm(last.read_bytes())
    assert content != last.read_bytes()
    last.unlink()  # a file of its own: the checkpoint before must not share its content
    last.write_bytes(content)
    task = TwoPlayers()
    run(tmp_path / "harmed", task)
    printed = capsys.readouterr().out
    assert "last.pt: not a readable checkpoint" in printed and "taking the one before" in printed
    assert task.steps == 21 - 9  # step 10 was saved last, and 9 before it
    assert (tmp_path / "harmed" / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()
    checkpoint.discard(tmp_path / "harmed")
    assert [path.name for path in (tmp_path / "harmed").iterdir()] == ["history.csv"]


def test_a_checkpoint_that_cannot_be_written_leaves_both_before_it(tmp_path, monkeypatch):
    for step in range(3):
        checkpoint.save(tmp_path, {"a": 1}, {"step": step})
    monkeypatch.setattr(torch, "save", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(tmp_path, {"a": 1}, {"step": 3})
    monkeypatch.undo()
    assert checkpoint.load(tmp_path, {"a": 1}, CPU) == {"step": 2}
    (tmp_path / "last.pt").unlink()
    assert checkpoint.load(tmp_path, {"a": 1}, CPU) == {"step": 1}


def test_an_explosion_names_step_terms_and_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    with pytest.raises(InputError) as error:
        run(tmp_path, TwoPlayers(explode_at=9))
    message = str(error.value)
    assert "step 10" in message
    assert "encoder/fool" in message
    assert "last.pt" in message
    good = checkpoint.load(tmp_path, {"a": 1}, CPU)
    assert good["step"] == 9
    assert all(value.isfinite().all() for value in good["module"].values())


class TwoTensors:
    """The loss 3 a + 4 b + c / 2 of two tensors, (a, b) and (c,), at a rate of 1: a step is minus the gradient."""

    def __init__(self, **clip):
        self.module = nn.ParameterList([nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))])
        parameters = list(self.module)
        self.players = {"sum": loop.Player(parameters, torch.optim.SGD(parameters, lr=1.0), constant(1.0), **clip)}

    def losses(self, batch):
        first, second = self.module
        yield "sum", {"sum": (torch.tensor([3.0, 4.0]) * first).sum() + 0.5 * second.sum()}


@pytest.mark.parametrize(
    ("clip", "step"),
    [
        ({}, [3, 4, 0.5]),
        ({"gradient_clip": 1.0}, [3 / 25.25**0.5, 4 / 25.25**0.5, 0.5 / 25.25**0.5]),
        ({"gradient_clip": 1.0, "clip_apart": True}, [0.6, 0.8, 0.5]),  # only the first is longer than 1
        ({"gradient_clip": 0.25, "clip_apart": True}, [0.15, 0.2, 0.25]),
        ({"gradient_clip": 6.0}, [3, 4, 0.5]),
        ({"gradient_clip": 6.0, "clip_apart": True}, [3, 4, 0.5]),
    ],
)
def test_gradients_are_clipped_together_or_apart(clip, step):
    task = TwoTensors(**clip)
    loop.train_step(task, None, 0, contextlib.nullcontext())
    torch.testing.assert_close(-torch.cat(list(task.module)).detach(), torch.tensor(step), rtol=1e-5, atol=0)


def test_step_seeds_are_apart():
    seeds = {loop.step_seed(seed, step) for seed in range(4) for step in range(1000)}
    assert len(seeds) == 4000


def test_schedules():
    rate = cosine(2.0, steps=10)
    assert rate(0) == 2.0
    assert rate(5) == pytest.approx(1.0)
    assert rate(10) == pytest.approx(0.0)
    rate = cosine(2.0, steps=12, held=4)  # 3 epochs, which begin at 0, a third and two thirds of the way
    assert [rate(step) for step in (0, 3, 4, 7, 8, 11)] == pytest.approx([2.0, 2.0, 1.5, 1.5, 0.5, 0.5])
    rate = milestones(1.0, steps_per_epoch=3, epochs_list=[2, 4], factor=0.1)
    assert [rate(step) for step in (0, 5, 6, 11, 12)] == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01])


@pytest.mark.parametrize("content", [b"hello\n", b"\x80\x02K\x01.", b""])
def test_junk_as_checkpoint_means_starting_over(tmp_path, content):
    (tmp_path / "last.pt").write_bytes(content)
    task = TwoPlayers()
    run(tmp_path, task)
    assert task.steps == 21


def test_a_foreign_torch_file_as_checkpoint_means_starting_over(tmp_path):
    torch.save(torch.zeros(3), tmp_path / "last.pt")
    task = TwoPlayers()
    run(tmp_path, task)
    assert task.steps == 21
