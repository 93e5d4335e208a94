"""LIP's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.lip.recipe import LIP

BENCHMARK = Entry(
    name="lip",
    recipe=LIP,
    task="downstream.lip.task:LIPParsing",
    scores="downstream.lip.scores",
    drawings="downstream.lip.drawings",
    reference="downstream.lip.reference",
    data="lip",
    annotations=("train_id.txt", "val_id.txt"),
    predictions=("predictions", "predictions_student"),
)
