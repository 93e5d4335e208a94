"""The description of Human3.6M."""

from liftedcl.data_sets.description import DataSet, Needs
from liftedcl.data_sets.h36m.files import GENERATED, JOINTS, POSES

DATA_SET = DataSet(
    name="h36m",
    title="Human3.6M, frames and annotation files",
    source="http://vision.imar.ro/human3.6m (registration)",
    licence="http://vision.imar.ro/human3.6m/eula.php",
    size="80 GB as frames",
    used_for="tables 3 and 4; rows that train on `h36m`",
    pictures=("images/s_*_act_*_subact_*_ca_*/*.jpg",),
    needs={
        "pretraining": Needs(files=(POSES["train"],)),
        "h36m_2d": Needs(files=tuple(JOINTS.values())),
        "h36m_3d": Needs(files=tuple(POSES.values())),
    },
    generated=GENERATED,
    counts={
        # Of Li et al.; without the sequences of S9 that they left out.
        "samples for 3D pose": {"train": (312_188, 312_188), "test": (8_500, 8_900)},
        # With the strides of the paper's recipe, which states about 63K, and 8.6K to 9K.
        "frames for 2D pose": {"train": (62_000, 64_000), "test": (8_500, 9_000)},
    },
)
