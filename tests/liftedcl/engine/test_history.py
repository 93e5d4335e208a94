"""The history file of a run."""

import pytest

from liftedcl.engine.history import read_history, write_history
from liftedcl.identity.errors import InputError


def test_a_history_is_read_back(tmp_path):
    rows = [{"epoch": n, "step": 10 * n, "encoder/inv": 1 / 3 / n, "features/rank": float(n)} for n in (1, 2, 3)]
    write_history(tmp_path / "history.csv", rows)
    assert read_history(tmp_path / "history.csv") == rows


def test_a_history_that_an_editor_has_saved_is_read(tmp_path):
    rows = [{"epoch": 1.0, "step": 10.0, "loss": 0.5}, {"epoch": 2.0, "step": 20.0, "loss": 0.25}]
    write_history(tmp_path / "history.csv", rows)
    content = (tmp_path / "history.csv").read_bytes()
    (tmp_path / "history.csv").write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert read_history(tmp_path / "history.csv") == rows


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"epoch,step,encoder/inv\n",
        b"epoch,encoder/inv\n1,2.0\n",
        b"epoch,step,encoder/inv\n1,10,2.0\n2,20\n",
        b"epoch,step,encoder/inv\n1,10,2.0\n2,10,1.0\n",
        b"epoch,step,encoder/inv\n1,10,lots\n",
        b"epoch,step,encoder/inv\n1,nan,1.0\n",
        b"epoch,step,encoder/inv\n1,1.5,1.0\n",
        b"epoch,step,encoder/inv\n1,-1e30,1.0\n",
        b"PK\x03\x04\x00\xff\xfe",
    ],
)
def test_a_damaged_history_is_named_in_one_line(tmp_path, content):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"history\.csv: not a history .*remove it") as error:
        read_history(tmp_path / "history.csv")
    assert "\n" not in str(error.value)


def test_a_missing_history_is_named(tmp_path):
    with pytest.raises(InputError, match="not found"):
        read_history(tmp_path / "history.csv")
