"""The entry of Human3.6M 2D pose among the benchmarks."""

from downstream.benchmark import Entry
from downstream.h36m.shared.recipe import H36M2D
from liftedcl.data_sets.h36m.data_set import DATA_SET

BENCHMARK = Entry(
    name="h36m_2d",
    recipe=H36M2D,
    package="downstream.h36m.pose_2d",
    task="H36MPose2D",
    data=DATA_SET,
    predictions=("predictions.npz",),
)
