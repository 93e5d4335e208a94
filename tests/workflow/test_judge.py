"""`python -m workflow.judge`: an encoder comes into its tables' columns without an edit, and a mistake runs nothing."""

import re
import shutil
import subprocess
import sys

import pytest
import torch
from repository import REPOSITORY, TINY
from tiny.run import finished_run

from liftedcl.identity.errors import InputError
from workflow import judge
from workflow.params import read_params
from workflow.tables.shown_tables import read_tables
from workflow.tables.table_spec import Row

BACKBONE = "resnet18_narrow"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the repository with a run of table 4, in a folder with a space, and somebody's encoder beside it."""
    copy = finished_run(tmp_path_factory.mktemp("judge") / "the repository")
    (copy.parent / "my files").mkdir()
    shutil.copy(copy / "runs/demo/encoders/liftedcl_in_cc/seed0/encoder.pt", copy.parent / "my files/best one.pt")
    return copy


def judged(copy, *words):
    command = [sys.executable, "-m", "workflow.judge", *words, "--configfile", *TINY[1:], "--cores", "2"]
    process = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    return process.returncode, process.stdout, process.stderr


@pytest.mark.long
def test_an_encoder_stands_between_random_and_the_bound(finished):
    before = (finished / "params.yaml").read_bytes()
    words = (str(finished.parent / "my files/best one.pt"), "--backbone", BACKBONE, "--benchmarks", "h36m_3d")
    status, planned, _ = judged(finished, *words, "--dry-run")
    assert status == 0 and "own_best_one_" in planned and "| bound" not in planned
    assert {*re.findall(r"^ *rule (\w+):", planned, re.MULTILINE)} == {
        "own_encoder",
        "train_h36m_3d",
        "score_h36m_3d",
    }, "the untrained row, and the reference, are there"
    status, output, errors = judged(finished, *words)
    assert status == 0, errors
    rows = [line for line in output.splitlines() if line.startswith("| demo ")]
    assert [row.split("|")[2].strip().partition(":")[0] for row in rows] == [
        "mean pose of the training set (no network)", "bound", "random initialisation", "best one.pt"
    ]  # fmt: skip
    assert "MPJPE (mm)" in output and len({len(row) for row in rows}) == 1
    assert (finished / "params.yaml").read_bytes() == before and not (finished / "results/judged.csv").exists()
    (own,) = (finished / "runs/demo/h36m_3d").glob("own_best_one_*")
    assert (own / "seed0/metrics.json").exists()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "encoder.pt"
    torch.save({"conv1.weight": torch.zeros(16, 3, 7, 7)}, path)
    return str(path)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("none.pt", "--backbone", BACKBONE), r"/none\.pt: no such file; name the file with your encoder's state dict"),
        (("ENCODER", "--backbone", "resnet51"), r"--backbone: 'resnet51' is none of .* did you mean resnet50"),
        (("ENCODER", "--backbone", BACKBONE), r"encoder\.pt: is not the resnet18_narrow of .*: it lacks bn1\.bias"),
        (
            ("ENCODER", "--backbone", BACKBONE, "--benchmarks", "cooc"),
            r"--benchmarks: 'cooc' is none of coco, h36m",
        ),
        (("ENCODER", "--backbone", BACKBONE, "--profile", "demos"), r"params\.yaml: profile: 'demos' is none of demo"),
        (("ENCODER", "--backbone", BACKBONE, "--config", "sedes=[1]"), r"params\.yaml: sedes: unknown key"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_run(encoder, words, named, monkeypatch):
    run = subprocess.run

    def only_imports(command, **more):
        assert "snakemake" not in command
        return run(command, **more)

    monkeypatch.setattr(judge.subprocess, "run", only_imports)
    with pytest.raises(InputError, match=named):
        judge.main([encoder if word == "ENCODER" else word for word in words])


def test_an_encoder_comes_into_the_tables_of_its_family_beside_an_untrained_one_of_its_backbone(tmp_path):
    file = tmp_path / "x.pt"
    file.write_bytes(b"weights")
    params = read_params(REPOSITORY / "params.yaml", {"profile": "paper"})
    for backbone, untrained, added in (
        ("resnet50", "random", 1), ("timm/convnext_tiny", "random_timm_convnext_tiny", 2), ("vit_b16", "vit_random", 1),
    ):  # fmt: skip
        name, random, rows = judge.added_rows(file, backbone, params)
        assert random == untrained and len(rows) == added and rows[name]["file"] == str(file)
        more = read_params(REPOSITORY / "params.yaml", {"profile": "paper", "encoders": {"rows": rows}})
        tables = read_tables(REPOSITORY / "workflow/tables/tables.yaml", more).values()
        both = (Row(random, "random", "-"), Row(name, "mine", "own"))
        coco, lip = judge.judged_tables(tables, ["coco", "lip"], both)
        assert coco.rows == lip.rows == both
        runs = {run for run, *_ in (*coco.runs([0]), *lip.runs([0]))}
        vit = {"coco-vit", "coco-vit_probe", "lip-vit", "lip-vit_probe"}
        assert runs == (vit if backbone == "vit_b16" else {"coco", "lip"})
    file.write_bytes(b"other weights")
    assert judge.added_rows(file, "resnet50", params)[0] != name.replace("vit_b16", "resnet50")
