"""``python -m downstream.pw3d check``: which files are there, and whether they are those of the official release."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from downstream.pw3d.body.body_model import body_folder, read_body, read_mean_parameters
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.data_set import DATA_SET
from downstream.pw3d.files import (
    ANNOTATIONS,
    GENDERS,
    MEAN_PARAMETERS,
    annotation_path,
    picture_folder,
)
from downstream.pw3d.reader import ShapeSamples, check_images, examine, needed_by
from downstream.reading.data_check import Finding, count_finding, problem, tried
from downstream.reading.entries import Entries
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
            samples, entries = examine(path, picture_folder(root, name), needed_by(name))
        except InputError as error:
            yield problem(error)
            continue
        try:
            entries.finish()
        except InputError as error:
            yield problem(error)
        yield count_finding(f"{path}: people", len(samples), DATA_SET.counts["people"][name])
        yield tried(f"{samples.folder}: images", partial(_images, samples, entries))


def _images(samples: ShapeSamples, entries: Entries) -> str:
    check_images(samples, entries)
    chosen, sizes = entries.decoded_sizes(samples.folder, _IMAGES_READ)
    entries.finish()
    centres = samples.centres[chosen]
    outside = int(((centres < 0) | (centres > sizes)).any(axis=1).sum())
    # Not an error: people at a border may have theirs outside. When many are, `check_images` says so.
    text = f"all {len(set(samples.names)):,} there, {len(chosen)} read"
    return f"{text}; centres of people outside their image: {outside} of {len(chosen)}"


def _regressors(root: Path, body_path: Path) -> str:
    regressors = read_regressors(root, read_body(body_path))
    sums = np.concatenate([regressors.h36m.sum(axis=1), regressors.extra.sum(axis=1)])
    return f"left and right are right, rows sum to {sums.min():.2f} to {sums.max():.2f}"
