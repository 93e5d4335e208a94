# The resolved configuration, and all checks before any job. The command line's --config wins over params.yaml and its
# profile; `config`, in which Snakemake has read names as YAML, is not used.
import atexit
import os
import sys
from functools import cache
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError

# The packages are beside the Snakefile: not another clone's, whichever is installed, and in every working directory.
REPOSITORY = Path(workflow.basedir).resolve()
sys.path.insert(0, str(REPOSITORY))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))

from downstream.registry import BENCHMARKS, DATA_SETS, finetune_modules, score_modules
from liftedcl.identity.code_digest import code_of, keep
from liftedcl.identity.errors import InputError
from liftedcl.methods import completes, encoder_modules, lifts, uses_depth
from liftedcl.identity.recipe import to_json
from liftedcl.identity.strict_text import read_yaml
from liftedcl.recipes.outside_method import method_of
from liftedcl.recipes.weight_sources import SOURCES
from workflow.benchmark_recipes import benchmark_of
from workflow.clone import clone_missing, pinned
from workflow.command_line import command_line_values, label_of
from workflow.data_sets import missing_data, needed_data
from workflow.job_records import restore
from workflow.layout import generated_root, is_generated, layout_of
from workflow.params import resolve
from workflow.snakemake_internals import (
    FOLDER, is_main_process, jobs_of_rule, mark_incomplete, may_fetch, remove_stale_locks, settings_of,
)
from workflow.tables.partial_tables import missing_runs, write_partial_table
from workflow.tables.shown_tables import FIGURES, encoders_run, overview_tables, read_tables
from workflow.tables.table_spec import main_tables

atexit.register(keep)  # when the rules have asked for all code
PYTHON = quote(sys.executable)  # the environment that runs snakemake also runs its jobs

try:
    if is_main_process(workflow):  # and not in each job that it submits to a cluster
        remove_stale_locks(FOLDER)
    for line in restore() if is_main_process(workflow) else ():  # Snakemake's records of what DVC pulled
        print(line, file=sys.stderr)
    OVERRIDES = command_line_values(*settings_of(workflow))
    FILE = read_yaml(REPOSITORY / "params.yaml")
    for line in clone_missing(pinned(FILE, OVERRIDES)) if may_fetch(workflow) else ():
        print(line, file=sys.stderr)
    PARAMS = resolve(FILE, OVERRIDES)
    TABLES = read_tables(REPOSITORY / "workflow" / "tables" / "tables.yaml", PARAMS)
except InputError as error:
    raise WorkflowError(str(error))

PAPER_TABLES = [name for name in (f"table{number}" for number in range(1, 10)) if name in TABLES]
LAYOUT = layout_of(PARAMS)
LABEL = label_of(PARAMS, OVERRIDES)
WORKERS = PARAMS.compute.workers  # no result depends on it, so it is not a parameter of a rule


def repository_file(name):
    """A file of the repository as an input. In the repository it is relative: its record means the same in any clone."""
    return name if Path.cwd() == REPOSITORY else f"{REPOSITORY}/{name}"


TABLE_ROWS = encoders_run(TABLES.values())
NEEDED = needed_data(PARAMS, TABLE_ROWS)  # of each data set; a job checks its own data; its error names all that is missing


@cache
def data(name, *files, optional=(), pictures=()):
    """An input function: these files of a data set, which has to be there unless a rule makes it.

    ``optional`` files are inputs if they exist; of ``pictures``, only the existence is checked.
    """
    @cache
    def complain():
        if not missing_data(PARAMS, {name: (*files, *pictures)}):
            return
        others = missing_data(PARAMS, {other: NEEDED[other] for other in NEEDED if other != name})
        missing = missing_data(PARAMS, {name: tuple(dict.fromkeys([*files, *NEEDED.get(name, ())]))})
        also = ["Other targets of this profile need these too, which are missing as well:", *others] if others else []
        raise SystemExit(  # a WorkflowError in here would be shown with a stack trace
            f"error: profile {PARAMS.profile} needs data that is missing (see docs/data.md):\n\n"
            + "\n\n".join([*missing, *also])
        )

    def there(wildcards):
        complain()
        root = PARAMS.data[name]
        also = [file for file in optional if is_generated(PARAMS, name) or Path(root, file).exists()]
        return [f"{root}/{file}" for file in (*files, *also)]

    return there


def benchmark_data(benchmark):
    """An input function: what a run on ``benchmark`` reads before any image."""
    entry = BENCHMARKS[benchmark]
    return data(entry.data.name, *entry.needs.files, optional=entry.needs.optional, pictures=entry.needs.pictures)


def rows_by(method):
    """Names of the encoder rows for whose recipe ``method`` is true, as a pattern for a wildcard."""
    return "|".join(name for name, recipe in PARAMS.encoders.items() if method(recipe)) or "(?!)"


wildcard_constraints:
    row="|".join(PARAMS.encoders),
    seed=r"\d+",
