"""`python -m workflow.why`: what would run and which change caused it, on a small DAG and on made-up records."""

import ast
import contextlib
import json
import os
import re
import subprocess
import sys

import pytest
from repository import REPOSITORY, TINY, run
from snakemake.persistence.file import FilePersistence
from tiny.run import finished_run

from workflow.planned_job import PlannedJob
from workflow.why.__main__ import explain
from workflow.why.changed_parameters import changed_parameters

FIGURE, ENCODER = "results/figure7.png", "runs/demo/encoders/random/seed0/encoder.pt"
SKELETONS = "runs/demo/figures/figure7.png"  # beside runs/demo/skeletons.npy, and what FIGURE is a copy of
TARGETS = (FIGURE, ENCODER, *TINY)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy after a run; two chains are looked at: sampled skeletons with their figure, and the random encoder."""
    return finished_run(tmp_path_factory.mktemp("why") / "repository")


def why(copy, *arguments):
    """The lines of a successful run."""
    done = subprocess.run(
        [sys.executable, "-m", "workflow.why", *(arguments or TARGETS)], cwd=copy, text=True, capture_output=True
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines()


@contextlib.contextmanager
def edited(path, text):
    """A file with more text, which is put back as it was, its time too."""
    before, times = path.read_bytes(), path.stat()
    path.write_bytes(before + text)
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextlib.contextmanager
def gone(path):
    elsewhere = path.rename(path.with_name("elsewhere"))
    try:
        yield
    finally:
        elsewhere.rename(path)


def test_nothing_is_to_do_after_a_run(finished):
    assert why(finished) == ["Nothing to do."]


def test_a_missing_file_is_named(finished):
    with gone(finished / FIGURE):
        assert why(finished) == [
            "results/figure7.png: make (rule figure), because it is not there",
            "1 job: 1 make",
        ]


def test_what_reads_a_file_that_is_made_again_is_said_to_follow(finished):
    with gone(finished / SKELETONS):
        assert why(finished, SKELETONS, *TARGETS) == [
            "runs/demo/skeletons.npy: make again (rule sample_skeletons), because figure7.png is not there",
            f"results/figure7.png: make again (rule figure), because its input {SKELETONS} is made again",
            "2 jobs: 2 make",
        ]


@pytest.mark.long
def test_the_module_whose_code_changed_is_named_and_touched_results_keep_their_provenance(finished):
    provenance = (finished / ENCODER).with_name("provenance.json").read_bytes()
    with edited(finished / "liftedcl" / "networks" / "encoder.py", b"EDITED = True\n"):
        assert why(finished) == [
            "runs/demo/encoders/random/seed0: make again (rule random_encoder), because the code of "
            "liftedcl.networks.encoder changed",
            "1 job: 1 make",
        ]
        content = (finished / ENCODER).read_bytes()
        status, output = run(finished, "--touch", *TARGETS)
        assert status == 0, output
        assert why(finished) == ["Nothing to do."]
        assert (finished / ENCODER).read_bytes() == content
        assert (finished / ENCODER).with_name("provenance.json").read_bytes() == provenance
    assert run(finished, "--touch", *TARGETS)[0] == 0
    assert why(finished) == ["Nothing to do."]


def test_the_number_that_changed_is_shown_with_its_place_in_params_yaml(finished):
    row = "encoders={rows: {random: {backbone: resnet50}}}"
    assert why(finished, *TARGETS, "--config", "skeletons={count: 201, seed: 3}", row) == [
        'runs/demo/encoders/random/seed0: make again (rule random_encoder), because params.yaml: encoders.rows.random '
        '(backbone "resnet18_narrow" -> "resnet50") changed',
        "runs/demo/skeletons.npy: make again (rule sample_skeletons), because params.yaml: skeletons "
        "(count 200 -> 201 and seed 0 -> 3) changed",
        f"results/figure7.png: make again (rule figure), because its input {SKELETONS} is made again",
        "3 jobs: 3 make",
    ]  # fmt: skip


def test_an_edited_input_is_named_and_one_that_was_only_rewritten_is_not(finished):
    path = finished / SKELETONS
    with edited(path, b" "):
        assert why(finished) == [
            f"results/figure7.png: make again (rule figure), because {SKELETONS} changed",
            "1 job: 1 make",
        ]
    path.write_bytes(path.read_bytes())
    assert why(finished) == ["Nothing to do."]


def test_the_status_of_a_finished_run_is_done_and_names_what_an_edit_made_stale(finished):
    def status(*words):
        command = [sys.executable, "-m", "workflow.status", *TARGETS, *words]
        return subprocess.run(command, cwd=finished, check=True, text=True, capture_output=True).stdout.splitlines()

    assert status()[:2] == ["profile demo: 3 jobs: done 3", "of these 0 trainings: nothing to make"]
    lines = status("--config", "skeletons={count: 201}", "--page", "results/status.html")
    assert "  stale    runs/demo/skeletons.npy: params.yaml: skeletons (count 200 -> 201) changed" in lines
    assert f"  stale    results/figure7.png: its input {SKELETONS} is made again" in lines
    assert "count 200 -&gt; 201" in (finished / "results/status.html").read_text()


def test_a_run_that_was_killed_is_said_to_have_no_end(finished):
    store = FilePersistence(path=finished / ".snakemake")
    store._mark_incomplete(FIGURE, None)
    assert why(finished)[0] == "results/figure7.png: make again (rule figure), because its last run did not end"
    store._unmark_incomplete(FIGURE)


def test_a_target_that_no_rule_makes_is_refused_with_snakemakes_words(finished):
    done = subprocess.run(
        [sys.executable, "-m", "workflow.why", "nonsense"], cwd=finished, text=True, capture_output=True
    )
    assert done.returncode == 1 and done.stdout == ""
    assert "No rule to produce nonsense" in done.stderr and "Traceback" not in done.stderr


def changed(old, new, rule="train_lip", **wildcards):
    """Words about parameters of which ``old`` was recorded, without names, and ``new`` is what they are now."""
    before, now = set(map(repr, old)), {name: repr(value) for name, value in new.items()}
    here = frozenset(now.values())
    job = PlannedJob(
        rule, wildcards, ("out",), params=now, old=frozenset(before - here), new=frozenset(here - before)
    )  # fmt: skip
    return changed_parameters(job)


def test_modules_are_compared_one_by_one():
    old = "downstream.lip.task=11111111 liftedcl.engine.loop=22222222 liftedcl.engine.sgd=33333333"
    new = "downstream.lip.task=11111111 liftedcl.engine.loop=aaaaaaaa liftedcl.files.atomic=44444444"
    assert changed([old], {"code": new}) == [
        "the code of liftedcl.engine.loop changed and it now uses the code of liftedcl.files.atomic and it no longer "
        "uses the code of liftedcl.engine.sgd"
    ]
    many = [" ".join(f"package.m{n}={digit * 8}" for n in range(9)) for digit in "12"]
    assert changed(many[:1], {"code": many[1]})[0].endswith("package.m5 and 3 more changed")
    assert changed(["0123456789abcdef"], {"code": new}) == ["its code changed (recorded before modules were listed)"]


@pytest.mark.parametrize(
    ("rule", "wildcards", "place"),
    [
        ("train_lip", {"run": "lip-probe", "row": "random"}, "params.yaml: benchmarks.lip-probe"),
        ("pretrain", {"row": "random"}, "params.yaml: encoders.rows.random"),
        ("generate_lip", {}, "params.yaml: generated.lip"),
        ("crop_people", {}, "params.yaml: crops"),
    ],
)
def test_recipes_are_compared_key_by_key(rule, wildcards, place):
    old = '{"views": {"scale": [0.2, 1.0], "flip": 0.5}, "epochs": 5, "gone": null, "same": 1}'
    new = '{"views": {"scale": [0.3, 1.0], "flip": 0.5}, "epochs": 6, "new": true, "same": 1}'
    words = "epochs 5 -> 6, gone null is gone, new true is new and views.scale [0.2, 1.0] -> [0.3, 1.0]"
    assert changed([old], {"recipe": new}, rule, **wildcards) == [f"{place} ({words}) changed"]


def test_a_tables_rows_are_compared_one_by_one():
    old, new = (json.dumps({"rows": [{"label": "a"}, {"label": label}]}) for label in "bc")
    assert changed([old], {"table": new}, "table", table="table4") == [
        'workflow/tables/tables.yaml: table4 (rows[1].label "b" -> "c") changed'
    ]
    more = json.dumps({"rows": [{"label": label} for label in "abc"]})
    assert changed([old], {"table": more}, "table", table="table4") == [
        "workflow/tables/tables.yaml: table4 (rows has 3 entries in place of 2) changed"
    ]


def test_what_was_recorded_without_a_name_is_matched_only_where_that_is_certain():
    assert changed([1, "a"], {"threads": 2, "root": "a"}) == ["params.yaml: compute.threads (1 -> 2) changed"]
    assert changed(["a"], {"root": "b"}) == ['its parameter root ("a" -> "b") changed']
    assert changed(["a", "b"], {"root": "c", "folder": "d"}) == [
        'its parameter folder is now "d"', 'its parameter root is now "c"', 'its parameter "a" is gone',
        'its parameter "b" is gone',
    ]  # fmt: skip


def test_jobs_that_one_edit_concerns_are_counted_and_so_are_those_that_follow():
    old, new = (f"'liftedcl.engine.loop={digit * 8}'" for digit in "12")
    trained = [
        PlannedJob(
            "train_lip", {"row": f"row{n}"}, (f"runs/row{n}/trained.pt",), old=frozenset({old}), new=frozenset({new}),
            params={"code": new, "folder": repr(f"runs/row{n}")},
        )
        for n in range(5)
    ]  # fmt: skip
    scored = [
        PlannedJob("score_lip", outputs=(f"runs/row{n}/metrics.json",), made_inputs=(f"runs/row{n}/trained.pt",))
        for n in range(5)
    ]
    table = PlannedJob("table", outputs=("t.csv",), target=True, made_inputs=("runs/row0/metrics.json", "b", "c"))
    gathering = PlannedJob("tables", made_inputs=("t.csv",))
    assert list(explain([*trained, *scored, table, gathering])) == [
        *(
            f"runs/row{n}: train again (rule train_lip), because the code of liftedcl.engine.loop changed"
            for n in range(3)
        ),
        "and 2 jobs of rule train_lip for the same reason",
        "t.csv: make again (rule table), because its input runs/row0/metrics.json is made again, and so are 2 more",
        "and 5 jobs that read what these make: 5 score",
        "11 jobs: 1 make, 5 score, 5 train",
    ]


def test_private_interfaces_of_snakemake_are_in_one_file():
    packages = ("liftedcl", "downstream", "synthetic", "workflow")
    for path in (path for package in packages for path in (REPOSITORY / package).rglob("*.py")):
        names = [
            name
            for node in ast.walk(ast.parse(path.read_text()))
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else
                         [alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
        ]  # fmt: skip
        if path.name != "snakemake_internals.py":
            assert not [name for name in names if name.split(".")[0] == "snakemake"], path
    for path in [REPOSITORY / "Snakefile", *(REPOSITORY / "workflow" / "rules").glob("*.smk")]:
        assert not re.search(r"workflow\.(?!basedir|[a-z_.]+ import)\w+[.(]", strip_strings(path.read_text())), path
        assert set(re.findall(r"from snakemake\S*", path.read_text())) <= {
            "from snakemake.utils", "from snakemake.exceptions",
        }  # fmt: skip


def strip_strings(text):
    return re.sub(r'"[^"\n]*"|#.*', "", text)
