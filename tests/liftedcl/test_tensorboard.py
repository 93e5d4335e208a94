"""Histories as TensorBoard reads them back."""

import sys

import pytest

from liftedcl.engine.history import read_history, write_history
from liftedcl.identity.errors import InputError
from liftedcl.tensorboard import main, write_events

pytest.importorskip("tensorboard")

RUN = "encoders/liftedcl_in_cc/seed0"


def history(epochs, offset=0.0):
    return [
        {"epoch": n, "step": 32 * n, "encoder/inv": 7.0 / n + offset, "features/mean_cosine": 1 / 3}
        for n in range(1, epochs + 1)
    ]


@pytest.fixture
def runs(tmp_path):
    write_history_in(tmp_path / "runs" / RUN, history(3))
    write_history_in(tmp_path / "runs" / "h36m_3d/random/seed0", history(2, offset=1.0))
    return tmp_path / "runs"


def write_history_in(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    write_history(folder / "history.csv", rows)


def scalars(folder):
    """{column: [(step, value), ...]} of all event files of a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder)).Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def assert_equal_to_history(events, path):
    rows = read_history(path)
    assert set(events) == set(rows[0]) - {"step"}
    for column, points in events.items():
        assert [step for step, _ in points] == [row["step"] for row in rows]
        assert [value for _, value in points] == pytest.approx([row[column] for row in rows], rel=1e-6)  # float32


def test_events_hold_the_histories_values_at_their_steps(runs, tmp_path):
    written, _ = write_events(runs, tmp_path / "events")
    assert written == [RUN, "h36m_3d/random/seed0"]
    for name in written:
        assert_equal_to_history(scalars(tmp_path / "events" / name), runs / name / "history.csv")


def test_a_second_time_only_what_has_changed_is_written(runs, tmp_path):
    out = tmp_path / "events"
    write_events(runs, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("events.*")}
    assert write_events(runs, out)[0] == []
    write_history_in(runs / RUN, history(5))
    assert write_events(runs, out) == ([RUN], ["h36m_3d/random/seed0"])
    after = {path: path.stat().st_mtime_ns for path in out.rglob("events.*")}
    assert len(after) == 2
    assert len(set(before.items()) & set(after.items())) == 1
    assert_equal_to_history(scalars(out / RUN), runs / RUN / "history.csv")


def test_what_else_lies_in_the_folder_stays(runs, tmp_path):
    other = tmp_path / "events" / RUN / "notes.txt"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    write_events(runs, tmp_path / "events")
    assert other.read_text() == "mine"


def test_a_folder_of_one_run_goes_too(runs, tmp_path, capsys):
    main([str(runs / RUN), "--out", str(tmp_path / "events")])
    assert "1 runs written" in capsys.readouterr().out
    assert_equal_to_history(scalars(tmp_path / "events"), runs / RUN / "history.csv")


def test_by_default_events_stand_in_the_folder_of_the_runs(runs, capsys):
    for expected in ("2 runs written, 0 up to date", "0 runs written, 2 up to date"):
        main([str(runs)])
        assert expected in capsys.readouterr().out


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_histories_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=rf"{name}: no history\.csv"):
        write_events(tmp_path / name, tmp_path / "events")


def test_a_damaged_history_is_named_and_keeps_its_old_events(runs, tmp_path):
    write_events(runs, tmp_path / "events")
    (runs / RUN / "history.csv").write_text("epoch,step,encoder/inv\n1,32\n")
    with pytest.raises(InputError, match=r"seed0/history\.csv: not a history"):
        write_events(runs, tmp_path / "events")
    assert len(scalars(tmp_path / "events" / RUN)["encoder/inv"]) == 3


def test_without_tensorboard_the_remedy_is_named(runs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match="pip install tensorboard"):
        write_events(runs, tmp_path / "events")
