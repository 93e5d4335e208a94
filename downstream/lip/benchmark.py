"""LIP's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.lip.data_set import DATA_SET
from downstream.lip.recipe import LIP

BENCHMARK = Entry(
    name="lip",
    recipe=LIP,
    package="downstream.lip",
    task="LIPParsing",
    data=DATA_SET,
    predictions=("predictions", "predictions_student"),
)
