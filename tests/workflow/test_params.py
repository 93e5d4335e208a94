"""params.yaml: the two merges, and one clear line for every mistake."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from repository import REPOSITORY

from downstream.registry import BENCHMARKS, DATA_SETS
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import read_recipe, to_json
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from workflow.command_line import command_line_values, label_of
from workflow.params import read_params, resolve

PARAMS = REPOSITORY / "params.yaml"


@pytest.mark.parametrize("profile", ["demo", "small", "longer", "study", "paper"])
def test_every_profile_resolves(profile):
    params = read_params(PARAMS, {"profile": profile})
    assert params.profile == profile
    assert params.encoders["liftedcl_in_cc"].start == "moco_v2_in"


def test_a_section_that_a_profile_makes_null_is_the_defaults_again():
    demo = read_params(PARAMS, {"profile": "demo"}).encoders
    assert demo["setsim_in"].training == demo["densecl_in"].training
    rows = {"rows": {"setsim_in": {"training": {"batch_size": 64}}}}
    changed = read_params(PARAMS, {"profile": "demo", "encoders": rows}).encoders["setsim_in"].training
    assert (changed.batch_size, changed.epochs) == (64, demo["densecl_in"].training.epochs)


def test_command_line_wins_over_profile_and_profile_over_file():
    file = yaml.safe_load(PARAMS.read_text())
    assert resolve(file, {"profile": "paper"}).data["coco"] == "data/coco"
    assert resolve(file, {"profile": "demo"}).data["coco"] == "data/demo/coco"
    for overrides in ({"coco": "elsewhere"}, {"data": {"coco": "elsewhere"}}):
        data = resolve(file, {"profile": "demo", **overrides}).data
        assert data == resolve(file, {"profile": "demo"}).data | {"coco": "elsewhere"}


def test_a_profile_is_what_it_extends_with_its_own_values_on_top():
    demo, small = (read_params(PARAMS, {"profile": name}) for name in ("demo", "small"))
    assert small.seeds == (0, 1, 2) and small.benchmarks["mpii"] == demo.benchmarks["mpii"]
    assert small.generated.coco.width == demo.generated.coco.width
    assert small.generated.coco.train_scenes > demo.generated.coco.train_scenes
    crops = {"crops": {"min_side": 9.0}}
    profiles = {"a": {"seeds": [1], "extends": "b"}, "b": {"extends": "c", "seeds": [2]}, "c": crops}
    file = yaml.safe_load(PARAMS.read_text())
    file["profiles"] = {name: {**file["profiles"]["demo"], **of} for name, of in profiles.items()}
    found = resolve(file, {"profile": "a"})
    assert (found.seeds, found.crops.min_side) == ((1,), 9.0)


@pytest.mark.parametrize(
    ("extends", "named"),
    [
        ("dmo", "profiles.small.extends: 'dmo' is none of demo, longer, study"),
        ("small", "profiles.small.extends: 'small' is none of demo, longer, study"),
        (["demo"], r"profiles.small.extends: \['demo'\] is none of demo, longer, study"),
        ("study", "profiles.study.extends: 'small' is none of demo, longer, paper"),
    ],
)
def test_a_profile_extends_one_that_is_there_and_not_itself(extends, named):
    file = yaml.safe_load(PARAMS.read_text())
    file["profiles"]["small"]["extends"] = extends
    file["profiles"]["study"]["extends"] = "small"
    with pytest.raises(InputError, match=named):
        resolve(file, {"profile": "small"})


@pytest.mark.parametrize(
    "folder",
    [
        "/x/shoot #3",
        "2024_10",
        "2024-10-10",
        "on",
        "1e5",
        "null",
        "0140",
        "[a]",
        "a: b",
        "x=y",
        "it's (R&D) $a; b",
        " a",
    ],
)
def test_a_folder_of_the_command_line_is_taken_as_it_is_written(folder):
    for name in DATA_SETS:
        assert read_params(PARAMS, command_line_values([], [f"{name}={folder}"])).data[name] == folder


def test_other_values_of_the_command_line_are_yaml(tmp_path):
    """The later one wins; a name inside a value is what params.yaml would make of it."""
    file = tmp_path / "tiny.yaml"
    file.write_text("seeds: [5]\ncrops: {min_side: 3}\npeople: 2024-10-10\n")
    rows = "encoders={rows: {on: {method: own, file: 2024_10/e.pt}}}"
    words = ["seeds=[0, 1]", "crops={min_keypoints: 0}", "coco=some/folder", rows, "tables={rows: [supervised_in, on]}"]
    params = read_params(PARAMS, command_line_values([file], words))
    assert (params.seeds, params.crops.min_keypoints, params.crops.min_side) == ((0, 1), 0, 3.0)
    assert (params.data["coco"], params.data["people"]) == ("some/folder", "2024-10-10")
    assert params.encoders["on"].file == "2024_10/e.pt" and params.tables.rows == ("supervised_in", "on")


@pytest.mark.parametrize("word", ["seeds=[0, 1", "data={coco: /x/shoot #3}", "crops={height: 1, height: 2}"])
def test_a_value_that_is_not_yaml_names_its_key(word):
    with pytest.raises(InputError, match=f"--config {word.split('=')[0]}: not valid YAML"):
        command_line_values([], [word])


def test_a_file_of_values_is_a_mapping(tmp_path):
    (tmp_path / "own.yaml").write_text("[1]")
    with pytest.raises(InputError, match=r"own\.yaml: is not a mapping"):
        command_line_values([tmp_path / "own.yaml"], [])


def test_changed_numbers_are_told_from_the_profiles_own():
    for overrides, label in (
        ({}, "demo"),
        ({"profile": "paper", "coco": "elsewhere", "seeds": [1]}, "paper"),
        ({"data": {"coco": "elsewhere"}, "tables": {"rows": None, "frozen": ["table1"]}}, "demo"),
        ({"profile": "paper", "benchmarks": {"h36m_3d": {"epochs": 1}}}, "paper (changed)"),
    ):
        assert label_of(read_params(PARAMS, overrides), overrides) == label


def test_the_unused_table_of_ranges_is_no_part_of_a_run():
    file = yaml.safe_load(PARAMS.read_text())
    before = resolve(file, {}).skeletons
    file["skeletons"]["ranges"]["global"]["rknee"]["a"] = [-80, 80]
    assert resolve(file, {}).skeletons == before


def test_a_row_depends_only_on_the_sections_its_method_reads():
    file = yaml.safe_load(PARAMS.read_text())
    before = resolve(file, {}).encoders
    file["encoders"]["defaults"]["lifting"]["blocks"] = 5
    after = resolve(file, {}).encoders
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if before[name].method == "liftedcl"}


def test_a_variant_is_its_benchmark_with_some_values_changed():
    recipes = read_params(PARAMS).benchmarks
    for name in BENCHMARKS:
        assert not recipes[name].probe
        assert dataclasses.replace(recipes[name], probe=True) == recipes[f"{name}-probe"]


def test_a_variant_of_all_benchmarks_may_change_more_of_some():
    changes = {"probe": True, "h36m_3d": {"epochs": 77}}
    found = read_params(PARAMS, {"variants": {"new": changes}}).benchmarks
    plain = read_params(PARAMS).benchmarks
    for name in BENCHMARKS:
        more = {"epochs": 77} if name == "h36m_3d" else {}
        assert found[f"{name}-new"] == dataclasses.replace(plain[name], probe=True, **more)


def test_mpii_is_mixed_in_from_the_folder_of_its_data_set():
    """In 3D the paper's profile does, as the published recipe; the demo and 2D only as a variant."""
    for profile, folder, defaults in (("demo", "data/demo/mpii", {}), ("paper", "data/mpii", {"h36m_3d": "data/mpii"})):
        recipes = read_params(PARAMS, {"profile": profile}).benchmarks
        for name in ("h36m_2d", "h36m_3d"):
            assert recipes[name].mpii == recipes[f"{name}-probe"].mpii == defaults.get(name)
            assert recipes[f"{name}-mixed"].mpii == folder
    for overrides in ({"mpii": "elsewhere"}, {"data": {"mpii": "elsewhere"}}):
        recipes = read_params(PARAMS, {"profile": "paper", **overrides}).benchmarks
        assert recipes["h36m_3d"].mpii == recipes["h36m_2d-mixed"].mpii == "elsewhere"


@pytest.mark.parametrize("profile", ["demo", "study", "paper"])
def test_rows_with_the_prior_train_on_the_same_people(profile):
    """Table 9 compares two rows that differ by the prior alone, wherever MPII is mixed in."""
    for overrides in ({}, {"benchmarks": {name: {"mpii": True} for name in ("h36m_2d", "h36m_3d")}}):
        recipes = read_params(PARAMS, {"profile": profile, **overrides}).benchmarks
        for name in ("h36m_2d", "h36m_3d"):
            assert dataclasses.replace(recipes[f"{name}-prior"], prior=None) == recipes[name]
            assert recipes[f"{name}-prior"].prior is not None


def test_batch_norm_takes_the_published_number_of_samples():
    recipes = read_params(PARAMS, {"profile": "paper"}).benchmarks
    found = {name: (recipes[name].batch_size, recipes[name].norm_samples) for name in ("coco", "mpii", "h36m_3d")}
    assert set(found.values()) == {(128, 32)}
    assert (recipes["h36m_2d"].batch_size, recipes["h36m_2d"].norm_samples) == (32, 8)
    assert (recipes["lip"].batch_size, recipes["lip"].norm_samples) == (48, 16)
    assert recipes["pw3d"].norm_samples is None
    assert recipes["coco-probe"].norm_samples == 32  # the head's; the frozen encoder has no statistics to take
    for recipe in read_params(PARAMS, {"profile": "demo"}).benchmarks.values():
        assert (recipe.norm_samples or recipe.batch_size) >= recipe.batch_size


def test_recipes_survive_the_command_line():
    for recipe in read_params(PARAMS).encoders.values():
        assert read_recipe(EncoderRecipe, to_json(recipe)) == recipe


@pytest.mark.parametrize(
    ("overrides", "named", "remedy"),
    [
        ({"crops": {"heigth": 1}}, "crops.heigth", "did you mean height"),
        ({"profil": "demo"}, "profil", "did you mean profile"),
        ({"h36m_pairs": {"pose_gap": [0, 3]}}, "h36m_pairs.pose_gap", "set null for no pose pairs"),
        (
            {"encoders": {"rows": {"vit_croco": {"images": "coco+h36m"}}}},
            "encoders.vit_croco.images",
            "coco has no such pairs",
        ),
        ({"imagnet": "folder"}, "imagnet", "did you mean imagenet"),
        ({"data": {"imagnet": "folder"}}, "data.imagnet", "did you mean imagenet"),
        ({"data": {"elsewhere": "folder"}}, "data.elsewhere", "there are coco, h36m"),
        ({"coco": 5}, "data.coco", "not of type str; a name that looks like a number needs quotes"),
        ({"coco": ""}, "data.coco", "is empty"),
        ({"people": "a{b}"}, "data.people", "link it under another name"),
        ({"encoders": {"rows": {"reference": {"method": "random"}}}}, "encoders.rows.reference", "tables' own rows"),
        ({"encoders": {"rows": {"bound": {"method": "random"}}}}, "encoders.rows.bound", "tables' own rows"),
        ({"profile": "dmo"}, "profile", "none of demo, small, longer, study, paper"),
        ({"crops": {"height": 100}}, "crops.height", "4:3"),
        ({"seeds": []}, "seeds", "list"),
        ({"seeds": [0, 0]}, "seeds", "repeats"),
        ({"seeds": [-1]}, "seeds", "below 0"),
        ({"encoders": {"rows": {"random": 5}}}, "encoders.rows.random", "not a mapping"),
        ({"encoders": {"rows": {"random": {"method": [1]}}}}, "rows.random.method", "none of"),
        ({"crops": {"height": "tall"}}, "crops.height", "not of type int"),
        ({"crops": {"min_side": float("nan")}}, "crops.min_side", "finite"),
        ({"encoders": {"rows": {"liftedcl_in_cc": {"start": "nobody"}}}}, "liftedcl_in_cc.start", "not one of"),
        ({"encoders": {"rows": {"moco_v2_in": {"start": "moco_v2_in_cc"}}}}, "start", "back to itself"),
        ({"encoders": {"rows": {"moco_v2_in": {"backbone": "resnet18"}}}}, "cc.start", "another backbone"),
        ({"encoders": {"rows": {"moco_v2_in_cc": {"lifting": {"adv": 1.0}}}}}, "moco_v2_in_cc.lifting", "remove it"),
        ({"encoders": {"rows": {"new": {"method": "mocov2"}}}}, "rows.new.method", "none of"),
        ({"encoders": {"row": {}}}, "encoders.row", "unknown key"),
        ({"encoders": {"defaults": {"training": {"batch_size": 1.5}}}}, "training.batch_size", "not of type int"),
        ({"benchmarks": {"h36m_3d": {"epoch": 3}}}, "benchmarks.h36m_3d.epoch", "did you mean epochs"),
        ({"benchmarks": {"h36m": {}}}, "benchmarks.h36m", "unknown key"),
        ({"benchmarks": 5}, "benchmarks", "not a mapping"),
        ({"benchmarks": {"h36m_3d": {"mpii": "folder"}}}, "benchmarks.h36m_3d.mpii: 'folder'", "data.mpii gives"),
        ({"benchmarks": {"coco": {"norm_samples": 3}}}, "benchmarks.coco.norm_samples", "does not divide batch_size"),
        ({"benchmarks": {"lip": {"norm_samples": 3}}}, "benchmarks.lip.norm_samples", "does not divide batch_size"),
        ({"benchmarks": {"pw3d": {"norm_samples": 8}}}, "benchmarks.pw3d.norm_samples", "is null here"),
        ({"benchmarks": {"pw3d": {"half_epochs": 99}}}, "benchmarks.pw3d.half_epochs: 99", "are not from 0 to the"),
        ({"benchmarks": {"pw3d": {"half_epochs": -1}}}, "benchmarks.pw3d.half_epochs: -1", "from 0"),
        ({"variants": {"probe": {"prob": True}}}, "variants.probe", "no benchmark's recipe has the keys"),
        ({"variants": {"probe": 1}}, "variants.probe", "not a mapping"),
        ({"variants": {"probe": {"coco": 1}}}, "variants.probe.coco", "not a mapping"),
        ({"variants": {"a-b": {"probe": True}}}, "variants.a-b", "letters"),
        ({"variants": {"short": {"epochs": 0}}}, "variants.short", "epochs"),
    ],
)
def test_a_mistake_names_its_key(overrides, named, remedy):
    with pytest.raises(InputError) as error:
        read_params(PARAMS, overrides)
    message = str(error.value)
    assert named in message
    assert remedy in message
    assert "\n" not in message


def test_a_data_set_without_a_folder_is_named():
    file = yaml.safe_load(PARAMS.read_text())
    del file["data"]["lip"], file["profiles"]["demo"]["data"]["lip"]
    with pytest.raises(InputError, match=r"data\.lip: missing"):
        resolve(file, {})


@pytest.mark.parametrize("name", ["a b", "../x", "<img>", "a|b", "a\nb", ""])
def test_a_profile_has_a_plain_name(name):
    file = yaml.safe_load(PARAMS.read_text())
    file["profiles"][name] = file["profiles"]["paper"]
    with pytest.raises(InputError, match=r"profile: .* has letters, digits, _ and - only"):
        resolve(file, {"profile": name})


def test_broken_yaml_and_missing_file_are_named(tmp_path):
    broken = tmp_path / "params.yaml"
    broken.write_text("a: [1,\n")
    for path in (broken, tmp_path / "none.yaml"):
        with pytest.raises(InputError, match=str(path)):
            read_params(path)


def test_the_command_prints_one_line_and_fails():
    command = [sys.executable, "-m", "workflow.params", "crops.hieght"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: params.yaml: crops.hieght")
    assert result.stderr.count("\n") == 1


def test_a_recipe_can_be_a_file(tmp_path):
    path = Path(tmp_path / "row.json")
    path.write_text('{"method": "random", "backbone": "resnet18"}')
    assert read_recipe(EncoderRecipe, str(path)).backbone == "resnet18"
    path.write_text('{"method": "random", "backbone": "resnet18", "method": "own"}')
    with pytest.raises(InputError, match=r"row.json: not valid JSON \(the key method stands twice\)"):
        read_recipe(EncoderRecipe, str(path))
    path.write_text('{"method": "random", ')
    with pytest.raises(InputError, match=r"row.json: not valid JSON"):
        read_recipe(EncoderRecipe, str(path))
