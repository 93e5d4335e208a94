"""ImageNet's check: it counts all that is missing or wrong, and names it."""

import sys

import pytest
from PIL import Image

from downstream.imagenet.__main__ import main


@pytest.fixture
def folder(tmp_path):
    for name in ("n01/a.JPEG", "n01/b.jpg", "n02/c.png", "n02/more/d.jpeg"):
        (tmp_path / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9)).save(tmp_path / "train" / name)
    return tmp_path / "train"


def checked(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["downstream.imagenet", "check", "--data", str(folder.parent)])
    try:
        main()
    except SystemExit as ending:
        assert ending.code == 1
    return capsys.readouterr().out


def test_classes_and_images_are_counted(folder, monkeypatch, capsys):
    told = checked(folder, monkeypatch, capsys)
    assert "classes: 2, the official release has 1,000" in told
    assert "images: 4, the official release has 1,281,167" in told and "complete, though not" in told


def test_all_that_is_missing_or_wrong_is_counted_and_named(folder, monkeypatch, capsys):
    for name in ("n03", "n04"):
        (folder / name).mkdir()
    (folder / "n01/a.JPEG").write_bytes(b"")
    (folder / "n02/c.png").write_bytes(b"no image")
    (folder / "n02/notes.txt").touch()
    told = checked(folder, monkeypatch, capsys)
    assert "2 of 4 classes hold no image: n03, n04" in told and "not complete" in told
    assert "2 of 4 images are broken: n01/a.JPEG (empty, truncated or not an image), n02/c.png (" in told
    assert "n02: left out 1 .txt files (notes.txt)" in told


def test_a_folder_that_is_not_there_is_named(folder, monkeypatch, capsys):
    folder.rename(folder.parent / "elsewhere")
    assert f"{folder}: no such folder" in checked(folder, monkeypatch, capsys)
