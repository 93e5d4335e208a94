"""``python -m downstream.pw3d check``: which files are there, and whether they are those of the official release."""

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
    TEST,
    annotation_path,
    picture_folder,
)
from downstream.pw3d.reader import TRUTH, ShapeSamples, read_annotations
from downstream.reading.annotation_entries import check_pictures
from downstream.reading.data_check import Finding, count_finding, problem, tried
from downstream.reading.frames import read_picture
from liftedcl.files.evenly_spread import evenly_spread
from liftedcl.identity.errors import InputError

_IMAGES_READ = 16
"""Of each set."""


def findings(root: Path) -> Iterator[Finding]:
    """Findings about the body model, and then about each set of annotations and its images; one finding a line."""
    folder = body_folder(root)
    neutral = folder / f"{GENDERS[0]}.npz"
    for gender in GENDERS:
        path = folder / f"{gender}.npz"
        yield tried(str(path), lambda path=path: f"{len(read_body(path).v_template):,} vertices")
    yield tried(f"{folder}/J_regressor_*.npy", lambda: _regressors(root, neutral))
    mean = f"{folder}/{MEAN_PARAMETERS}"
    yield tried(mean, lambda: f"camera {np.round(read_mean_parameters(root).camera, 3).tolist()}")
    for name in ANNOTATIONS:
        path = annotation_path(root, name)
        try:
            samples = read_annotations(path, picture_folder(root, name), TRUTH if name == TEST else ())
        except InputError as error:
            yield problem(error)
            continue
        yield count_finding(f"{path}: people", len(samples), DATA_SET.counts["people"][name])
        yield tried(f"{samples.folder}: images", lambda samples=samples, path=path: _images(samples, path))


def _images(samples: ShapeSamples, path: Path) -> str:
    check_pictures(samples.folder, samples.names, path, REMEDY)
    chosen, outside = evenly_spread(len(samples), _IMAGES_READ).tolist(), 0
    for number in chosen:
        path = samples.folder / samples.names[number]
        height, width = read_picture(path, "copy it again, see docs/data/pw3d.md").shape[:2]
        x, y = samples.centres[number]
        outside += not (0 <= x <= width and 0 <= y <= height)
    # Not an error: people at a border may have theirs outside. When most are, the images are of another release.
    text = f"all {len(set(samples.names)):,} there, {len(chosen)} read"
    return f"{text}; centres of people outside their image: {outside} of {len(chosen)}"


def _regressors(root: Path, body_path: Path) -> str:
    regressors = read_regressors(root, read_body(body_path))
    sums = np.concatenate([regressors.h36m.sum(axis=1), regressors.extra.sum(axis=1)])
    return f"left and right are right, rows sum to {sums.min():.2f} to {sums.max():.2f}"
