"""Fine-tuning on MPII for 2D pose: SimplePose on the backbone under test (Xiao et al. 2018; LiftedCL, appendix D)."""

from pathlib import Path

from downstream.heatmap_pose.keypoint_task import KeypointTask
from downstream.mpii.joints import MIRRORED
from downstream.mpii.predictions import PREDICTIONS, write_predictions
from downstream.mpii.reader import read_mpii, to_people
from downstream.mpii.recipe import Mpii
from downstream.mpii.truth import check_same_people, read_truth, truth_path
from liftedcl.networks.encoder import Backbone


class MpiiPose(KeypointTask):
    """MPII's `downstream.benchmark.Benchmark`."""

    def __init__(
        self, recipe: Mpii, backbone: Backbone, *, data: Path, seed: int, workers: int, packed: Path | None = None
    ) -> None:
        valid = read_mpii(data, "valid")
        check_same_people(read_truth(truth_path(data)), valid)  # before hours of training, not after
        self._valid = to_people(valid, recipe.box_scale).people
        train = to_people(read_mpii(data, "train"), recipe.box_scale)
        super().__init__(recipe, backbone, train=train, mirrored=MIRRORED, seed=seed, workers=workers, packed=packed)

    def write_predictions(self, out: Path) -> None:
        """Write the joints of the validation split."""
        write_predictions(out / PREDICTIONS, self.predict(self._valid, offset=True)[0])
