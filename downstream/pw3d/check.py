"""What is there of 3DPW's data set, what is missing, and whether it is the official release."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from downstream.pw3d.body.body_model import body_folder, read_body, read_mean_parameters
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.data_set import DATA_SET
from downstream.pw3d.files import (
    ANNOTATIONS,
    GENDERS,
    MEAN_PARAMETERS,
    REMEDY,
    annotation_path,
    picture_folder,
)
from downstream.pw3d.reader import ShapeSamples, needed_in, read_annotations
from downstream.reading.annotation_entries import check_pictures
from downstream.reading.data_check import Finding, count_finding, tried
from downstream.reading.frames import read_picture
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError

_READ = 16
"""Pictures of each set that are decoded."""


def findings(root: Path) -> Iterator[Finding]:
    """The lines of the report, as they are found."""
    body_path = body_folder(root) / f"{GENDERS[0]}.npz"
    for gender in GENDERS:
        path = body_folder(root) / f"{gender}.npz"
        yield tried(str(path), lambda path=path: f"{len(read_body(path).v_template):,} vertices")
    yield tried(f"{body_folder(root)}/J_regressor_*.npy", lambda: _regressors(root, body_path))
    yield tried(f"{body_folder(root)}/{MEAN_PARAMETERS}", lambda: _mean(root))
    for name in ANNOTATIONS:
        yield from _set_findings(root, name)


def _set_findings(root: Path, name: str) -> Iterator[Finding]:
    path = annotation_path(root, name)
    try:
        samples = read_annotations(path, picture_folder(root, name), needed_in(name))
    except InputError as error:
        yield Finding("broken" if path.is_file() else "missing", str(error))
        return
    yield count_finding(f"{path}: people", len(samples), DATA_SET.counts["people"][name])
    yield tried(f"{samples.folder}: pictures", lambda: _pictures(samples, path))


def _pictures(samples: ShapeSamples, path: Path) -> str:
    check_pictures(samples.folder, samples.names, path, REMEDY)
    chosen, outside = evenly_spread(len(samples), _READ).tolist(), 0
    for number in chosen:
        picture = samples.folder / samples.names[number]
        height, width = read_picture(picture, "copy it again, see docs/data/pw3d.md").shape[:2]
        x, y = samples.centres[number]
        outside += not (0 <= x <= width and 0 <= y <= height)
    # No fault: people at a border may have theirs outside. Most of them outside would be another release's pictures.
    text = f"all {len(set(samples.names)):,} there, {len(chosen)} read"
    return f"{text}; centres of people outside their picture: {outside} of {len(chosen)}"


def _regressors(root: Path, body_path: Path) -> str:
    regressors = read_regressors(root, read_body(body_path))
    sums = np.concatenate([regressors.h36m.sum(axis=1), regressors.extra.sum(axis=1)])
    return f"left and right are right, rows sum to {sums.min():.2f} to {sums.max():.2f}"


def _mean(root: Path) -> str:
    return f"camera {np.round(read_mean_parameters(root).camera, 3).tolist()}"
