"""The description of NTU RGB+D."""

from liftedcl.data_sets.description import DataSet, Needs
from liftedcl.data_sets.ntu.files import GENERATED, LIST

DATA_SET = DataSet(
    name="ntu",
    title="NTU RGB+D 60, colour videos, masked depth maps, skeletons",
    source="https://rose1.ntu.edu.sg/dataset/actionRecognition (registration)",
    licence="https://rose1.ntu.edu.sg/dataset/actionRecognition (academic research)",
    size="220 GB",
    used_for="rows that train on `ntu`: colour, depth and joints",
    pictures=("nturgb+d_depth_masked/S*C*P*R*A*/*.png",),
    needs={"pretraining": Needs(files=(LIST,))},
    generated=GENERATED,
    counts={"recordings": {"train": (56_578, 56_880)}},  # 302 of the 56,880 have no skeletons
)
