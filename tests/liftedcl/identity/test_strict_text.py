"""YAML and JSON of people: a name stays a text, and nothing that stands twice is dropped."""

import pytest

from liftedcl.identity.errors import InputError
from liftedcl.identity.strict_text import json_value, read_yaml, yaml_value


@pytest.mark.parametrize(
    "text", ["2024_10", "2024-10-10", "2024-10-10 12:30:00", "on", "No", "yes", "1:30", "0140", "0x1F", "0b1", "1_000"]
)
def test_a_name_is_no_number(text):
    assert yaml_value(f"folder: {text}", "file") == {"folder": text}
    assert yaml_value(f"{text}: folder", "file") == {text: "folder"}


def test_numbers_truth_values_and_null_are_what_they_look_like():
    found = yaml_value("[0, 140, -3, +2, 1.0e-4, 1e5, .5, 2., true, False, null, ~, 'on', \"1\"]", "file")
    assert found == [0, 140, -3, 2, 1e-4, 1e5, 0.5, 2.0, True, False, None, None, "on", "1"]
    assert [type(value) for value in found[:8]] == [int] * 4 + [float] * 4


def test_merged_keys_are_not_repeats():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: *a, z: 4}\nd: *a"
    found = yaml_value(text, "file")
    assert (found["b"], found["c"], found["d"]) == ({"x": 1, "y": 3}, {"x": 1, "y": 2, "z": 4}, {"x": 1, "y": 2})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: a stands twice, first in line 1"),
        ("rows:\n  mine: {epochs: 1, epochs: 2}", "line 2: epochs stands twice"),
        ("true: 1", "line 1: the key true is not a text; put it in quotes"),
        ("x:\n  2024: 1", "line 2: the key 2024 is not a text"),
        ("[1]: 1", "line 1: the key"),
        ("a: &a {b: *a}", "line 1: "),
        ("a: [1,", "line 1: "),
        ("a: !!python/object:os.system {}", "line 1: "),
        ("a: \x00", "not valid YAML"),
        ("[" * 1500, "not valid YAML"),
    ],
)
def test_yaml_that_is_ambiguous_or_damaged_is_named_by_its_line(text, reason, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_yaml(path)
    assert str(error.value).startswith(f"{path}: not valid YAML: ") and reason in str(error.value)


def test_a_file_of_json_is_read_as_json(tmp_path):
    path = tmp_path / "own.json"
    path.write_text('{\n\t"people": "on"\n}')  # YAML allows no tab here
    assert read_yaml(path) == {"people": "on"}
    for damage in (b'{"a": 1, "a": 2}', b"{", b"\xff"):
        path.write_bytes(damage)
        with pytest.raises(InputError, match=r"own\.json: not valid"):
            read_yaml(path)


def test_a_key_of_json_stands_once():
    assert json_value('{"a": {"b": 1}, "c": [{"b": 1}, {"b": 2}]}') == {"a": {"b": 1}, "c": [{"b": 1}, {"b": 2}]}
    with pytest.raises(ValueError, match="the key epochs stands twice"):
        json_value('{"training": {"epochs": 2, "batch_size": 3, "epochs": 2}}')
