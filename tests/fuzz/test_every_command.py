"""A new command takes a subject: none is left out of what is fuzzed."""

from pathlib import Path

from repository import REPOSITORY

PACKAGES = ("liftedcl", "downstream", "synthetic", "workflow")
WITHOUT = {
    "synthetic.bake", "synthetic.fit_joints",  # make the body of the generated people, which is in the repository
    "workflow.data_sets", "workflow.create", "workflow.create.params_schema",  # read no file
    "workflow.status",  # reads params.yaml, which is a subject, and asks Snakemake
    "workflow.check_method", "liftedcl.checks.several_processes",  # run whatever code they are given
    "workflow.judge",  # tries the encoder with liftedcl.weights, reads params.yaml and runs Snakemake
}  # fmt: skip


def _commands():
    for path in (path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")):
        if 'if __name__ == "__main__":' in path.read_text():
            yield path.relative_to(REPOSITORY).with_suffix("").as_posix().replace("/", ".").removesuffix(".__main__")


def test_every_command_is_a_subject():
    subjects = "\n".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    commands = {name for name in _commands() if name not in WITHOUT}
    ways = {name: (name, *(f'{of}("{name.partition(".")[2]}"' for of in ("shared", "_of_runs"))) for name in commands}
    assert len(commands) > 30
    assert not [name for name, written in ways.items() if not any(way in subjects for way in written)]
