"""People of an NTU RGB+D folder, for pre-training: in which frames they are, and where their joints are.

As in HCMoCo's published code, the first body of a frame is its person, and colour is aligned to depth by one homography
for each setup and camera, found robustly from where the joints are in both. Joints are not in one plane, so this is
exact for none of them; `Alignment` says by how much it is off.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from liftedcl.data_sets.ntu.files import REMEDY, Tag, read_tags, skeleton_path
from liftedcl.data_sets.ntu.skeleton_file import read_skeletons
from liftedcl.files.image_header import BrokenImageError, require_no_pipe
from liftedcl.identity.errors import InputError
from liftedcl.skeletons.common_joints import FROM_KINECT

_FEWEST_POINTS = 8  # four decide a homography; more can contradict it
_FARTHEST_PX = 1e5  # the sensor wrote NaN and infinite numbers at times
_TOLERANCE = 0.008  # of the depth map's extent of joints: 4 px of 512
_LEAST_AGREEING = 0.5


@dataclass(frozen=True)
class Recording:
    """The frames of a recording with a person, F of them.

    ``frames`` (F,) int count from 0; ``depth_px`` and ``colour_px`` (F, 25, 2), ``depths`` (F, 25) in metres, and
    ``tracked`` (F, 25) bool: the sensor says where the joint is, or guesses it, in numbers that are finite.
    """

    tag: Tag
    length: int
    frames: np.ndarray
    depth_px: np.ndarray
    colour_px: np.ndarray
    depths: np.ndarray
    tracked: np.ndarray


@dataclass(frozen=True)
class Alignment:
    """``matrix`` (3, 3) takes colour pixels to depth pixels; the ``share`` of the joints that agree with it, and the
    median distance of those to where they are in depth, in px."""

    matrix: np.ndarray
    share: float
    median_px: float


def read_recording(root: str | Path, tag: Tag, stride: int) -> Recording:
    """Every ``stride``-th frame of a recording, where it has a body with two tracked joints of the common ones.

    Raises:
        InputError: the skeletons are missing or damaged.
    """
    bodies = read_skeletons(skeleton_path(root, tag))
    kept = [(frame, bodies[frame][0]) for frame in range(0, len(bodies), stride) if bodies[frame]]
    both = np.array([np.concatenate([body.depth_px, body.colour_px], axis=1) for _, body in kept]).reshape(-1, 25, 4)
    depths = np.array([body.places[:, 2] for _, body in kept]).reshape(-1, 25)
    states = np.array([body.states for _, body in kept]).reshape(-1, 25)
    with np.errstate(invalid="ignore"):
        tracked = (states > 0) & (np.abs(both) < _FARTHEST_PX).all(axis=2) & np.isfinite(depths)
    shown = tracked[:, FROM_KINECT].sum(axis=1) >= 2
    frames = np.array([frame for frame, _ in kept], np.int64)
    parts = (frames, both[..., :2], both[..., 2:], depths, tracked)
    return Recording(tag, len(bodies), *(part[shown] for part in parts))


def read_recordings(root: str | Path, stride: int) -> list[Recording]:
    """The listed recordings in which somebody is seen.

    Raises:
        InputError: the list or skeletons are missing or damaged, or nobody is seen in any.
    """
    found = [read_recording(root, tag, stride) for tag in read_tags(root)]
    found = [recording for recording in found if len(recording.frames)]
    if not found:
        raise InputError(f"{root}: no listed recording shows a body; {REMEDY}")
    return found


def alignments(root: str | Path, recordings: list[Recording]) -> dict[tuple[int, int], Alignment]:
    """The homography of each setup and camera, from all of its joints.

    Raises:
        InputError: a camera has too few joints, or they agree on no homography.
    """
    cameras: dict[tuple[int, int], list[Recording]] = {}
    for recording in recordings:
        cameras.setdefault(recording.tag[:2], []).append(recording)
    return {camera: _alignment(root, camera, parts) for camera, parts in sorted(cameras.items())}


def read_depth(path: Path) -> np.ndarray:
    """A depth map (H, W) uint16 in millimetres, 0 where nothing was measured.

    Raises:
        BrokenImageError: the file is missing, damaged or another kind of image.
    """
    require_no_pipe(path)
    try:
        depth = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        depth = None
    if depth is None or depth.ndim != 2 or depth.dtype != np.uint16:
        raise BrokenImageError(path, "missing, damaged or no 16-bit grey PNG")
    return depth


def _alignment(root: str | Path, camera: tuple[int, int], recordings: list[Recording]) -> Alignment:
    colour, depth = (
        np.concatenate([getattr(part, name)[part.tracked] for part in recordings]) for name in ("colour_px", "depth_px")
    )
    name = "{}: setup {}, camera {}".format(root, *camera)
    if len(colour) < _FEWEST_POINTS:
        raise InputError(f"{name}: {len(colour)} joints are too few to align colour with depth; {REMEDY}")
    tolerance = _TOLERANCE * float(np.ptp(depth, axis=0).max())
    cv2.setRNGSeed(0)  # the samples of RANSAC, so that the same joints always give the same matrix
    matrix, agreeing = cv2.findHomography(colour, depth, cv2.RANSAC, tolerance)
    chosen = agreeing.ravel() > 0 if matrix is not None else np.zeros(len(colour), bool)
    if chosen.mean() < _LEAST_AGREEING:
        raise InputError(
            f"{name}: {chosen.mean():.0%} of the joints agree on how colour lies over depth; the skeletons are "
            f"damaged or of another recording; {REMEDY}"
        )
    moved = cv2.perspectiveTransform(colour[None], matrix)[0]
    distances = np.linalg.norm(moved - depth, axis=1)[chosen]
    return Alignment(matrix, float(chosen.mean()), float(np.median(distances)))
