"""The entry of human shape on 3DPW among the benchmarks."""

from downstream.benchmark import Entry
from downstream.pw3d.data_set import DATA_SET
from downstream.pw3d.recipe import PW3D

BENCHMARK = Entry(
    name="pw3d",
    recipe=PW3D,
    package="downstream.pw3d",
    task="PW3DShape",
    data=DATA_SET,
    predictions=("predictions.npz", "predictions_low.npz"),
)
