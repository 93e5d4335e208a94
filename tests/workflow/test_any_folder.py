"""Where the workflow can run: below any name of a folder, from a sub-folder, and away from its repository."""

import csv
import os
import re
import shlex
import site
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from repository import REPOSITORY, TINY, copy_to, keep_rows
from snakemake_interface_executor_plugins.utils import format_cli_arg
from tiny.run import finished_run

from liftedcl.identity.errors import InputError
from workflow.snakemake_internals import remove_stale_locks, settings_of

REPOSITORY_NAME = "it's (R&D) $a; b"
DATA_NAME = "x; $(touch PWNED) 'y' & #1"

QUOTED_WHERE_MADE = {
    "PYTHON",
    "LAUNCH",
    "ON_ONE_GPU",
    "params.start",
    "params.regions",
    "params.skeletons",
    "params.scores",
}
NAMES_AND_NUMBERS = {
    "COMPILE", "WORKERS", "threads", "params.threads", "params.stride", "params.people", "params.kind",
    "params.source", "params.backbone", "params.benchmark", "params.rows", "params.seed", "params.seeds",
    "wildcards.row", "wildcards.seed",
}  # fmt: skip
"""What stands in a command without quotes: choices, names of letters, digits and _, and numbers."""


def snakemake(folder, *words, python=sys.executable, **variables):
    process = subprocess.run(
        [python, "-m", "snakemake", "--cores", "2", *words], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | variables,
    )  # fmt: skip
    return process.returncode, process.stdout + process.stderr


def python_below(folder):
    """An environment in ``folder`` with the packages of this one, as `make` puts one there."""
    environment = folder / ".venv"
    packages = environment / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (environment / "bin").mkdir()
    (environment / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (environment / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    (packages / "these.pth").write_text("\n".join(site.getsitepackages()))
    return environment / "bin" / "python"


@pytest.mark.long
def test_a_table_is_made_where_every_name_has_signs_of_the_shell(tmp_path):
    """From COCO's crops over one pre-training to table 7, with an absolute and a relative path of such a name."""
    copy = finished_run(tmp_path / REPOSITORY_NAME)
    (copy / "data/demo/coco").rename(copy / DATA_NAME)
    keep_rows(copy, ("liftedcl_cc",), names=("table7",))
    file = copy / "workflow/tables/tables.yaml"
    tables = yaml.safe_load(file.read_text())
    tables["table7"]["columns"] = [of for of in tables["table7"]["columns"] if of["key"] != "jdr"]  # a training less
    file.write_text(yaml.safe_dump(tables))
    words = ["results/table7.csv", *TINY, "--config", f"coco={copy / DATA_NAME}"]
    status, output = snakemake(copy, *words, python=str(python_below(copy)))
    assert status == 0, output
    (row,) = (row for row in csv.DictReader((copy / "results/table7.csv").open()) if row["row"] == "liftedcl_cc")
    assert float(row["pa_mpjpe_mm"]) > 0 and "jdr" not in row
    assert (copy / f"runs/demo-{DATA_NAME}/encoders/liftedcl_cc/seed0/lifted.npz").exists()
    assert not list(copy.rglob("PWNED"))


def test_no_word_of_a_command_is_left_to_the_shell():
    commands = 0
    for path in (REPOSITORY / "workflow/rules").glob("*.smk"):
        shells = re.findall(r"^ +shell:((?: .*|\n +.*\")+)$", path.read_text(), re.MULTILINE)
        commands += len(shells)
        for name in re.findall(r"(?<!\{)\{([\w.\[\]]+)(:q)?\}", "\n".join(shells)):
            assert name[1] or name[0] in QUOTED_WHERE_MADE | NAMES_AND_NUMBERS, f"{path.name}: {name[0]}"
    assert commands > 20


@pytest.mark.parametrize("folder", ["/x/shoot #3", "it's $(touch PWNED)", "'a' \"b\"", "'all'"])
def test_a_submitted_job_gets_the_folder_that_was_typed(folder):
    """Snakemake puts these words on the command line of each job, which a shell reads."""
    word = f"coco={folder}"
    workflow = SimpleNamespace(config_settings=SimpleNamespace(configfiles=[], config_args=[word]))
    assert settings_of(workflow) == ([], [word])
    line = format_cli_arg("--config", workflow.config_settings.config_args)
    assert shlex.split(line) == ["--config", word]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copy_to(tmp_path_factory.mktemp("any_folder") / "repository")


def test_from_a_sub_folder_all_is_where_it_always_is(copy):
    status, output = snakemake(copy / "tests", "-s", "../Snakefile", "-n", "results/figure7.png")
    assert status == 0, output
    assert "output: runs/demo/skeletons.npy" in output and "profile" in output and "profiles/default" in output
    assert not (copy / "tests/runs").exists()


@pytest.mark.long
def test_a_repository_that_is_only_read_serves_another_folder(copy, tmp_path):
    """Without a home folder, with the backend of a notebook, and with the packages beside the Snakefile."""
    before = {path for path in copy.rglob("*") if "__pycache__" not in path.parts and ".snakemake" not in path.parts}
    variables = {"HOME": "/proc/none", "MPLBACKEND": "module://none", "PYTHONSAFEPATH": "1"}
    words = ["-s", str(copy / "Snakefile"), "--directory", str(tmp_path / "else where"), "results/figure7.png", *TINY]
    status, output = snakemake(tmp_path, *words[:-2], "--configfile", str(copy / TINY[1]), **variables)
    assert status == 0, output
    assert (tmp_path / "else where/results/figure7.png").stat().st_size > 10_000
    after = {path for path in copy.rglob("*") if "__pycache__" not in path.parts and ".snakemake" not in path.parts}
    assert after == before


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/\.snakemake: Not a directory; .* snakemake --directory FOLDER"):
        remove_stale_locks(tmp_path / "file" / ".snakemake")


def test_a_terminal_without_a_letter_gets_the_line_all_the_same(tmp_path):
    code = "from liftedcl.identity.errors import run_cli; run_cli(lambda: print('12 \u00b1 3'))"
    variables = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(REPOSITORY)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables, cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "12 \\xb1 3\n", "")


def test_a_clone_without_links_has_all_files():
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=REPOSITORY, capture_output=True, text=True)
    if listed.returncode or not listed.stdout:
        pytest.skip("no git checkout")
    assert not [line for line in listed.stdout.splitlines() if line.startswith("120000")]
