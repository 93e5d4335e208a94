"""The entry of Human3.6M 2D pose among the benchmarks."""

from downstream.benchmark import Entry
from downstream.h36m.shared.recipe import H36M2D

BENCHMARK = Entry(
    name="h36m_2d",
    recipe=H36M2D,
    task="downstream.h36m.pose_2d.task:H36MPose2D",
    scores="downstream.h36m.pose_2d.scores",
    drawings="downstream.h36m.pose_2d.drawings",
    reference="downstream.h36m.pose_2d.reference",
    data="h36m",
    annotations=("annot/h36m_train.pkl", "annot/h36m_validation.pkl"),
    predictions=("predictions.npz",),
)
