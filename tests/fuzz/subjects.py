"""All that is fuzzed: every reader and command. A new one belongs here."""

from fuzz.benchmarks import SHARED
from fuzz.data_sets import DATA_SETS
from fuzz.encoders import ENCODERS
from fuzz.snakemake_state import SNAKEMAKE_STATE
from fuzz.stages import STAGES
from fuzz.tables import WORKFLOW

SUBJECTS = (*DATA_SETS, *ENCODERS, *SHARED, *WORKFLOW, *SNAKEMAKE_STATE, *STAGES)
