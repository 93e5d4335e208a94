"""COCO's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.coco.recipe import Coco2D
from liftedcl.data_sets.coco.data_set import DATA_SET

BENCHMARK = Entry(
    name="coco",
    recipe=Coco2D,
    task="downstream.coco.task:CocoPose",
    scores="downstream.coco.scores",
    drawings="downstream.coco.drawings",
    reference="downstream.coco.reference",
    data=DATA_SET,
    needs=DATA_SET.needs["coco"],
    predictions=("predictions.json", "predictions_gt_boxes.json"),
)
