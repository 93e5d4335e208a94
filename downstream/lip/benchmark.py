"""LIP's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.lip.data_set import DATA_SET
from downstream.lip.recipe import LIP

BENCHMARK = Entry(
    name="lip",
    recipe=LIP,
    task="downstream.lip.task:LIPParsing",
    scores="downstream.lip.scores",
    drawings="downstream.lip.drawings",
    reference="downstream.lip.reference",
    data=DATA_SET,
    needs=DATA_SET.needs["lip"],
    predictions=("predictions", "predictions_student"),
)
