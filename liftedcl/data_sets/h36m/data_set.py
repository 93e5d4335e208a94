"""The description of Human3.6M."""

from liftedcl.data_sets.description import DataSet, Needs
from liftedcl.data_sets.h36m.files import GENERATED, JOINTS, POSES
from liftedcl.data_sets.h36m.parsing_files import PARSING, PARSING_LABELS, PARSING_PICTURES

_VIEWS = "s_*_act_*_subact_*_ca_*"
_FRAMES = f"images/{_VIEWS}/*.jpg"

DATA_SET = DataSet(
    name="h36m",
    title="Human3.6M, frames and annotation files",
    source="http://vision.imar.ro/human3.6m (registration)",
    licence="http://vision.imar.ro/human3.6m/eula.php",
    size="80 GB as frames",
    used_for="tables 3, 4 and hcmoco; rows that train on `h36m`",
    needs={
        "pretraining": Needs(files=(POSES["train"],), pictures=(_FRAMES,)),
        "h36m_2d": Needs(files=tuple(JOINTS.values()), pictures=(_FRAMES,)),
        "h36m_3d": Needs(files=tuple(POSES.values()), pictures=(_FRAMES,)),
        "h36m_parsing": Needs(
            files=tuple(PARSING.values()),
            pictures=(f"{PARSING_PICTURES}/{_VIEWS}/*.jpg or {_FRAMES}", f"{PARSING_LABELS}/{_VIEWS}/*.png"),
        ),
    },
    generated=(*GENERATED, *PARSING.values()),
    counts={
        # Of Li et al.; without the sequences of S9 that they left out.
        "samples for 3D pose": {"train": (312_188, 312_188), "test": (8_500, 8_900)},
        # With the strides of the paper's recipe, which states about 63K, and 8.6K to 9K.
        "frames for 2D pose": {"train": (62_000, 64_000), "test": (8_500, 9_000)},
        # HCMoCo's lists of every 25th frame.
        "frames for parsing": {"train": (62_668, 62_668), "test": (22_144, 22_144)},
    },
)
