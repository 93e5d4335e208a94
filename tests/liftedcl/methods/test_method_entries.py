"""A method is one file: its entry is read from it as text, and a file that is none gives one line."""

import shutil

import pytest
from repository import REPOSITORY

from liftedcl.identity.errors import InputError
from liftedcl.identity.strict_text import read_yaml
from liftedcl.methods import encoder_modules, lifts, method_class
from liftedcl.recipes import method_entries as subject
from liftedcl.recipes.method_entries import method_entries
from workflow.params import read_params, resolve

ENTRIES = method_entries()


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.module])
def test_an_entry_says_what_its_class_says(name):
    found = method_class(name)
    assert (found.__module__, found.__name__, found.sections) == (
        ENTRIES[name].module, ENTRIES[name].class_name, ENTRIES[name].sections,
    )  # fmt: skip


def test_classes_are_named_after_what_they_are():
    names = {name: entry.class_name for name, entry in ENTRIES.items() if entry.module}
    assert names == {
        "croco": "CroCo", "densecl": "DenseCL", "hcmoco": "HCMoCo", "keypoints_2d": "Keypoints2D",
        "liftedcl": "LiftedCL", "mae": "MAE", "moco_v2": "MoCoV2", "pixpro": "PixPro", "setsim": "SetSim",
        "supervised": "Supervised",
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the methods' folder."""
    for path in (REPOSITORY / "liftedcl" / "methods").glob("*.py"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(subject, "_FOLDER", tmp_path)
    method_entries.cache_clear()
    yield tmp_path
    method_entries.cache_clear()


def test_a_file_and_a_row_make_a_method(folder):
    (folder / "toy.py").write_text('class Toy:\n    sections = ("training", "views")\n')
    params = read_yaml(REPOSITORY / "params.yaml")
    row = {"method": "toy", "images": "imagenet"}
    params["encoders"]["rows"]["mine"] = row
    recipe = resolve(params, {"profile": "demo"}).encoders["mine"]
    assert recipe.training is not None and recipe.contrast is None and not lifts(recipe)
    assert encoder_modules("toy") == ("liftedcl.pretrain", "liftedcl.methods.toy")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("class Toy:\n    pass\n", "found 0 classes"),
        ('class A:\n    sections = ("training", "views")\n\n\nclass B(A):\n    sections = A.sections\n', "malformed"),
        ('class A:\n    sections = ("training",)\n', "at least these"),
        ('class A:\n    sections = "training, views"\n', "at least these"),
        ("class A:\n    sections = (\n", "never closed"),
    ],
)
def test_a_file_that_is_no_method_is_named_in_one_line(folder, text, problem):
    (folder / "toy.py").write_text(text)
    with pytest.raises(InputError, match=rf"toy\.py: .*{problem}.*moco_v2\.py") as error:
        method_entries()
    assert "\n" not in str(error.value)


def test_a_row_lifts_where_its_loss_has_a_weight():
    rows = read_params(REPOSITORY / "params.yaml", {"profile": "demo"}).encoders
    assert {name for name, recipe in rows.items() if lifts(recipe)} == {
        name for name, recipe in rows.items() if recipe.method == "liftedcl" and recipe.lifting.adv > 0
    }
    assert not lifts(rows["moco_v2_in"]) and lifts(rows["liftedcl_in_cc"])
