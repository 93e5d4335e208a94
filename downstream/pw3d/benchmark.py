"""The entry of human shape on 3DPW among the benchmarks."""

from downstream.benchmark import Entry
from downstream.pw3d.data_set import DATA_SET
from downstream.pw3d.recipe import PW3D

BENCHMARK = Entry(
    name="pw3d",
    recipe=PW3D,
    task="downstream.pw3d.task:PW3DShape",
    scores="downstream.pw3d.scores",
    drawings="downstream.pw3d.drawings",
    reference="downstream.pw3d.reference",
    data=DATA_SET,
    needs=DATA_SET.needs["pw3d"],
    predictions=("predictions.npz", "predictions_low.npz"),
)
