"""Fine-tuning on COCO for 2D pose: SimplePose on the backbone under test (Xiao et al. 2018; LiftedCL, appendix D).

The protocol is that of the published code of SimplePose and HRNet; departures are named where they are made.
"""

from functools import partial
from pathlib import Path
from typing import Any

from downstream.coco.keypoints import MIRRORED
from downstream.coco.reader import PersonBoxes, read_detections, read_people
from downstream.coco.recipe import Coco2D
from downstream.coco.rescoring import predicted_results
from downstream.coco.results import HEADLINE, IN_ANNOTATED_BOXES, write_predictions
from downstream.heatmap_pose.keypoint_task import KeypointTask
from liftedcl.networks.encoder import Backbone


class CocoPose(KeypointTask):
    """COCO's `downstream.benchmark.Benchmark`."""

    def __init__(
        self, recipe: Coco2D, backbone: Backbone, *, data: Path, seed: int, workers: int, packed: Path | None = None
    ) -> None:
        self._annotated, self._detected = read_people(data, "val").boxes, read_detections(data)
        train = read_people(data, "train").labelled((recipe.input_width, recipe.input_height), recipe.box_scale)
        super().__init__(recipe, backbone, train=train, mirrored=MIRRORED, seed=seed, workers=workers, packed=packed)

    def write_predictions(self, out: Path) -> None:
        """Write the results in annotated boxes, and in the detector's where its file is there."""
        results = self._results(self._annotated)
        write_predictions(out / IN_ANNOTATED_BOXES, results)
        write_predictions(out / HEADLINE, results if self._detected is None else self._results(self._detected))

    def _results(self, boxes: PersonBoxes) -> list[dict[str, Any]]:
        return predicted_results(partial(self.predict, offset=True), boxes, self._recipe)
