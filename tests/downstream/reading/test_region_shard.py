"""Packed regions: what training sees is what it would see of the images; killed, damaged, or for another recipe."""

import dataclasses
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
import torch
from tiny.data_of_benchmarks import DATA
from tiny.tasks import task_of

from downstream.reading import region_writer
from downstream.reading.frames import Region
from downstream.reading.region_files import DESCRIPTION, FORMATS, INDEX, PIXELS
from downstream.reading.region_shard import RegionShard, checksum_of
from downstream.reading.region_writer import RegionPlan, pack
from downstream.registry import BENCHMARKS
from downstream.training.region_cut import cut_of
from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from workflow.params import read_params

FINE = {"input_size": 160}, {"input_width": 144, "input_height": 192}, {"input_width": 192, "input_height": 192}
LARGE = dict(zip(("h36m_3d", "coco", "mpii"), FINE, strict=True)) | {"h36m_2d": FINE[2], "lip": {"input_size": 161}}
"""Inputs so fine that no region of the tiny pictures is shrunk. 3DPW's never are."""


def packed_for(benchmark, recipe, data, out):
    plan = BENCHMARKS[benchmark].load("regions").training_plan(cut_of(recipe), data)
    pack(plan, out, name=benchmark, workers=1)
    return out


@pytest.fixture(scope="module", params=[name for name in DATA if find_spec(BENCHMARKS[name].module("regions"))])
def of(request, tmp_path_factory):
    """Name, recipe and data of each benchmark."""
    write, recipe = DATA[request.param]
    recipe = dataclasses.replace(recipe, **LARGE.get(request.param, {}))
    return request.param, recipe, write(tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("format", FORMATS)
def test_training_sees_what_it_would_see_of_the_images(format, of, tmp_path):
    """The same bits where regions are raw and not resized; of a JPEG of noise, the hardest there is, nearly so."""
    name, plain, data = of
    recipe = dataclasses.replace(plain, regions=format)
    packed = packed_for(name, recipe, data, tmp_path / "regions")
    tasks = task_of(name, plain, data), task_of(name, recipe, data, packed=packed)
    batches = list(zip(*(task.batches(0, 0) for task in tasks), strict=True))
    assert batches
    for one, other in batches:
        for field in dataclasses.fields(one):
            values = getattr(one, field.name), getattr(other, field.name)
            if field.name == "images":
                apart = (values[0].int() - values[1].int()).abs()
                assert apart.max() == 0 if format == "raw" else 0 < apart.float().mean() < 15
            else:
                assert torch.equal(*values) if isinstance(values[0], torch.Tensor) else values[0] == values[1]


def test_shrunk_regions_show_the_same_places(tmp_path):
    """A network that sees a quarter of the resolution; smooth pictures, so that only a wrong place could differ."""
    write, recipe = DATA["h36m_3d"]
    data = write(tmp_path / "h36m")
    for path in (data / "images").rglob("*.jpg"):
        assert cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(path)), (0, 0), 8) * 2)
    small = dataclasses.replace(recipe, input_size=32, box_scale=3.0, regions="raw")
    packed = packed_for("h36m_3d", small, data, tmp_path / "regions")
    shard = RegionShard(packed, read_json(packed / DESCRIPTION, "")["cut_for"])
    assert np.median([shard.region(n).scale for n in range(len(shard))]) < 0.7
    plain = dataclasses.replace(small, regions=None)
    one = next(task_of("h36m_3d", plain, data).batches(0, 0))
    other = next(task_of("h36m_3d", small, data, packed=packed).batches(0, 0))
    apart = (one.images.int() - other.images.int()).abs().float()
    assert apart.mean() < 1 and torch.equal(one.targets, other.targets)


def numbers(count, failing=()):
    """Regions of various sizes; a packing ends where it comes to those ``failing``."""
    rng = np.random.default_rng(0)
    made = [rng.integers(0, 256, (3 + n % 5, 4 + n % 3, 3), dtype=np.uint8) for n in range(count)]

    def cut(rows):
        if set(rows) & set(failing):
            raise KeyboardInterrupt
        return [Region.whole(made[n]) for n in rows]

    groups = [(n, n + 1) for n in range(0, count, 2)]
    return made, RegionPlan(groups, cut, "what for", "raw")


def content_of(folder):
    return [(folder / name).read_bytes() for name in (PIXELS, INDEX, DESCRIPTION)]


@pytest.mark.parametrize("torn", [0, 7])
def test_a_killed_packing_goes_on_and_ends_with_the_same_bytes(torn, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(region_writer, "_GROUPS", 4)
    monkeypatch.setattr(region_writer, "_SAMPLE", 1)
    made, plan = numbers(40)
    pack(plan, tmp_path / "whole", name="x", workers=1)
    part = tmp_path / "part"
    with pytest.raises(KeyboardInterrupt):
        pack(numbers(40, failing=(30,))[1], part, name="x", workers=1)
    journal = part / region_writer.INDEX_PART
    assert journal.exists() and not (part / DESCRIPTION).exists()
    if torn:  # a power cut left half of the last line
        journal.write_bytes(journal.read_bytes()[:-torn])
    capsys.readouterr()
    pack(plan, part, name="x", workers=1)
    assert f"going on after {8 if torn else 12} of 20 groups" in capsys.readouterr().err
    assert content_of(part) == content_of(tmp_path / "whole")
    shard = RegionShard(part, "what for")
    assert all(np.array_equal(shard.region(n).pixels, made[n]) for n in range(40))
    pack(plan, part, name="x", workers=2)
    assert content_of(part) == content_of(tmp_path / "whole")


def test_damage_is_named(tmp_path):
    _, plan = numbers(8)
    pack(plan, tmp_path, name="x", workers=1)
    with pytest.raises(InputError, match=r"shard.json: cut for another recipe"):
        RegionShard(tmp_path, "other")
    pixels, index = tmp_path / PIXELS, tmp_path / INDEX
    whole = pixels.read_bytes()
    pixels.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    shard = RegionShard(tmp_path, "what for")
    shard.region(0)
    with pytest.raises(InputError, match=r"pixels.bin: region 7 is damaged.*cut_regions"):
        shard.region(7)
    pixels.write_bytes(whole[:-1])
    with pytest.raises(InputError, match=r"pixels.bin: now \d+ bytes"):
        shard.region(0)
    with pytest.raises(InputError, match=r"pixels.bin: \d+ bytes, shard.json says"):
        RegionShard(tmp_path, "what for")
    index.write_text(index.read_text().replace("0,0,0", "0,1,0", 1))
    pixels.write_bytes(whole)
    with pytest.raises(InputError, match=r"index.csv: its checksum"):
        RegionShard(tmp_path, "what for")
    (tmp_path / DESCRIPTION).unlink()
    with pytest.raises(InputError, match=r"shard.json: not found; the regions are not complete"):
        checksum_of(tmp_path)


def test_a_full_disk_is_told_before_anything_is_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(region_writer.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    with pytest.raises(InputError, match=r"regions need about .* regions: jpeg"):
        pack(numbers(8)[1], tmp_path, name="x", workers=1)
    assert not (tmp_path / PIXELS).exists()


def test_only_what_a_crop_can_see_decides_the_cut():
    """Numbers of the augmentation that leave its reach alone are in no cut, so that they pack nothing again."""
    for name, recipe in read_params("params.yaml", {"profile": "paper"}).benchmarks.items():
        recipe = dataclasses.replace(recipe, regions="jpeg")
        fields = {"scale_deviation": 0.01, "rotation_deviation": 1.0, "rotation_limit": 3.0, "flip": 0.1}
        there = {key: value for key, value in fields.items() if hasattr(recipe.augmentation, key)}
        other = dataclasses.replace(recipe, augmentation=dataclasses.replace(recipe.augmentation, **there),
                                    epochs=recipe.epochs + 10, learning_rate=0.5)  # fmt: skip
        assert to_json(cut_of(recipe)) == to_json(cut_of(other)), name
        if hasattr(recipe.augmentation, "scale_limits"):
            wider = dataclasses.replace(recipe.augmentation, scale_limits=(0.5, 1.7))
            assert cut_of(dataclasses.replace(recipe, augmentation=wider)) != cut_of(recipe)
