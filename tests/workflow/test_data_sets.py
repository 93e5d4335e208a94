"""One description a data set: rules, digests, params and docs follow from it, and a new one is a folder."""

import dataclasses

import pytest
import yaml
from repository import REPOSITORY

from downstream.registry import BENCHMARKS, DATA_SETS
from liftedcl.identity.code_digest import import_closure
from synthetic.recipes import Generated
from workflow.data_sets import markdown_table, missing_data, needed_data
from workflow.params import read_params

FIELDS = dataclasses.fields(Generated)


def test_the_docs_have_the_table_that_the_descriptions_give():
    assert markdown_table() in (REPOSITORY / "docs/data.md").read_text()


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_has_a_page_and_a_folder_in_params(name):
    assert (REPOSITORY / "docs" / "data" / f"{name}.md").is_file()
    assert yaml.safe_load((REPOSITORY / "params.yaml").read_text())["data"][name] == f"data/{name}"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_refers_to_a_described_data_set_and_what_it_needs_of_it(name):
    entry = BENCHMARKS[name]
    assert entry.data is DATA_SETS[entry.data.name] and entry.needs == entry.data.needs[name]


def test_what_is_generated_is_all_that_anything_needs():
    generated = {field.name for field in FIELDS}
    assert generated == {name for name, data_set in DATA_SETS.items() if data_set.generated}
    for name in generated:
        for needs in DATA_SETS[name].needs.values():
            assert {*needs.files, *needs.optional} <= set(DATA_SETS[name].generated)


def test_an_edit_of_a_description_re_runs_nothing():
    """It holds words and counts; the names of files are in modules of their own."""
    modules = ["liftedcl.crops", "liftedcl.pictures", *(f"synthetic.{field.name}" for field in FIELDS)]
    for entry in BENCHMARKS.values():
        modules += [entry.module(part) for part in ("task", "scores", "drawings", "reference")]
    for module in modules:
        closure = import_closure(module)
        assert not [name for name in closure if name.endswith((".data_set", ".description"))], module


def test_all_that_is_missing_is_named_with_its_source_and_licence(tmp_path):
    folders = {"data": {name: str(tmp_path / name) for name in DATA_SETS}}
    params = read_params(REPOSITORY / "params.yaml", {"profile": "paper", **folders})
    needed = needed_data(params, params.encoders)
    told = dict(zip(needed, missing_data(params, needed), strict=True))
    assert set(told) == set(DATA_SETS) - {"people"}  # no row of the paper's reads those
    for name, text in told.items():
        for part in (*needed[name], *DATA_SETS[name].pictures, DATA_SETS[name].source, DATA_SETS[name].licence):
            assert part in text
    (tmp_path / "imagenet/train/n01440764").mkdir(parents=True)
    (tmp_path / "imagenet/train/n01440764/a.JPEG").touch()
    assert [text.split(":")[0] for text in missing_data(params, needed)] == [n for n in needed if n != "imagenet"]


@pytest.mark.parametrize("name", ["a.JPG", "b.jpeg", "c.PNG", "camera 1/d.jpg"])
@pytest.mark.parametrize(
    ("data_set", "folder"),
    [("coco", "train2017"), ("coco", "images/train2017"), ("imagenet", "train/n01"), ("people", ".")],
)
def test_what_a_command_reads_as_an_image_is_not_missing(tmp_path, data_set, folder, name):
    params = read_params(REPOSITORY / "params.yaml", {"profile": "demo", data_set: str(tmp_path / "own")})
    image = tmp_path / "own" / folder / name
    image.parent.mkdir(parents=True)
    (image.parent / "notes.txt").touch()
    (image.parent / "._a.jpg").touch()
    assert missing_data(params, {data_set: ()})
    image.touch()
    assert not missing_data(params, {data_set: ()})
