"""``python -m workflow.check_method NAME_OR_FILE``: whether a pre-training method is one, a line for each check."""

import argparse
import contextlib
import io
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from liftedcl.identity.errors import InputError, run_cli
from liftedcl.recipes.method_entries import method_entries
from workflow.params import read_params

_NEW = "checked"  # the row of a method that no row of params.yaml has


def recipe_of(named: str, backbone: str | None, params: Path, profile: str) -> Any:
    """The recipe of a row, of the first row of a method here, or of a new row with the file or module ``named``.

    Raises:
        InputError: there is no such row, method, file or module, or it holds no method.
    """
    rows = read_params(params, {"profile": profile}).encoders
    found = rows.get(named) or next((recipe for recipe in rows.values() if recipe.method == named), None)
    if found is None or backbone:
        own = {"method": named} if named in method_entries() else {"module": named}
        row = own | {"images": "coco"} | ({"backbone": backbone} if backbone else {})
        added = {"profile": profile, "encoders": {"rows": {_NEW: row}}, "tables": {"rows": None}}
        found = read_params(params, added).encoders[_NEW]
    if found.training is None:
        raise InputError(f"{named}: trains nothing, so there is nothing to check; name a method that has `sections`")
    return found


def lines(recipe: Any, folder: Path) -> Iterator[tuple[bool, str]]:
    """Whether each check passes, and a line about it. ``folder`` is for what the checks write."""
    from liftedcl.checks import method_checks, several_processes  # PyTorch, which is slow to import

    tiny = method_checks.small(recipe)
    checks: dict[str, tuple[Callable[[Any, Path], Any], Any]] = {
        "shapes: parts, finite losses, an encoder.pt that loads": (method_checks.check_shapes, tiny),
        "gradients: every parameter is trained, and no momentum copy": (method_checks.check_gradients, tiny),
        "momentum copy: the loss depends on it, if there is one": (method_checks.check_momentum, tiny),
        "resume: stopped and gone on, the same bits": (method_checks.check_resume, tiny),
        "processes: one and two give the same losses": (several_processes.check_processes, tiny),
        "a step": (method_checks.measured_step, recipe),
    }
    for name, (check, of) in checks.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # the progress of trainings that last seconds
                said = check(of, folder)
            yield True, f"ok      {name}{f': {said}' if said else ''}"
        except Exception as error:  # whatever their code raises is the finding
            at = traceback.extract_tb(error.__traceback__)[-1]
            words = " ".join(str(error).split()) or type(error).__name__
            explained = isinstance(error, AssertionError | InputError)  # by a check, or by the method itself
            place = "" if explained else f" ({type(error).__name__}, {at.filename}:{at.lineno})"
            yield False, f"FAILED  {name}: {words}{place}"


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m workflow.check_method",
        description="Check a pre-training method: its parts, gradients, resume, several processes, time and memory.",
        epilog="example: python -m workflow.check_method mine/method.py --backbone vit_narrow",
    )
    add = parser.add_argument
    add("method", metavar="NAME_OR_FILE", help="a row of params.yaml, a method, a file, or an installed module")
    add("--backbone", help="such as vit_narrow (default: the row's, or the profile's)")
    add("--profile", default="demo", help="of params.yaml (default: %(default)s)")
    add("--params", type=Path, default=Path("params.yaml"), help="the file (default: %(default)s)")
    arguments = parser.parse_args(words)
    recipe = recipe_of(arguments.method, arguments.backbone, arguments.params, arguments.profile)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for passed, line in lines(recipe, Path(folder)):
            print(line, flush=True)
            failed |= not passed
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    run_cli(main)
