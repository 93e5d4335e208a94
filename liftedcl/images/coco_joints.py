"""The labelled joints of COCO's training people, for pre-training."""

from pathlib import Path

import numpy as np

from liftedcl.data_sets.coco.entries import number, whole
from liftedcl.data_sets.coco.files import REMEDY, annotation_path
from liftedcl.files.atomic import read_json
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.common_joints import FROM_COCO

_KEYPOINTS = 17


def read_coco_joints(root: str | Path) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Annotation ids (N), joints (N, 13, 2) in px, and which are labelled (N, 13), of the people with keypoints.

    Raises:
        InputError: the annotations are missing or damaged; the message names the first entry that is wrong.
    """
    path = annotation_path(root, "train")
    content = read_json(path, REMEDY)
    entries = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise InputError(f"{path}: not in COCO's format (no list of annotations); {REMEDY}")
    ids, values = [], []
    for place, entry in enumerate(entries):
        try:
            if "keypoints" not in entry:
                continue
            found = np.array([number(value, "keypoints") for value in entry["keypoints"]])
            if found.shape != (3 * _KEYPOINTS,) or not np.isfinite(found).all():
                raise ValueError(f"keypoints: not {3 * _KEYPOINTS} finite numbers")
            ids.append(whole(entry["id"], "id"))
            values.append(found)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{path}: annotations[{place}]: not in COCO's format ({error}); {REMEDY}") from None
    if not ids:
        raise InputError(f"{path}: no person has keypoints; {REMEDY}")
    keypoints = np.stack(values).reshape(-1, _KEYPOINTS, 3)[:, FROM_COCO]
    return ids, keypoints[..., :2], keypoints[..., 2] > 0
