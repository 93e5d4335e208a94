"""What one clone pushes another pulls, and then both tools know there what they knew where it was made."""

import getpass
import json
import re
import shutil
import sys

import pytest
from tiny.pipeline import OWN, attempt, call, is_clean, planned, set_parameter
from tiny.sshd import reason_to_skip, serve


def add_folder_remote(repository, folder):
    call(repository, "dvc", "remote", "add", "--local", "--default", "lab", str(folder))


def clone_after_push(copy, tmp_path):
    """A clone with the same folder as remote, into which ``copy`` has pushed; nothing is pulled yet."""
    add_folder_remote(copy, tmp_path / "store")
    call(copy, "dvc", "push")
    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "--quiet", str(copy), str(clone))
    add_folder_remote(clone, tmp_path / "store")
    return clone


@pytest.fixture
def pulled(copy, tmp_path):
    """A clone after `dvc pull` from a folder."""
    clone = clone_after_push(copy, tmp_path)
    call(clone, "dvc", "pull")
    return clone


def test_after_clone_and_pull_nothing_is_to_be_done(pulled):
    assert not (pulled / ".snakemake").exists()
    assert "Nothing to be done" in call(pulled, "snakemake", "-n", "tables")
    assert is_clean(pulled) and call(pulled, "git", "status", "--porcelain") == ""
    assert "didn't change, skipping" in call(pulled, "dvc", "repro")


def test_the_clone_reacts_to_an_edit_as_where_it_was_made(copy, pulled):
    for repository in (copy, pulled):
        set_parameter(repository, "encoders.rows.liftedcl_in_cc.training", {"epochs": 1})
    assert planned(pulled) == planned(copy) != []


def test_the_records_hold_no_path_of_the_place_they_were_made_at(copy):
    for name in ("data/demo", "runs/demo", "results"):
        text = (copy / name / "job_records.json").read_text()
        assert str(copy.parent) not in text and sys.executable not in text and json.loads(text)["jobs"]


def test_tables_alone_can_be_pulled(copy, tmp_path):
    clone = clone_after_push(copy, tmp_path)
    call(clone, "dvc", "pull", "tables")
    assert (clone / "results/table4.csv").read_bytes() == (copy / "results/table4.csv").read_bytes()
    assert not (clone / "runs").exists()


@pytest.mark.skipif(reason_to_skip() is not None, reason=str(reason_to_skip()))
def test_an_ssh_remote_serves_clones_and_says_when_it_is_gone(copy, tmp_path):
    (tmp_path / "server").mkdir()
    clone = tmp_path / "clone"
    with serve(tmp_path / "server") as server:
        url = f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}{tmp_path}/store"
        for repository in (copy, clone):
            if repository == clone:
                call(tmp_path, "git", "clone", "--quiet", str(copy), str(clone))
            call(repository, "dvc", "remote", "add", "--local", "--default", "lab", url)
            call(repository, "dvc", "remote", "modify", "--local", "lab", "keyfile", str(server.key))
        call(copy, "dvc", "push")
        call(clone, "dvc", "pull")
    assert "Nothing to be done" in call(clone, "snakemake", "-n", "tables")
    assert is_clean(clone) and (clone / OWN).read_bytes() == (copy / OWN).read_bytes()
    for command in ("push", "pull"):  # the server is gone; what is here stays
        if command == "pull":
            shutil.rmtree(clone / ".dvc/cache")
        status, output = attempt(clone, "dvc", command)
        assert status != 0 and "Connect call failed ('127.0.0.1'" in output and "Traceback" not in output
    assert planned(clone) == [] and (clone / OWN).exists()


def test_a_folder_remote_that_is_gone_is_named_and_nothing_is_lost(pulled, tmp_path):
    shutil.move(tmp_path / "store", tmp_path / "moved")
    shutil.rmtree(pulled / ".dvc/cache")
    (pulled / "results/table4.csv").unlink()
    status, output = attempt(pulled, "dvc", "pull")
    assert status != 0 and "results/table4.csv" in output and "missing-files" in output
    assert (pulled / "results/table1.csv").exists()
    assert planned(pulled) == [("provenance", ""), ("table", "")]  # and Snakemake can make it again


def test_a_damaged_object_of_the_remote_is_named(copy, tmp_path):
    """DVC believes what a folder holds unless its remote is told to `verify`; Snakemake's records tell in any case."""
    add_folder_remote(copy, tmp_path / "store")
    call(copy, "dvc", "push")
    damage(tmp_path / "store", copy / "runs/demo/encoders/random/seed0/encoder.pt")
    for verify in ("false", "true"):
        clone = tmp_path / f"clone_{verify}"
        call(tmp_path, "git", "clone", "--quiet", str(copy), str(clone))
        add_folder_remote(clone, tmp_path / "store")
        call(clone, "dvc", "remote", "modify", "--local", "lab", "verify", verify)
        status, output = attempt(clone, "dvc", "pull")
        if verify == "true":
            assert status != 0 and "runs/demo" in output
        else:
            name = "runs/demo/encoders/random/seed0/encoder.pt"
            assert f"warning: {name}: not what its job made" in call(clone, "snakemake", "-n", "tables")


def test_a_damaged_object_of_the_cache_is_named_and_the_file_is_made_again(copy):
    """Left in place it would win even over the file that is made again."""
    table = copy / "results/table4.csv"
    before = table.read_bytes()
    damage(copy / ".dvc/cache", table)
    table.unlink()
    call(copy, "dvc", "checkout")
    assert table.read_bytes() != before
    said = call(copy, "snakemake", "-n", "tables")
    assert "warning: results/table4.csv: not what its job made" in said
    (copy / re.search(r"delete both \((\S+) is DVC's\)", said).group(1)).unlink()
    table.unlink()
    call(copy, "snakemake", "results/table4.csv")
    call(copy, "dvc", "repro")
    assert table.read_bytes() == before and is_clean(copy) and planned(copy) == []
    table.unlink()
    call(copy, "dvc", "checkout")
    assert table.read_bytes() == before


def damage(store, of):
    """Append to the object of ``store`` that holds the content of the file ``of``, as a failing disk would."""
    content = of.read_bytes()
    for file in store.rglob("*"):
        if file.is_file() and file.read_bytes() == content:
            file.chmod(0o644)
            file.write_bytes(content + b"damage")
            file.chmod(0o444)
            return
    raise AssertionError(f"{of} is not in {store}")
