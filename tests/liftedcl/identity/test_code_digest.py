"""What makes a stage stale: its own code and what it imports, but no comment, and no neighbour."""

import pytest

from liftedcl.identity import code_digest as subject
from liftedcl.methods import METHODS, encoder_code


def test_an_encoder_depends_on_its_own_method_and_not_on_the_benchmarks():
    closure = subject.import_closure("liftedcl.pretrain", METHODS["moco_v2"])
    assert {"liftedcl.engine.loop", "liftedcl.losses.infonce", "liftedcl.methods.moco_v2"} <= closure
    assert not {"liftedcl.methods.liftedcl", "liftedcl.methods.supervised", "liftedcl.networks.critic"} & closure
    assert not {module for module in closure if module.startswith(("downstream", "workflow", "synthetic"))}


def test_methods_have_digests_of_their_own():
    assert len({encoder_code(method) for method in [*METHODS, "random"]}) == len(METHODS) + 1


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
        for cached in (subject._parse, subject._imports, subject._tree):
            cached.cache_clear()
        return subject.code_digest("liftedcl.stage")

    yield package, digest
    for cached in (subject._parse, subject._imports, subject._tree):
        cached.cache_clear()


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
