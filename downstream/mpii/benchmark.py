"""MPII's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.mpii.recipe import Mpii
from liftedcl.data_sets.mpii.data_set import DATA_SET

BENCHMARK = Entry(
    name="mpii",
    recipe=Mpii,
    package="downstream.mpii",
    task="MpiiPose",
    data=DATA_SET,
    predictions=("predictions.mat",),
)
