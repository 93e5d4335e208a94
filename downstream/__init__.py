"""Downstream benchmarks: what an encoder is worth once it is fine-tuned.

A benchmark is a folder with its recipe, readers, task and scores, plus one entry here. Modules are named, not imported:
reading this table needs no torch.
"""

from dataclasses import dataclass

from liftedcl.identity.code_digest import code_digest


@dataclass(frozen=True)
class Entry:
    """Where a benchmark's parts are.

    Attributes:
        task: module with ``Benchmark`` (a task of liftedcl/engine/loop.py that also evaluates itself),
            ``fingerprints`` and ``augmented_samples``.
        reference: module with ``reference_scores``, those of a predictor that doesn't look at the picture; no torch.
        data: the entry of params.yaml that names its folder.
        annotations: files below that folder that a run reads before any picture.
        optional: the like, which change a run where they are there.
        pictures: patterns of which something has to be there, besides those of workflow/data_sets.py.
        predictions: the file, or folder, below a run's folder that others can score.
    """

    task: str
    reference: str
    data: str
    annotations: tuple[str, ...]
    predictions: str
    optional: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()


BENCHMARKS: dict[str, Entry] = {
    "coco": Entry(
        task="downstream.coco.task",
        reference="downstream.coco.reference",
        data="coco",
        annotations=("annotations/person_keypoints_train2017.json", "annotations/person_keypoints_val2017.json"),
        predictions="predictions.json",
        optional=("person_detection_results/COCO_val2017_detections_AP_H_56_person.json",),
        pictures=("val2017/*.jpg or images/val2017/*.jpg",),
    ),
    "mpii": Entry(
        task="downstream.mpii.task",
        reference="downstream.mpii.reference",
        data="mpii",
        annotations=("annot/train.json", "annot/valid.json", "annot/gt_valid.mat"),
        predictions="predictions.mat",
    ),
    "h36m_2d": Entry(
        task="downstream.h36m.task_2d",
        reference="downstream.h36m.reference_2d",
        data="h36m",
        annotations=("annot/h36m_train.pkl", "annot/h36m_validation.pkl"),
        predictions="predictions.npz",
    ),
    "h36m_3d": Entry(
        task="downstream.h36m.task_3d",
        reference="downstream.h36m.reference_3d",
        data="h36m",
        annotations=(
            "annotations/Sample_trainmin_train_Human36M_protocol_2.json",
            "annotations/Sample_64_test_Human36M_protocol_2.json",
        ),
        predictions="predictions.npz",
    ),
    "pw3d": Entry(
        task="downstream.pw3d.task",
        reference="downstream.pw3d.reference",
        data="pw3d",
        annotations=(
            "dataset_extras/3dpw_test.npz",
            "dataset_extras/h36m_train_protocol1.npz",
            "dataset_extras/lsp_dataset_original_train.npz",
            "dataset_extras/mpii_train.npz",
            "dataset_extras/coco_2014_train.npz",
            "dataset_extras/hr-lspet_train.npz",
            "dataset_extras/mpi_inf_3dhp_train.npz",
            "smpl/neutral.npz",
            "smpl/male.npz",
            "smpl/female.npz",
            "smpl/smpl_mean_params.npz",
            "smpl/J_regressor_h36m.npy",
            "smpl/J_regressor_extra.npy",
        ),
        predictions="predictions.npz",
    ),
    "lip": Entry(
        task="downstream.lip.task",
        reference="downstream.lip.reference",
        data="lip",
        annotations=("train_id.txt", "val_id.txt"),
        predictions="predictions",
    ),
}


def finetune_code(benchmark: str) -> str:
    """Digest of the code that fine-tunes on ``benchmark``: the trainer's and that benchmark's, no other's."""
    return code_digest("downstream.finetune", BENCHMARKS[benchmark].task)
