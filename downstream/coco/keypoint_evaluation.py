"""COCO's keypoint evaluation for all images at once: the numbers of pycocotools, bit for bit. No torch.

pycocotools compares every result with every person one by one. Here similarities are computed for all pairs. Results
are given to people greedily, the best first: the best result of every image at the same time, then every second one,
at all thresholds and sizes of people at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from downstream.coco.keypoints import OKS_SIGMAS

_MOST = 20
"""Results of an image that count, the best by score."""
_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)
_AREAS = np.array([[0, 1e10], [32**2, 96**2], [96**2, 1e10]])
"""All people, medium and large ones, in square px."""
_NEVER = -1.0  # the similarity of a result that an image doesn't have


@dataclass(frozen=True)
class Truth:
    """G annotated people.

    Attributes:
        images: (G,) int, numbers of their images, whose order decides between equal scores.
        keypoints: (G, 17, 3): px, and above 0 where annotated.
        boxes: (G, 4): x, y, width, height; what lies about those without keypoints.
        areas: (G,) square px.
        crowds: (G,) bool: may be given any number of results.
        ignored: (G,) bool, crowds among them: neither they nor what they are given counts.
    """

    images: np.ndarray
    keypoints: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    crowds: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True)
class Found:
    """D results: ``images`` (D,) as of `Truth`, ``joints`` (D, 17, 2) px, ``scores`` (D,), ``areas`` (D,) square px."""

    images: np.ndarray
    joints: np.ndarray
    scores: np.ndarray
    areas: np.ndarray


def evaluate(truth: Truth, found: Found) -> tuple[list[float], np.ndarray]:
    """COCOeval's ten numbers in its order, -1 where no annotated person is of that size, and the people's best OKS.

    The numbers are shares: AP over OKS 0.5 to 0.95, at 0.5, at 0.75, of medium and of large people; AR likewise. The
    best similarities that any result in the same image has with the N people that aren't ignored are (N,), in the order
    of their images; 0 where there is none.
    """
    truth = _at(truth, np.argsort(truth.images, kind="stable"))
    found = _at(found, np.lexsort((-found.scores, found.images)))
    found = _at(found, np.flatnonzero(_places(found.images) < _MOST))
    firsts = np.searchsorted(truth.images, found.images)
    theirs = np.searchsorted(truth.images, found.images, side="right") - firsts
    rows = np.repeat(np.arange(len(theirs)), theirs)  # pairs of a result and a person of its image
    people = np.repeat(firsts, theirs) + _places(rows)
    similarities = _similarities(truth, found, people, rows)
    best = np.zeros(len(truth.images))
    np.maximum.at(best, people, similarities)

    ignored = truth.ignored[:, None] | _of_other_size(truth.areas)  # (G, 3)
    given, uncounted = _matched(truth, found, ignored, theirs, similarities)
    uncounted |= ~given & _of_other_size(found.areas)[:, :, None]
    order = np.argsort(-found.scores, kind="stable")
    given, uncounted, counts = given[order], uncounted[order], np.count_nonzero(~ignored, axis=0)
    precision, recall = zip(*(_curves(given[:, a], uncounted[:, a], counts[a]) for a in range(3)), strict=True)
    means = [[float(of.mean()) for of in (each[0], each[0][0], each[0][5], *each[1:])] for each in (precision, recall)]
    return [*means[0], *means[1]], best[~truth.ignored]


def _at(of: Truth | Found, rows: np.ndarray) -> Truth | Found:
    return type(of)(**{name: values[rows] for name, values in vars(of).items()})


def _of_other_size(areas: np.ndarray) -> np.ndarray:
    """Whether ``areas`` (N,) are outside each of `_AREAS`, (N, 3)."""
    return (areas[:, None] < _AREAS[:, 0]) | (areas[:, None] > _AREAS[:, 1])


def _places(sorted_values: np.ndarray) -> np.ndarray:
    """The place of each of ``sorted_values`` (N,) among those equal to it, from 0."""
    return np.arange(len(sorted_values)) - np.searchsorted(sorted_values, sorted_values)


def _similarities(truth: Truth, found: Found, people: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """OKS of pairs (P,) of ``people`` and results ``rows``; summed as pycocotools does, over the annotated joints."""
    seen = truth.keypoints[..., 2] > 0
    counts, made = seen.sum(axis=1), np.zeros(len(people))
    for count in np.unique(counts[people]):
        pairs = np.flatnonzero(counts[people] == count)
        who, joints = people[pairs], found.joints[rows[pairs]]
        if count:
            apart = joints - truth.keypoints[who, :, :2]
        else:  # distances from a box of three times the width and height
            corner, size = np.split(truth.boxes[who][:, None], 2, axis=2)
            apart = np.maximum(0, corner - size - joints) + np.maximum(0, joints - (corner + size * 2))
        errors = (apart[..., 0] ** 2 + apart[..., 1] ** 2) / (OKS_SIGMAS * 2) ** 2
        errors = errors / (truth.areas[who, None] + np.spacing(1)) / 2
        if count:
            errors = errors[seen[who]].reshape(len(pairs), count)
        made[pairs] = np.exp(-errors).sum(axis=1) / errors.shape[1]
    return made


def _matched(
    truth: Truth, found: Found, ignored: np.ndarray, theirs: np.ndarray, similarities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which of D results are given a person, and which an ignored one, (D, 3, 10) bool; of all sizes and thresholds.

    ``theirs`` (D,) people are in the image of each result; their ``similarities`` follow each other.
    """
    given, uncounted = np.zeros((2, len(theirs), len(_AREAS), len(_THRESHOLDS)), bool)
    starts, ranks = np.cumsum(theirs) - theirs, _places(found.images)
    for count in np.unique(theirs[theirs > 0]):  # images of as many people
        rows = np.flatnonzero(theirs == count)
        images, place = np.unique(found.images[rows], return_inverse=True)
        people = np.searchsorted(truth.images, images)[:, None] + np.arange(count)  # (I, count)
        each = np.full((len(images), 1 + ranks[rows].max(), count), _NEVER)
        each[place, ranks[rows]] = similarities[starts[rows][:, None] + np.arange(count)]
        steps = _greedy(each, ignored[people].transpose(0, 2, 1), truth.crowds[people])
        given[rows], uncounted[rows] = (np.stack(of, 1)[place, ranks[rows]] for of in zip(*steps, strict=True))
    return given, uncounted


def _greedy(similarities: np.ndarray, ignored: np.ndarray, crowds: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """What the best, the second, ... result of each of I images is given, as `_matched` says: two of (I, 3, 10).

    A result takes the most similar free person that is similar enough, the last of equals, and an ignored one only
    where it can't have another. Arguments: (I, R, G), (I, 3, G), (I, G).
    """
    taken = np.zeros((*ignored.shape[:2], len(_THRESHOLDS), ignored.shape[2]), bool)
    for each in similarities.transpose(1, 0, 2):
        free = (each[:, None] >= _THRESHOLDS[:, None])[:, None] & (~taken | crowds[:, None, None])
        counted = free & ~ignored[:, :, None]
        some = counted.any(axis=3)
        chosen = np.where(np.where(some[..., None], counted, free), each[:, None, None], _NEVER)
        last = chosen.shape[3] - 1 - chosen[..., ::-1].argmax(axis=3)
        given = free.any(axis=3)
        taken |= given[..., None] & (np.arange(chosen.shape[3]) == last[..., None])
        yield given, given & ~some


def _curves(given: np.ndarray, uncounted: np.ndarray, people: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision (10, 101) at each threshold and recall, and the highest recalls (10,), of results (D, 10) by score."""
    thresholds, points = len(_THRESHOLDS), len(_RECALLS)
    if people == 0:
        return np.full((thresholds, points), -1.0), np.full(thresholds, -1.0)
    precision, recall = np.zeros((thresholds, points)), np.zeros(thresholds)
    right, wrong = ((of & ~uncounted).cumsum(axis=0).astype(float).T for of in (given, ~given))
    for n in range(thresholds if given.size else 0):
        shares = right[n] / (wrong[n] + right[n] + np.spacing(1))
        highest = np.maximum.accumulate(shares[::-1])[::-1]
        reached = np.searchsorted(right[n] / people, _RECALLS)
        precision[n, reached < len(highest)] = highest[reached[reached < len(highest)]]
        recall[n] = right[n, -1] / people
    return precision, recall
