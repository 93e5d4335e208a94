"""The entry of Human3.6M parsing among the benchmarks."""

from downstream.benchmark import Entry
from downstream.h36m.parsing.recipe import H36MParsing
from liftedcl.data_sets.h36m.data_set import DATA_SET

BENCHMARK = Entry(
    name="h36m_parsing",
    recipe=H36MParsing,
    package="downstream.h36m.parsing",
    task="H36MPartParsing",
    data=DATA_SET,
    predictions=("predictions",),
)
