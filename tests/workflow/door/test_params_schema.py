"""The JSON schema of params.yaml: it is current, params.yaml fits it, and a mistake does not."""

import copy
import json

import jsonschema
import pytest
from repository import REPOSITORY

from liftedcl.identity.strict_text import read_yaml
from workflow.create.params_schema import FILE, schema

PARAMS = read_yaml(REPOSITORY / "params.yaml")
VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_file_is_what_the_dataclasses_say():
    remedy = "python -m workflow.create.params_schema makes it again"
    assert json.loads((REPOSITORY / FILE).read_text()) == json.loads(json.dumps(schema())), remedy


def test_params_yaml_fits_it_and_names_it():
    jsonschema.Draft202012Validator.check_schema(schema())
    assert [error.message for error in VALIDATOR.iter_errors(PARAMS)] == []
    assert (REPOSITORY / "params.yaml").read_text().startswith(f"# yaml-language-server: $schema={FILE}\n")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("crops.heigth", 64), ("crops.height", "64"), ("seeds", 0), ("encoders.rows.random.method", "mocov2"),
        ("encoders.defaults.training.epochs", 1.5), ("benchmarks.lip.mpii", True), ("profiles.demo.profile", "paper"),
        ("profiles.demo.encoders.rows.random.backbone", 18), ("data.cocoa", "data/cocoa"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_while_it_is_typed(place, value):
    params = copy.deepcopy(PARAMS)
    *above, last = place.split(".")
    inner = params
    for key in above:
        inner = inner.setdefault(key, {})
    inner[last] = value
    assert not VALIDATOR.is_valid(params)
