"""COCO's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.coco.recipe import Coco2D
from liftedcl.data_sets.coco.data_set import DATA_SET

BENCHMARK = Entry(
    name="coco",
    recipe=Coco2D,
    package="downstream.coco",
    task="CocoPose",
    data=DATA_SET,
    predictions=("predictions.json", "predictions_gt_boxes.json"),
)
