"""The entry of Human3.6M 3D pose among the benchmarks."""

from downstream.benchmark import Entry
from downstream.h36m.recipe import H36M3D

BENCHMARK = Entry(
    name="h36m_3d",
    recipe=H36M3D,
    task="downstream.h36m.task_3d:H36MPose3D",
    scores="downstream.h36m.scores_3d",
    drawings="downstream.h36m.drawings_3d",
    reference="downstream.h36m.reference_3d",
    data="h36m",
    annotations=(
        "annotations/Sample_trainmin_train_Human36M_protocol_2.json",
        "annotations/Sample_64_test_Human36M_protocol_2.json",
    ),
    predictions="predictions.npz",
)
