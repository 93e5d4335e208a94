"""Whose commit a provenance records: this code's own, or none and why."""

import os
import subprocess

import pytest

from liftedcl.identity.provenance import commit_of


def git(folder, *arguments):
    names = {f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | names).stdout.strip()


@pytest.fixture
def thesis(tmp_path):
    """Somebody's git repository with one commit."""
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "notes.txt").write_text("thesis\n")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "mine")):
        git(folder, *arguments)
    return folder


def test_a_repository_of_its_own_gives_its_commit(thesis):
    digest = git(thesis, "rev-parse", "HEAD")
    assert commit_of(thesis) == {"commit": digest}
    (thesis / "notes.txt").write_text("edited\n")
    assert commit_of(thesis) == {"commit": f"{digest}+changes"}


def test_a_folder_in_another_repository_has_no_commit_whatever_git_is_told(thesis, monkeypatch):
    (thesis / "liftedcl").mkdir()
    for in_a_hook in (False, True):
        if in_a_hook:
            monkeypatch.setenv("GIT_DIR", str(thesis / ".git"))
        found = commit_of(thesis / "liftedcl")
        assert found["commit"] is None and found["no_commit"].endswith(f"only a folder of the git repository {thesis}")


def test_without_a_repository_the_reason_is_told(tmp_path, thesis, monkeypatch):
    assert commit_of(tmp_path)["commit"] is None and "not a git repository" in commit_of(tmp_path)["no_commit"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(thesis) == {"commit": None, "no_commit": "git can't be run (No such file or directory)"}
