"""The data sets and the body model of human shape, and the files that are needed of them."""

from downstream.pw3d import files
from liftedcl.data_sets.description import DataSet, Needs

DATA_SET = DataSet(
    name="pw3d",
    title="3D shape: 3DPW for testing, six sets for training, the SMPL body model",
    source="https://virtualhumans.mpi-inf.mpg.de/3DPW, https://smpl.is.tue.mpg.de (registration)",
    licence="each its own; SMPL: https://smpl.is.tue.mpg.de/modellicense.html (non-commercial research)",
    size="150 GB with the training sets",
    used_for="table 5",
    pictures=tuple(f"images/{name}" for name in files.ANNOTATIONS),
    needs={"pw3d": Needs(files=(*files.ANNOTATIONS.values(), *files.BODY_FILES))},
    generated=files.GENERATED,
    counts={  # of SPIN's files, from the literature; not counted by this project, since the data are licensed
        "people": {
            files.TEST: 35_515,
            files.H36M: 312_188,
            files.LSP: 1_000,
            files.MPII: 14_810,
            files.COCO: 28_344,
            files.HR_LSPET: 9_428,
            files.MPI_INF_3DHP: 96_507,
        },
    },
)
