"""MPII's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.mpii.data_set import DATA_SET
from downstream.mpii.recipe import Mpii

BENCHMARK = Entry(
    name="mpii",
    recipe=Mpii,
    task="downstream.mpii.task:MpiiPose",
    scores="downstream.mpii.scores",
    drawings="downstream.mpii.drawings",
    reference="downstream.mpii.reference",
    data=DATA_SET,
    needs=DATA_SET.needs["mpii"],
    predictions=("predictions.mat",),
)
