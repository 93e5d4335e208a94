"""The entry of human shape on 3DPW among the benchmarks."""

from downstream.benchmark import Entry
from downstream.pw3d.reader import TEST, TRAIN
from downstream.pw3d.recipe import PW3D

BENCHMARK = Entry(
    name="pw3d",
    recipe=PW3D,
    task="downstream.pw3d.task:PW3DShape",
    scores="downstream.pw3d.scores",
    drawings="downstream.pw3d.drawings",
    reference="downstream.pw3d.reference",
    data="pw3d",
    annotations=(
        *(f"dataset_extras/{name}.npz" for name in (TEST, *TRAIN)),
        *(f"smpl/{name}.npz" for name in ("neutral", "male", "female", "smpl_mean_params")),
        *(f"smpl/J_regressor_{name}.npy" for name in ("h36m", "extra")),
    ),
    predictions=("predictions.npz", "predictions_low.npz"),
)
