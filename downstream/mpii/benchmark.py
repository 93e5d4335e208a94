"""MPII's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.mpii.recipe import Mpii

BENCHMARK = Entry(
    name="mpii",
    recipe=Mpii,
    task="downstream.mpii.task:MpiiPose",
    scores="downstream.mpii.scores",
    drawings="downstream.mpii.drawings",
    reference="downstream.mpii.reference",
    data="mpii",
    annotations=("annot/train.json", "annot/valid.json", "annot/gt_valid.mat"),
    predictions=("predictions.mat",),
)
