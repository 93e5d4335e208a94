"""MPII's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.mpii.data_set import DATA_SET
from downstream.mpii.recipe import Mpii

BENCHMARK = Entry(
    name="mpii",
    recipe=Mpii,
    package="downstream.mpii",
    task="MpiiPose",
    data=DATA_SET,
    predictions=("predictions.mat",),
)
