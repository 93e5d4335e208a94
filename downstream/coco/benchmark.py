"""COCO's entry among the benchmarks."""

from downstream.benchmark import Entry
from downstream.coco.recipe import Coco2D

BENCHMARK = Entry(
    name="coco",
    recipe=Coco2D,
    task="downstream.coco.task:CocoPose",
    scores="downstream.coco.scores",
    drawings="downstream.coco.drawings",
    reference="downstream.coco.reference",
    data="coco",
    annotations=("annotations/person_keypoints_train2017.json", "annotations/person_keypoints_val2017.json"),
    optional=("person_detection_results/COCO_val2017_detections_AP_H_56_person.json",),
    pictures=("val2017/*.jpg or images/val2017/*.jpg",),
    predictions=("predictions.json", "predictions_gt_boxes.json"),
)
