"""A method from outside: a git repository that the test makes, pinned by commit, and a file beside it."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from string import Template

import pytest
import torch
from digests import forget
from repository import REPOSITORY, TABLE, TINY, planned, run
from tiny.interruption import stopped_at_save
from tiny.run import finished_run
from tiny.shard import write_tiny_shard

from liftedcl.identity.code_digest import code_of
from liftedcl.identity.errors import InputError
from liftedcl.identity.recipe import to_json
from liftedcl.identity.strict_text import read_yaml
from liftedcl.methods import encoder_modules
from liftedcl.pretrain import main
from liftedcl.recipes.outside_method import method_of
from workflow.clone import clone_missing, pinned
from workflow.params import resolve

TEMPLATE = REPOSITORY / "workflow/create/method/NAME.py.template"
METHOD = "src/shades/method.py"
PARTS = "SHARE = 1.0\n"


def git(folder, *words):
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}
    environment = os.environ | who | {"GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A repository with a package in src/: the toy method, which takes a number from the module beside it."""
    folder = tmp_path_factory.mktemp("theirs")
    text = Template(TEMPLATE.read_text()).substitute(class_name="MeanColour")
    text = text.replace("\n\n\nclass", "\n\nfrom .parts import SHARE\n\n\nclass", 1)
    text = text.replace('{"squared_error": ', '{"squared_error": SHARE * ')
    (folder / METHOD).parent.mkdir(parents=True)
    for name, content in ((METHOD, text), ("src/shades/parts.py", PARTS), ("src/shades/__init__.py", "")):
        (folder / name).write_text(content)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a method")
    return folder, git(folder, "rev-parse", "HEAD")


def row_of(repository, commit):
    return {"module": METHOD, "repository": str(repository), "commit": commit, "images": "imagenet"}


def recipe_of(row):
    params = read_yaml(REPOSITORY / "params.yaml")
    params["encoders"]["rows"]["mine"] = row
    training = {"encoders": {"defaults": {"training": {"epochs": 2, "batch_size": 4}}}}
    return resolve(params, {"profile": "demo"} | training).encoders["mine"]


def test_a_commit_is_cloned_once_and_an_edit_of_the_clone_is_refused(theirs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repository, commit = theirs
    left = Path("outside", f".{commit}.part")
    (left / ".git").mkdir(parents=True)
    (left / ".git/index.lock").write_text("of a clone that was killed")
    (line,) = clone_missing({commit: str(repository)})
    assert line == f"cloned {repository} at {commit} into outside/{commit}" and not left.exists()
    assert list(clone_missing({commit: "a repository that is gone"})) == []
    Path("outside", commit, METHOD).write_text("edited = True\n")
    with pytest.raises(InputError, match=r"\+changes; remove this folder"):
        list(clone_missing({commit: str(repository)}))


def test_what_cannot_be_cloned_is_one_line_and_leaves_nothing(theirs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for commit, repository in (("0" * 40, str(theirs[0])), (theirs[1], str(tmp_path / "none"))):
        with pytest.raises(InputError, match="check the row's `repository` and `commit`") as error:
            list(clone_missing({commit: repository}))
        assert "\n" not in str(error.value) and not Path("outside", commit).exists()


def test_a_stopped_run_of_a_pinned_method_ends_in_the_same_bits(theirs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repository, commit = theirs
    changes = {"encoders": {"rows": {"mine": row_of(repository, commit)}}}
    assert pinned(read_yaml(REPOSITORY / "params.yaml"), changes) == {commit: str(repository)}
    with pytest.raises(InputError, match=r"rows\.mine\.module: .*snakemake -n clones it"):
        recipe_of(row_of(repository, commit))
    list(clone_missing({commit: str(repository)}))
    recipe = recipe_of(row_of(repository, commit))
    write_tiny_shard(tmp_path / "images.npy", 12)
    words = ["--recipe", to_json(recipe), "--images", "images.npy", "--out"]
    main([*words, "whole/seed0"])
    with stopped_at_save(3):
        main([*words, "stopped/seed0"])
    main([*words, "stopped/seed0"])
    for name in ("encoder.pt", "heads.pt"):
        whole, stopped = (torch.load(f"{run}/seed0/{name}", weights_only=True) for run in ("whole", "stopped"))
        assert whole.keys() == stopped.keys() and all(torch.equal(whole[key], stopped[key]) for key in whole)
    about = json.loads(Path("whole/seed0/provenance.json").read_text())
    assert about["outside"]["commit"] == commit and about["recipe"]["repository"] == str(repository)


def code(recipe):
    entry = method_of(recipe)
    forget()
    return code_of(*encoder_modules(entry), place=entry.place)


def test_code_beside_the_method_counts_and_a_comment_does_not(theirs, tmp_path):
    copy = shutil.copytree(theirs[0] / "src", tmp_path / "src")
    recipe = recipe_of({"module": str(copy / "shades/method.py"), "images": "imagenet"})
    before = code(recipe)
    assert " shades.method=" in before and " shades.parts=" in before and "liftedcl.engine.loop=" in before
    (copy / "shades/parts.py").write_text(f"# a remark\n{PARTS}")
    assert code(recipe) == before
    (copy / "shades/parts.py").write_text("SHARE = 2.0\n")
    assert code(recipe) != before


def test_a_module_of_an_installed_package_needs_no_file_name(tmp_path, monkeypatch):
    (tmp_path / "painted").mkdir()
    (tmp_path / "painted/__init__.py").write_text("raise SystemExit('planning imports nothing')\n")
    (tmp_path / "painted/colour.py").write_text(Template(TEMPLATE.read_text()).substitute(class_name="MeanColour"))
    monkeypatch.syspath_prepend(tmp_path)
    entry = method_of(recipe_of({"module": "painted.colour", "images": "coco"}))
    assert (entry.module, entry.class_name, entry.file) == (
        "painted.colour", "MeanColour", tmp_path / "painted/colour.py"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"module": "nowhere.py"}, "mine.module: nowhere.py: no such file"),
        ({"module": "nowhere.at.all"}, "no installed module has this name"),
        ({"module": "x.py", "method": "mae"}, "takes the place of a row's `method`"),
        ({"method": "outside"}, "'outside' is none of"),
        ({"module": "x.py", "repository": "r", "commit": "main"}, "could move; give the 40 digits"),
        ({"module": "x.py", "commit": "0" * 40}, "is not cloned yet|goes with `repository`"),
        ({"module": "not-a-name.py"}, "is no name of a module"),
        ({"module": "liftedcl/x.py"}, "is a module of this project"),
        ({"module": 3}, "is not of type str"),
    ],
)
def test_a_row_that_names_no_method_is_told_in_one_line(row, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x.py", "not-a-name.py", "outside/main/x.py", "liftedcl/x.py", "liftedcl/__init__.py"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(Template(TEMPLATE.read_text()).substitute(class_name="MeanColour"))
    with pytest.raises(InputError, match=problem) as error:
        recipe_of({"images": "imagenet", **row})
    assert "\n" not in str(error.value)


@pytest.mark.long
def test_a_pinned_method_is_a_row_of_table_4_and_its_edit_makes_its_own_row_stale(theirs, tmp_path):
    copy = finished_run(tmp_path / "repository")
    shutil.copytree(theirs[0] / "src/shades", copy / "mine/shades")
    rows = {"pinned": row_of(*theirs), "local": {"module": "mine/shades/method.py", "images": "imagenet"}}
    lines = "".join(f"    {name}: {json.dumps(row)}\n" for name, row in rows.items())
    file = copy / "params.yaml"
    text, count = re.subn(r"^  rows:.*\n", lambda line: line[0] + lines, file.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)
    status, output = run(copy, TABLE, *TINY)
    assert status == 0, output
    found = {row["row"]: row for row in csv.DictReader((copy / TABLE).open())}
    assert {"pinned", "local"} <= found.keys() and float(found["pinned"]["mpjpe_mm"]) > 0
    assert found["pinned"]["mpjpe_mm"] == found["local"]["mpjpe_mm"], "the same code by two ways gives the same bits"
    assert "Nothing to be done" in run(copy, "-n", TABLE, *TINY)[1]
    (copy / "mine/shades/parts.py").write_text("SHARE = 0.5\n")
    assert {row for rule, row in planned(copy) if row} == {"local"}
    why = subprocess.run([sys.executable, "-m", "workflow.why", TABLE, *TINY], cwd=copy, capture_output=True, text=True)
    assert "encoders/local/seed0: train again (rule pretrain), because the code of shades.parts changed" in why.stdout
