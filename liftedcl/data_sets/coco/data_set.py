"""The description of COCO."""

from liftedcl.data_sets.coco.files import DETECTIONS, GENERATED, PEOPLE, PICTURES
from liftedcl.data_sets.description import DataSet, Needs
from liftedcl.files.image_listing import ANY_IMAGE


def _either_folder(first: str, second: str) -> str:
    return f"{first}/{ANY_IMAGE} or {second}/{ANY_IMAGE}"


DATA_SET = DataSet(
    name="coco",
    title="COCO 2017, pictures, keypoint annotations, person detections",
    source="https://cocodataset.org/#download (train2017.zip, val2017.zip, annotations_trainval2017.zip)",
    licence="https://cocodataset.org/#termsofuse",
    size="20 GB",
    used_for="person crops (stage II), table 1",
    pictures=(_either_folder(*PICTURES["train"]),),
    needs={
        "pretraining": Needs(files=(PEOPLE["train"],)),
        "coco": Needs(
            files=tuple(PEOPLE.values()),
            optional=(DETECTIONS,),
            pictures=(_either_folder(*PICTURES["val"]),),
        ),
    },
    generated=GENERATED,
    counts={
        "pictures": {"train": 118_287, "val": 5_000},
        "people": {"train": 262_465, "val": 11_004},
        "people with keypoints that are no crowd": {"train": 149_813, "val": 6_352},
        "detections": {"val": 104_125},
    },
)
