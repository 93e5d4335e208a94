"""What is there of 3DPW's data set, what is missing, and whether it is the official release."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from downstream.data_check import Finding, count_finding, tried
from downstream.pw3d.body_model import GENDERS, body_folder, read_body, read_mean_parameters, read_regressors
from downstream.pw3d.reader import TEST, TRAIN, annotation_path, picture_folder, read_annotations, read_shape_split
from liftedcl.errors import InputError
from liftedcl.image_files import BrokenImageError, read_image

OFFICIAL_SIZES = {
    TEST: 35_515,
    "h36m_train_protocol1": 312_188,
    "lsp_dataset_original_train": 1_000,
    "mpii_train": 14_810,
    "coco_2014_train": 28_344,
    "hr-lspet_train": 9_428,
    "mpi_inf_3dhp_train": 96_507,
}
"""People in SPIN's files: figures of the literature, not counted by this project; the data is licensed."""


def findings(root: Path) -> Iterator[Finding]:
    """The lines of the report, as they are found."""
    body_path = body_folder(root) / f"{GENDERS[0]}.npz"
    for gender in GENDERS:
        path = body_folder(root) / f"{gender}.npz"
        yield tried(str(path), lambda path=path: f"{len(read_body(path).v_template):,} vertices")
    yield tried(f"{body_folder(root)}/J_regressor_*.npy", lambda: _regressors(root, body_path))
    yield tried(f"{body_folder(root)}/smpl_mean_params.npz", lambda: _mean(root))
    for name in (TEST, *TRAIN):
        yield from _set_findings(root, name)


def _set_findings(root: Path, name: str) -> Iterator[Finding]:
    path = annotation_path(root, name)
    try:
        samples = read_annotations(path, picture_folder(root, name))
    except InputError as error:
        yield Finding("broken" if path.is_file() else "missing", str(error))
        return
    yield count_finding(f"{path}: people", len(samples), OFFICIAL_SIZES[name])
    yield tried(f"{samples.folder}: pictures", lambda: _pictures(root, name))


def _pictures(root: Path, name: str) -> str:
    samples = read_shape_split(root, name)
    number = len(samples) // 2
    path = samples.folder / samples.names[number]
    try:
        height, width = read_image(path).shape[:2]
    except BrokenImageError as error:
        raise InputError(f"{path}: {error}; copy it again, see docs/data/pw3d.md") from None
    inside = (samples.centres[number] >= 0).all() and (samples.centres[number] <= (width, height)).all()
    if not inside:
        raise InputError(
            f"{path}: sample {number}: its person's centre is outside the {width}x{height} picture; annotations and "
            "pictures are of different releases, see docs/data/pw3d.md"
        )
    return f"all {len(set(samples.names)):,} there, one of {width}x{height} px read"


def _regressors(root: Path, body_path: Path) -> str:
    regressors = read_regressors(root, read_body(body_path))
    sums = np.concatenate([regressors.h36m.sum(axis=1), regressors.extra.sum(axis=1)])
    return f"left and right are right, rows sum to {sums.min():.2f} to {sums.max():.2f}"


def _mean(root: Path) -> str:
    return f"camera {np.round(read_mean_parameters(root).camera, 3).tolist()}"
