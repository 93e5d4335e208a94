"""The files of the shape benchmark: those of the sets of people, as SPIN distributes them, and of the body model."""

from pathlib import Path

TEST = "3dpw_test"
H36M, MPI_INF_3DHP = "h36m_train_protocol1", "mpi_inf_3dhp_train"
LSP, MPII, COCO, HR_LSPET = "lsp_dataset_original_train", "mpii_train", "coco_2014_train", "hr-lspet_train"
IN_THE_WILD = (LSP, MPII, COCO, HR_LSPET)
TRAIN = (H36M, *IN_THE_WILD, MPI_INF_3DHP)
ANNOTATIONS = {name: f"dataset_extras/{name}.npz" for name in (TEST, *TRAIN)}

BODY_FOLDER = "smpl"
GENDERS = ("neutral", "male", "female")
"""The names of the body files, in the order of the numbers that code uses for the genders."""
MEAN_PARAMETERS = "smpl_mean_params.npz"
REGRESSORS = {"h36m": "J_regressor_h36m.npy", "extra": "J_regressor_extra.npy"}
BODY_FILES = tuple(
    f"{BODY_FOLDER}/{name}"
    for name in (*(f"{gender}.npz" for gender in GENDERS), MEAN_PARAMETERS, *REGRESSORS.values())
)
GENERATED = (*ANNOTATIONS.values(), *BODY_FILES)
"""The files that synthetic/ writes last: where they are, the generated data are complete."""

REMEDY = "docs/data/pw3d.md says where it comes from, or name the right folder with --config pw3d=FOLDER"


def annotation_path(root: str | Path, name: str) -> Path:
    """The annotation file of the set ``name``."""
    return Path(root) / ANNOTATIONS[name]


def picture_folder(root: str | Path, name: str) -> Path:
    """The folder that ``imgname`` of the set ``name`` is relative to."""
    return Path(root) / "images" / name
