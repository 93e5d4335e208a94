"""Ranges of COCO's values, with room to spare: cocodataset.org (data format, keypoints) says what each of them is.

A box is the extent of a person's mask, which is cut to the image; ``area`` is that mask's, so no more than the box's;
only people above 32 x 32 px have labelled keypoints, and these lie in the image.
"""

import numpy as np

from downstream.coco.keypoints import NAMES
from downstream.reading.entries import Entries
from downstream.reading.plausible import Plausible

SIZE = Plausible(1, 100_000, "px")
"""Width and height of an image."""
BOX_EDGE = Plausible(-10, 11, "widths or heights of the image")
"""Where a box begins and ends; detectors' boxes may reach out of their image."""
AREA = Plausible(0.001, 2, "of its box")
"""``area``, where a score depends on it. Tools that have no mask write all of the box, or half of it."""
JOINT = Plausible(-0.25, 1.25, "widths or heights of the image")
"""Where a labelled keypoint is. Tools other than COCO's place hidden ones a little outside."""
SCORE = Plausible(0, 1e6, "")
"""Of a detection. Keypoint confidences multiply it, so that below 0 the surest would come last."""

_DISTINCT = 6
"""So many labelled keypoints don't all lie in one point."""


def judge_people(entries: Entries, columns: dict[str, np.ndarray], sizes: np.ndarray) -> None:
    """Note in ``entries`` which people have values that can't be.

    Args:
        entries: of N people.
        columns: ``bbox`` (N, 4), ``keypoints`` (N, 51), and ``area``, ``iscrowd``, ``num_keypoints`` (N,).
        sizes: width and height of their images (N, 2) px.
    """
    box, area, crowd, count = (columns[key] for key in ("bbox", "area", "iscrowd", "num_keypoints"))
    keypoints = columns["keypoints"].reshape(len(box), len(NAMES), 3)
    labelled = keypoints[..., 2] > 0
    entries.check(np.isin(crowd, (0, 1)), "iscrowd is not 0 or 1")
    entries.check(np.isin(keypoints[..., 2], (0, 1, 2)).all(axis=1), "keypoints: a flag is not 0, 1 or 2")
    judge_boxes(entries, box, sizes)
    entries.check(area >= 0, "area is negative")
    # Crowds, and people without a labelled keypoint, are neither trained on nor scored.
    entries.check((crowd == 1) | (count == labelled.sum(axis=1)), "num_keypoints is not the number of flags above 0")
    counted = (crowd == 0) & labelled.any(axis=1)
    entries.check(~counted | (box[:, 2:] > 0).all(axis=1), "bbox has no width or no height")
    entries.check(~counted | meets(box, sizes), "bbox is outside its image")
    shares = area / ((box[:, 2] + 1) * (box[:, 3] + 1))
    # The masks of the smallest people without keypoints may have no pixel; scores read a crowd's, of any share.
    entries.check((crowd == 0) | (area > 0), "area is 0, of a crowd")
    entries.within("area is", np.where(counted, shares, np.clip(shares, AREA.low, None)), AREA)
    joints = np.where(labelled[..., None], keypoints[..., :2], np.nan)
    entries.within(
        "keypoints: a labelled one is at", np.where(counted[:, None, None], joints / sizes[:, None], np.nan), JOINT
    )
    reach = box[:, None, 2:].max(axis=2, keepdims=True)
    near = (joints >= box[:, None, :2] - reach) & (joints <= box[:, None, :2] + box[:, None, 2:] + reach)
    entries.check(~counted | near.all(axis=2).any(axis=1), "keypoints: all of them are far from bbox")
    points = np.where(labelled[..., None], keypoints[..., :2], -np.inf).max(axis=1)
    same = (~labelled | (keypoints[..., :2] == points[:, None]).all(axis=2)).all(axis=1)
    entries.check(
        ~counted | ~same | (labelled.sum(axis=1) < _DISTINCT), "keypoints: all labelled ones are in one point"
    )


def judge_boxes(entries: Entries, box: np.ndarray, sizes: np.ndarray) -> None:
    """Note boxes (N, 4: x, y, width, height) of negative size, or far beyond their images of ``sizes`` (N, 2) px."""
    entries.check((box[:, 2:] >= 0).all(axis=1), "bbox has a negative width or height")
    edges = np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1) / np.tile(sizes, 2)
    entries.within("bbox begins or ends at", edges, BOX_EDGE)


def meets(box: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(N,) bool: a box (N, 4: x, y, width, height) shares a pixel with its image; its last one is at x + width - 1."""
    last = box[:, :2] + np.maximum(box[:, 2:] - 1, 0)
    return ((box[:, :2] <= sizes - 1) & (last >= 0)).all(axis=1)
