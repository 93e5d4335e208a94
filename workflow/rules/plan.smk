# The resolved configuration, and what is checked before any job. `config` holds the command line's --config alone,
# which wins over params.yaml and its profile.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)  # the packages stand beside the Snakefile, installed or not

from downstream import finetune_code
from liftedcl.code_digest import code_digest
from liftedcl.errors import InputError
from liftedcl.methods import encoder_code
from liftedcl.recipe import to_json
from liftedcl.weight_sources import SOURCES
from workflow.data_sets import missing_data
from workflow.layout import generated_root, is_generated, layout_of
from workflow.params import label_of, read_params
from workflow.stale_locks import remove_stale_locks
from workflow.tables import FIGURES, read_tables

remove_stale_locks(Path(".snakemake"))

PYTHON = sys.executable  # the environment that runs snakemake also runs its jobs

try:
    PARAMS = read_params(Path(workflow.basedir) / "params.yaml", config)
    TABLES = read_tables(Path(workflow.basedir) / "workflow" / "tables.yaml", PARAMS)
except InputError as error:
    raise WorkflowError(str(error))

LAYOUT = layout_of(PARAMS)
LABEL = label_of(PARAMS, config)
WORKERS = PARAMS.compute.workers  # no result depends on it, so it is no parameter of a rule

if missing := missing_data(PARAMS, {name: source.file for name, source in SOURCES.items()}):
    raise WorkflowError(
        f"profile {PARAMS.profile} needs data that is not here (docs/data.md says more):\n\n" + "\n\n".join(missing)
    )


def rows_by(method):
    """Names of the encoder rows made with one of the methods given, as a wildcard pattern that matches nothing else."""
    return "|".join(name for name, recipe in PARAMS.encoders.items() if method(recipe)) or "(?!)"


wildcard_constraints:
    row="|".join(PARAMS.encoders),
    seed=r"\d+",
