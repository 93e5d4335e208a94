"""What makes a stage stale: its own code and what it imports, but no comment, and no neighbour."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from digests import forget
from repository import REPOSITORY
from tiny.pretraining import METHODS

from liftedcl.identity import code_digest as subject
from liftedcl.methods import encoder_modules


def test_an_encoder_depends_on_its_own_method_and_not_on_the_benchmarks():
    closure = subject.import_closure(*encoder_modules("moco_v2"))
    assert {"liftedcl.engine.loop", "liftedcl.losses.infonce", "liftedcl.methods.moco_v2"} <= closure
    assert not {"liftedcl.methods.liftedcl", "liftedcl.methods.supervised", "liftedcl.networks.critic"} & closure
    assert not {module for module in closure if module.startswith(("downstream", "workflow", "synthetic"))}


def test_methods_have_digests_of_their_own():
    assert len({subject.code_of(*encoder_modules(method)) for method in [*METHODS, "random"]}) == len(METHODS) + 1


@pytest.fixture
def project(tmp_path, monkeypatch):
    package = tmp_path / "liftedcl"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "leaf.py").write_text("def f(x):\n    return x + 1\n")
    (package / "stage.py").write_text("from liftedcl.leaf import f\nimport os\n")
    (package / "other.py").write_text("x = 1\n")
    monkeypatch.setattr(subject, "_ROOT", tmp_path)

    def digest() -> str:
        forget()
        return subject.code_digest("liftedcl.stage")

    yield package, digest
    forget()


def test_comments_docstrings_and_strangers_do_not_count(project):
    package, digest = project
    before = digest()
    (package / "leaf.py").write_text('"""About."""\n\n\ndef f(x):\n    """More."""\n    return x + 1  # one\n')
    (package / "other.py").write_text("x = 2\n")
    assert digest() == before


def test_code_of_an_imported_module_counts(project):
    package, digest = project
    before = digest()
    (package / "leaf.py").write_text("def f(x):\n    return x + 2\n")
    assert digest() != before


@pytest.fixture
def looked_at(monkeypatch):
    """Names of the modules whose source is parsed."""
    found, look_at = [], subject._look_at

    def note(source, module, place):
        found.append(module)
        return look_at(source, module, place)

    monkeypatch.setattr(subject, "_look_at", note)
    return found


def test_a_module_is_parsed_again_when_its_source_has_changed_and_not_otherwise(project, looked_at):
    package, digest = project
    (package.parent / ".snakemake").mkdir()
    before = digest()
    assert sorted(looked_at) == ["liftedcl", "liftedcl.leaf", "liftedcl.stage"]
    subject.keep()
    looked_at.clear()
    assert digest() == before and looked_at == []
    (package / "leaf.py").write_text("import liftedcl.other\n")
    assert digest() != before and "liftedcl.other" in subject.code_of("liftedcl.stage")
    assert sorted(looked_at) == ["liftedcl.leaf", "liftedcl.other"]


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text.replace('"', "'"), lambda text: "",
                                    lambda text: text.replace("e", "f", 1), lambda text: text + "\n"])  # fmt: skip
def test_what_was_kept_counts_only_whole(project, looked_at, damage):
    package, digest = project
    (package.parent / ".snakemake").mkdir()
    before = digest()
    subject.keep()
    kept = subject._keeping_place()
    kept.write_text(damage(kept.read_text()))
    looked_at.clear()
    assert digest() == before and len(looked_at) == 3


def test_a_folder_that_cannot_be_written_to_is_read_each_time(project):
    package, digest = project
    (package.parent / ".snakemake").write_text("a file in the way")
    before = digest()
    subject.keep()
    assert digest() == before


PACKAGES = ("liftedcl", "downstream", "synthetic", "workflow")
MODULES = sorted(
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
    for package in PACKAGES
    for path in (REPOSITORY / package).rglob("*.py")
)
EVERY_DIGEST = (
    "import json, sys; from liftedcl.identity import code_digest; code_digest._kept = dict; "  # each parses by itself
    "print(json.dumps([sys.version_info[:2], {name: code_digest.code_of(name) for name in json.load(sys.stdin)}]))"
)


def digests_by_python() -> dict[tuple[int, int], dict[str, str]]:
    """Digests of all modules by each supported Python that is at hand, by its version."""
    names = ("python3.11", "python3.12", "python3.13")
    pythons = [sys.executable, *filter(None, map(shutil.which, names))]
    pythons += [str(path) for name in names for path in Path.home().glob(f".pyenv/versions/*/bin/{name}")]
    found = {}
    for python in dict.fromkeys(pythons):
        ran = subprocess.run(
            [python, "-c", EVERY_DIGEST], cwd=REPOSITORY, input=json.dumps(MODULES), capture_output=True, text=True
        )
        if ran.returncode == 127:  # the shim of a version manager, for a Python that isn't chosen here
            continue
        assert ran.returncode == 0, f"{python}: {ran.stderr}"
        version, digests = json.loads(ran.stdout)
        found[tuple(version)] = digests
    return found


def test_the_listing_names_the_module_that_was_edited(project):
    package, digest = project

    def listing() -> dict[str, str]:
        digest()
        return dict(entry.split("=") for entry in subject.code_of("liftedcl.stage").split(" "))

    before = listing()
    (package / "leaf.py").write_text("def f(x):\n    return x + 2\n")
    after = listing()
    assert list(before) == list(after) == ["liftedcl", "liftedcl.leaf", "liftedcl.stage"]
    assert [name for name in after if after[name] != before[name]] == ["liftedcl.leaf"]
    assert all(len(short) == 8 and int(short, 16) >= 0 for short in after.values())


def test_the_same_code_has_the_same_digest_in_every_python():
    found = digests_by_python()
    assert {"downstream.finetune", "liftedcl.pretrain"} <= set(MODULES)
    if len(found) < 2:
        pytest.skip(f"only Python {found.keys()} is at hand; install another of 3.11, 3.12 and 3.13 to compare")
    mine = found[sys.version_info[:2]]
    assert len(set(mine.values())) > 100
    assert all(digests == mine for digests in found.values())
