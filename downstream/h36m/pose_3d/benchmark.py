"""The entry of Human3.6M 3D pose among the benchmarks."""

from downstream.benchmark import Entry
from downstream.h36m.shared.recipe import H36M3D
from liftedcl.data_sets.h36m.data_set import DATA_SET

BENCHMARK = Entry(
    name="h36m_3d",
    recipe=H36M3D,
    package="downstream.h36m.pose_3d",
    task="H36MPose3D",
    data=DATA_SET,
    predictions=("predictions.npz",),
)
