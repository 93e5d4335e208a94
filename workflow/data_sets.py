"""The real data sets: where they come from, under which licence, and what a run needs of them on disk."""

from dataclasses import dataclass
from pathlib import Path

from workflow.layout import is_generated
from workflow.params import Params


@dataclass(frozen=True)
class DataSet:
    """``files``: what must be there, relative to the root; alternatives are separated by `` or ``."""

    title: str
    source: str
    licence: str
    size: str
    files: tuple[str, ...]


DATA_SETS = {
    "coco": DataSet(
        title="COCO 2017, images and keypoint annotations",
        source="https://cocodataset.org/#download (train2017.zip, annotations_trainval2017.zip)",
        licence="https://cocodataset.org/#termsofuse",
        size="19 GB",
        files=("annotations/person_keypoints_train2017.json", "train2017/*.jpg or images/train2017/*.jpg"),
    ),
    "h36m": DataSet(
        title="Human3.6M, frames and the RLE annotation files",
        source="http://vision.imar.ro/human3.6m (registration)",
        licence="http://vision.imar.ro/human3.6m/eula.php",
        size="80 GB as frames",
        files=(
            "annotations/Sample_trainmin_train_Human36M_protocol_2.json",
            "annotations/Sample_64_test_Human36M_protocol_2.json",
            "images/s_*_act_*_subact_*_ca_*/*.jpg",
        ),
    ),
    "imagenet": DataSet(
        title="ImageNet (ILSVRC 2012)",
        source="https://image-net.org/download.php (registration)",
        licence="https://image-net.org/accessagreement",
        size="150 GB",
        files=("train/*/*.JPEG or train/*/*.jpg",),
    ),
    "weights": DataSet(
        title="published stage I encoders",
        source="torchvision's ResNet50_Weights.IMAGENET1K_V1; MoCo-v2, DenseCL and PixPro from their authors' pages"
        " (docs/data.md has the addresses)",
        licence="each its own: BSD-3-Clause, CC BY-NC 4.0 (MoCo-v2), GPLv3 (DenseCL), MIT (PixPro)",
        size="0.1 to 0.7 GB each",
        files=(),
    ),
}


def missing_data(params: Params, weight_files: dict[str, str]) -> list[str]:
    """One paragraph for each real data set that the configuration needs and that isn't (wholly) there.

    Args:
        weight_files: source -> file name of the published weights.
    """
    paragraphs = []
    for name in _needed(params):
        if is_generated(params, name):
            continue
        root = getattr(params, name)
        files = DATA_SETS[name].files
        if name == "weights":
            sources = {recipe.source for recipe in params.encoders.values() if recipe.source}
            files = tuple(weight_files[source] for source in sorted(sources))
        found = {pattern: _present(Path(root), pattern) for pattern in files}
        if not all(found.values()):
            paragraphs.append(_describe(name, root, found))
    return paragraphs


def _needed(params: Params) -> list[str]:
    rows = params.encoders.values()
    images = {name for recipe in rows if recipe.images for name in recipe.images.split("+")}
    needed = [name for name in ("coco", "imagenet") if name in images]
    return [*needed, "h36m", *(["weights"] if any(recipe.source for recipe in rows) else [])]


def _present(root: Path, pattern: str) -> bool:
    return any(next(root.glob(alternative), None) is not None for alternative in pattern.split(" or "))


def _describe(name: str, root: str, found: dict[str, bool]) -> str:
    data_set = DATA_SETS[name]
    lines = [f"{name}: {data_set.title} ({data_set.size})"]
    lines += [f"  {'found   ' if there else 'missing '} {root}/{pattern}" for pattern, there in found.items()]
    lines += [f"  from     {data_set.source}", f"  licence  {data_set.licence}"]
    return "\n".join([*lines, f"  or give the folder it is in: --config {name}=FOLDER"])
