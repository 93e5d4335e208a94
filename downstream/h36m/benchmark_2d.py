"""The entry of Human3.6M 2D pose among the benchmarks."""

from downstream.benchmark import Entry
from downstream.h36m.recipe import H36M2D

BENCHMARK = Entry(
    name="h36m_2d",
    recipe=H36M2D,
    task="downstream.h36m.task_2d:H36MPose2D",
    scores="downstream.h36m.scores_2d",
    drawings="downstream.h36m.drawings_2d",
    reference="downstream.h36m.reference_2d",
    data="h36m",
    annotations=("annot/h36m_train.pkl", "annot/h36m_validation.pkl"),
    predictions="predictions.npz",
)
