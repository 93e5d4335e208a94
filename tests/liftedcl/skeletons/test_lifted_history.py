"""lifted.npz and the figure of how lifted skeletons change during training."""

import cv2
import numpy as np
import pytest

from liftedcl.identity.errors import InputError
from liftedcl.images.shard import ShardWriter
from liftedcl.lifting_progress import main
from liftedcl.skeletons.lifted_history import LiftedHistory, read_lifted_history, write_lifted_history

ROWS, EPOCHS = np.array([0, 4, 9]), np.array([0, 1, 2, 10])


@pytest.fixture
def history():
    skeletons = np.random.default_rng(0).normal(size=(4, 3, 17, 3)).astype(np.float32)
    return LiftedHistory(rows=ROWS, epochs=EPOCHS, skeletons=skeletons)


@pytest.fixture
def files(tmp_path, history):
    """(lifted.npz, a shard of 10 images whose brightness is their row)."""
    write_lifted_history(tmp_path / "lifted.npz", history)
    with ShardWriter(tmp_path / "crops.npy", 64, 48, ("file",)) as writer:
        for i in range(10):
            writer.append(np.full((64, 48, 3), 20 * i, dtype=np.uint8), (f"{i}.jpg",))
    return tmp_path / "lifted.npz", tmp_path / "crops.npy"


def draw(lifted, images, out, *options):
    main(["--lifted", str(lifted), "--images", str(images), "--out", str(out), *options])
    return cv2.imread(str(out))


def test_a_history_is_read_back(tmp_path, history):
    for name in ("a", "b"):
        write_lifted_history(tmp_path / name, history)
    read = read_lifted_history(tmp_path / "a")
    for name in ("rows", "epochs", "skeletons"):
        assert np.array_equal(getattr(read, name), getattr(history, name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_damaged_history_is_named_in_one_line(tmp_path, history):
    path = tmp_path / "lifted.npz"
    write_lifted_history(path, history)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (b"", b"hello", whole[:-40], whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"lifted\.npz: not an npz .*liftedcl\.pretrain"):
            read_lifted_history(path)
    path.unlink()
    with pytest.raises(InputError, match="not found"):
        read_lifted_history(path)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": np.array([0, 1, 1, 2])},
        {"epochs": np.array([0, 1, 2])},
        {"rows": np.array([0, -1, 2])},
        {"rows": np.array([[0, 1, 2]])},
        {"rows": np.array([], dtype=np.int64), "skeletons": np.zeros((4, 0, 17, 3), np.float32)},
        {"skeletons": np.zeros((4, 3, 16, 3), np.float32)},
        {"skeletons": np.full((4, 3, 17, 3), np.nan, np.float32)},
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(tmp_path, history, change):
    write_lifted_history(tmp_path / "lifted.npz", LiftedHistory(**(vars(history) | change)))
    with pytest.raises(InputError, match=r"lifted\.npz: rows"):
        read_lifted_history(tmp_path / "lifted.npz")


def test_objects_in_a_history_are_never_loaded(tmp_path):
    np.savez(tmp_path / "lifted.npz", rows=np.array([{}]), epochs=EPOCHS, skeletons=np.zeros(3))
    with pytest.raises(InputError, match="rows holds pickled objects"):
        read_lifted_history(tmp_path / "lifted.npz")


def test_the_figure_has_a_row_a_crop_and_a_column_a_moment(files, tmp_path):
    shape = draw(*files, tmp_path / "all.png").shape
    assert draw(*files, tmp_path / "fewer_crops.png", "--count", "2").shape[0] < shape[0]
    assert draw(*files, tmp_path / "fewer_moments.png", "--moments", "3").shape[1] < shape[1]


def test_the_figure_shows_the_lifted_crops(files, tmp_path):
    figure = draw(*files, tmp_path / "figure.png")
    greys = np.where((figure == figure[..., :1]).all(2), figure[..., 0], 255)
    found = {row for row in range(10) if (greys == 20 * row).sum() > 5000}  # a crop has 12,000 pixels
    assert found == set(ROWS)


def test_the_figure_is_the_same_every_time(files, tmp_path):
    draw(*files, tmp_path / "a.png")
    draw(*files, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_history_of_another_shard_is_refused(files, tmp_path, history):
    write_lifted_history(files[0], LiftedHistory(ROWS + 5, EPOCHS, history.skeletons))
    with pytest.raises(InputError, match=r"row 14, but there are 10 images"):
        draw(*files, tmp_path / "figure.png")


@pytest.mark.parametrize("option", ["--count", "--moments"])
def test_nothing_to_draw_is_refused(files, tmp_path, option):
    with pytest.raises(InputError, match=f"{option} 0"):
        draw(*files, tmp_path / "figure.png", option, "0")
