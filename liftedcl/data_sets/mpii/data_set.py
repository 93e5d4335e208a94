"""What MPII is, and which of its files are needed."""

from liftedcl.data_sets.description import DataSet, Needs
from liftedcl.data_sets.mpii.files import ANNOTATIONS, GENERATED, SPLITS, TRUTH

DATA_SET = DataSet(
    name="mpii",
    title="MPII Human Pose",
    source="http://human-pose.mpi-inf.mpg.de (pictures; annotations as docs/data/mpii.md says)",
    licence="http://human-pose.mpi-inf.mpg.de (non-commercial research)",
    size="12 GB",
    used_for="table 2; rows that train on `mpii`; people mixed into Human3.6M's in 3D, tables 4, 7, 8 and 9",
    pictures=("images/*.jpg",),
    needs={
        "pretraining": Needs(files=(ANNOTATIONS["train"],)),
        "mpii": Needs(files=(*(ANNOTATIONS[split] for split in SPLITS), TRUTH)),
    },
    generated=GENERATED,
    counts={"people": {"train": 22_246, "valid": 2_958, "trainval": 29_116, "test": 7_247}},
)
