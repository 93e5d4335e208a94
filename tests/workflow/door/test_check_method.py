"""`python -m workflow.check_method`: each mistake of a method is one line that says what is wrong with it."""

import itertools
from string import Template

import pytest
from repository import REPOSITORY

from liftedcl.checks import method_checks, several_processes
from liftedcl.identity.errors import InputError
from workflow.check_method import main, recipe_of

TEMPLATE = Template((REPOSITORY / "workflow/create/method/NAME.py.template").read_text()).substitute(class_name="Mine")
NUMBER = itertools.count()
PARAMS = REPOSITORY / "params.yaml"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """What is printed of the template with ``old`` replaced by ``new``; without the checks that take long."""
    monkeypatch.setattr(several_processes, "check_processes", lambda recipe, folder: None)
    monkeypatch.setattr(method_checks, "measured_step", lambda recipe, folder: "1 ms")

    def check(old, new):
        assert old in TEMPLATE
        file = tmp_path / f"mine{next(NUMBER)}.py"  # a name of its own: Python imports a name once
        file.write_text(TEMPLATE.replace(old, new))
        try:
            main([str(file), "--params", str(PARAMS)])
        except SystemExit as end:
            assert end.code == 1
        return capsys.readouterr().out.splitlines()

    return check


def test_a_whole_method_passes_with_a_line_for_each_check(said):
    lines = said("Mine", "Mine")
    assert len(lines) == 6 and all(line.startswith("ok      ") for line in lines)
    assert lines[-1] == "ok      a step: 1 ms"


@pytest.mark.parametrize(
    ("old", "new", "number", "problem"),
    [
        ("self.parameters()", "self.heads.parameters()", 1, "backbone.conv1.weight is never stepped"),
        ('"squared_error": ', '"squared_error": float("nan") * ', 0, "squared_error is no finite scalar"),
        ("told = self", "raise ValueError('mine')\n        told = self", 0, "mine (ValueError, "),
        ('yield "colour"', 'yield "color"', 0, "yields the player 'color', and players() has colour"),
        ("views = render", "self.seen = getattr(self, 'seen', 1) + 1\n        views = self.seen * render", 3, "a stop"),
        ("self.heads = ", "self.head = ", 0, "its `heads` is a NoneType, not a ModuleDict"),
    ],
)
def test_a_mistake_is_named(said, old, new, number, problem):
    line = said(old, new)[number]
    assert line.startswith("FAILED  ") and problem in line, line


def test_rows_methods_and_files_are_taken_and_nothing_else():
    assert recipe_of("liftedcl_in_cc", None, PARAMS, "demo").start == "moco_v2_in"
    assert recipe_of("mae", "vit_narrow", PARAMS, "demo").backbone == "vit_narrow"
    for named, problem in (("random", "trains nothing"), ("nobody", "no installed module"), ("no.py", "no such file")):
        with pytest.raises(InputError, match=problem):
            recipe_of(named, None, PARAMS, "demo")
