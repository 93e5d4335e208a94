"""The profile `paper` has the published numbers: each of its numbers is the published one, or departs with a reason."""

import dataclasses
import json
from typing import Any

import pytest
import yaml
from repository import REPOSITORY

from downstream.training.epoch_batches import EpochBatches
from liftedcl.identity.recipe import to_json
from workflow.params import read_params

PARAMS = read_params(REPOSITORY / "params.yaml", {"profile": "paper"})
PUBLISHED = yaml.safe_load((REPOSITORY / "tests" / "workflow" / "published_numbers.yaml").read_text())
SWITCHES = {"probe": False, "fraction": 1.0, "prior": None, "transformer": None}
"""This project's own switches; off in what the paper's tables call by the benchmark's name."""


def numbers(recipe: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The recipe's numbers under dotted names."""
    found = {}
    for name, value in recipe.items():
        found |= numbers(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def of_the_paper(part: str, *, whole: bool = False) -> dict[str, Any]:
    """The numbers of a part of params.yaml, lists for tuples. A row has no numbers of sections that it doesn't use.

    Of a variant those that differ from that recipe, unless the ``whole`` is asked for.
    """
    kind, *name = part.split(".")
    recipe = json.loads(to_json(getattr(PARAMS, kind)[name[0]] if name else getattr(PARAMS, kind)))
    recipe.pop("ranges", None)
    if kind == "encoders":
        recipe = {key: value for key, value in recipe.items() if isinstance(value, dict)}
    found = {key: value for key, value in numbers(recipe).items() if key not in SWITCHES or value != SWITCHES[key]}
    if found.get("mpii") == PARAMS.data["mpii"]:
        found["mpii"] = True
    base = PUBLISHED[part].get("variant_of")
    same = of_the_paper(base, whole=True) if base and not whole else {}
    return {key: value for key, value in found.items() if key not in same or same[key] != value}


def test_every_benchmark_is_held_against_its_publication():
    assert {f"benchmarks.{name}" for name in PARAMS.benchmarks if "-" not in name} <= set(PUBLISHED)


@pytest.mark.parametrize("part", PUBLISHED)
def test_the_numbers_are_the_published_ones(part):
    ours, entry = of_the_paper(part), PUBLISHED[part]
    published, departures = entry.get("published", {}), entry.get("departs", {})
    assert entry["source"]
    assert {name: ours.get(name, "missing") for name in published} == published
    assert {name: ours.get(name, "missing") for name in departures} == {n: d["ours"] for n, d in departures.items()}
    for name, departure in departures.items():
        assert departure["published"] != departure["ours"] and departure["why"], name


@pytest.mark.parametrize("part", PUBLISHED)
def test_no_number_is_left_out(part):
    entry = PUBLISHED[part]
    assert of_the_paper(part).keys() == entry.get("published", {}).keys() | entry.get("departs", {}).keys()


def test_the_one_published_range_of_a_joint_is_that_of_the_papers_rule():
    knee = read_params(REPOSITORY / "params.yaml", {"skeletons": {"composition": "global"}}).skeletons.ranges["global"]
    assert (knee["rknee"].a, knee["rknee"].b, knee["rknee"].c) == ((-90, 90), (-180, 180), (-90, 90))


@pytest.mark.parametrize("size", ["vit_s", "vit_l"])
def test_other_sizes_of_a_vit_differ_in_layer_decay_and_drop_path_alone(size):
    for run in (run for run in PARAMS.benchmarks if run.endswith(f"-{size}")):
        base, recipe = PARAMS.benchmarks[run.replace(size, "vit")], PARAMS.benchmarks[run]
        published = PARAMS.benchmarks[f"coco-{size}"].transformer
        changes = {"layer_decay": published.layer_decay, "drop_path": published.drop_path}
        assert recipe == dataclasses.replace(base, transformer=dataclasses.replace(base.transformer, **changes))


@pytest.mark.parametrize(
    ("row", "changes"),
    [
        ("liftedcl_pixpro_in_cc", {"start": "pixpro_in"}),
        ("liftedcl_h36m", {"images": "h36m", "start": None}),
        ("liftedcl_cc", {"start": None}),
        ("liftedcl_cc_h36m", {"images": "coco+h36m", "start": None}),
        ("liftedcl_equiv", {"inv": 0.0, "adv": 0.0}),
        ("liftedcl_adv", {"inv": 0.0, "equiv": 0.0}),
        ("liftedcl_inv_equiv", {"adv": 0.0}),
        ("liftedcl_inv_adv", {"equiv": 0.0}),
        ("liftedcl_equiv_adv", {"inv": 0.0}),
    ],
)
def test_other_rows_of_liftedcl_differ_in_what_their_table_is_about_alone(row, changes):
    main = PARAMS.encoders["liftedcl_in_cc"]
    lifting = {key: value for key, value in changes.items() if hasattr(main.lifting, key)}
    others = {key: value for key, value in changes.items() if key not in lifting}
    expected = dataclasses.replace(main, lifting=dataclasses.replace(main.lifting, **lifting), **others)
    assert PARAMS.encoders[row] == expected


def test_all_trained_rows_are_checked():
    trained = {name for name, recipe in PARAMS.encoders.items() if recipe.training is not None}
    others = {name for name in trained if name.startswith("liftedcl_") and name != "liftedcl_in_cc"}
    assert len(others) == 9 and trained - others == {part.split(".")[1] for part in PUBLISHED if "encoders." in part}


@pytest.mark.parametrize(
    ("benchmark", "samples", "steps", "millions"),
    [
        ("coco", 149_813, 1_170, 21.0),
        ("mpii", 22_246, 173, 3.1),
        ("h36m_2d", 63_000, 1_968, 1.9),
        ("lip", 30_462, 634, 4.6),
    ],
)
def test_steps_of_an_epoch_and_images_of_a_run_are_the_published_ones(benchmark, samples, steps, millions):
    """Of Human3.6M 3D: tests/downstream/h36m/shared/test_mpii_mix.py; of 3DPW: tests/downstream/pw3d/test_task.py."""
    recipe = PARAMS.benchmarks[benchmark]
    batches = EpochBatches((samples,), recipe, seed=0)
    assert len(batches) == steps
    assert round(recipe.epochs * len(batches) * recipe.batch_size / 1e6, 1) == millions
