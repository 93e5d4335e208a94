"""A job of a plan, as `workflow.snakemake_internals.plan` gives it."""

import ast
import dataclasses


@dataclasses.dataclass(frozen=True)
class PlannedJob:
    """A job that would run, and why; or one that is done, of which only the rule, paths and parameters are given.

    Attributes:
        begun: whether Snakemake has begun the job and seen no end of it, even if no output is there.
        done: whether nothing has to run.
        logs: files that it writes what it says into.
        outputs: paths; a rule that only gathers targets has none.
        target: whether the command line names one of the outputs.
        params: Python literals by the parameter's name, such as ``"'runs/demo'"``.
        old, new: literals that were recorded and are no longer a parameter, and literals that were not recorded.
            Snakemake records no names.
        command_changed: whether the text of the rule's shell command changed.
        missing: outputs that are not there, if one of them is needed.
        incomplete: outputs of a job that was killed or failed.
        edited: inputs with another content than recorded, which no planned job makes and which were read before too.
        added, removed: inputs that the job reads only now, or read only then.
        made_inputs: inputs that another planned job makes.
        other: Snakemake's own words for its decision.
    """

    rule: str
    wildcards: dict[str, str] = dataclasses.field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    target: bool = False
    params: dict[str, str] = dataclasses.field(default_factory=dict)
    old: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    command_changed: bool = False
    missing: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    made_inputs: tuple[str, ...] = ()
    other: str = ""
    begun: bool = False
    done: bool = False
    logs: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder of a run; empty for a job that isn't one."""
        return ast.literal_eval(self.params.get("folder", "''"))

    @property
    def name(self) -> str:
        """The run's folder, or the first output of a job that has none."""
        return self.folder or self.outputs[0]
