"""The real data sets: where they come from, under which licence, and what a run needs of them on disk."""

from dataclasses import dataclass
from pathlib import Path

from workflow.layout import is_generated
from workflow.params import Params


@dataclass(frozen=True)
class DataSet:
    """``files``: pictures that must be there, relative to the root; alternatives are separated by `` or ``."""

    title: str
    source: str
    licence: str
    size: str
    files: tuple[str, ...]


DATA_SETS = {
    "coco": DataSet(
        title="COCO 2017, images, keypoint annotations, person detections",
        source="https://cocodataset.org/#download (train2017.zip, val2017.zip, annotations_trainval2017.zip)",
        licence="https://cocodataset.org/#termsofuse",
        size="20 GB",
        files=("train2017/*.jpg or images/train2017/*.jpg",),
    ),
    "mpii": DataSet(
        title="MPII Human Pose",
        source="http://human-pose.mpi-inf.mpg.de (images; annotations as docs/data/mpii.md says)",
        licence="http://human-pose.mpi-inf.mpg.de (non-commercial research)",
        size="12 GB",
        files=("images/*.jpg",),
    ),
    "h36m": DataSet(
        title="Human3.6M, frames and annotation files",
        source="http://vision.imar.ro/human3.6m (registration)",
        licence="http://vision.imar.ro/human3.6m/eula.php",
        size="80 GB as frames",
        files=("images/s_*_act_*_subact_*_ca_*/*.jpg",),
    ),
    "pw3d": DataSet(
        title="3D shape: 3DPW for testing, six sets for training, the SMPL body model",
        source="https://virtualhumans.mpi-inf.mpg.de/3DPW, https://smpl.is.tue.mpg.de (registration)",
        licence="each its own; SMPL: https://smpl.is.tue.mpg.de/modellicense.html (non-commercial research)",
        size="150 GB with the training sets",
        files=(
            "images/3dpw_test",
            "images/h36m_train_protocol1",
            "images/lsp_dataset_original_train",
            "images/mpii_train",
            "images/coco_2014_train",
            "images/hr-lspet_train",
            "images/mpi_inf_3dhp_train",
        ),
    ),
    "lip": DataSet(
        title="LIP, single-person human parsing",
        source="https://sysu-hcp.net/lip (registration)",
        licence="https://sysu-hcp.net/lip (non-commercial research)",
        size="4 GB",
        files=("train_images/*.jpg", "train_segmentations/*.png", "val_images/*.jpg", "val_segmentations/*.png"),
    ),
    "imagenet": DataSet(
        title="ImageNet (ILSVRC 2012)",
        source="https://image-net.org/download.php (registration)",
        licence="https://image-net.org/accessagreement",
        size="150 GB",
        files=("train/*/*.JPEG or train/*/*.jpg",),
    ),
    "people": DataSet(
        title="pictures of people, .jpg, .jpeg or .png, subfolders included; boxes.json tells where they are",
        source="you; without boxes.json each picture is one person (docs/data/people.md)",
        licence="that of your pictures",
        size="any size",
        files=("*",),
    ),
    "weights": DataSet(
        title="published stage I encoders",
        source="torchvision's ResNet50_Weights.IMAGENET1K_V1; MoCo-v2, DenseCL and PixPro from their authors' pages"
        " (docs/data/weights.md has the addresses)",
        licence="each its own: BSD-3-Clause, CC BY-NC 4.0 (MoCo-v2), GPLv3 (DenseCL), MIT (PixPro)",
        size="0.1 to 0.7 GB each",
        files=(),
    ),
}


def missing_data(params: Params, needed: dict[str, tuple[str, ...]]) -> list[str]:
    """One paragraph for each data set that isn't (wholly) there and that no rule makes.

    Args:
        needed: data set -> files that must be there, relative to its folder, besides its pictures.
    """
    paragraphs = []
    for name, files in needed.items():
        if is_generated(params, name):
            continue
        root = getattr(params, name)
        found = {pattern: _present(Path(root), pattern) for pattern in (*files, *DATA_SETS[name].files)}
        if not all(found.values()):
            paragraphs.append(_describe(name, root, found))
    return paragraphs


def _present(root: Path, pattern: str) -> bool:
    return any(next(root.glob(alternative), None) is not None for alternative in pattern.split(" or "))


def _describe(name: str, root: str, found: dict[str, bool]) -> str:
    data_set = DATA_SETS[name]
    lines = [f"{name}: {data_set.title} ({data_set.size})"]
    lines += [f"  {'found   ' if there else 'missing '} {root}/{pattern}" for pattern, there in found.items()]
    lines += [f"  from     {data_set.source}", f"  licence  {data_set.licence}"]
    return "\n".join([*lines, f"  or give the folder it is in: --config {name}=FOLDER"])
