"""The text files of NTU RGB+D's skeletons: how many frames, of each its bodies, of each body a line and 25 joints.

The joints are the Kinect's. Its pictures are mirrored, so what it calls left is where a plain picture shows the right.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liftedcl.data_sets.ntu.files import REMEDY
from liftedcl.files.atomic import require_file
from liftedcl.identity.errors import InputError

JOINTS = (
    "spine_base", "spine_mid", "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "left_hand",
    "right_shoulder", "right_elbow", "right_wrist", "right_hand", "left_hip", "left_knee", "left_ankle", "left_foot",
    "right_hip", "right_knee", "right_ankle", "right_foot", "spine_shoulder", "left_hand_tip", "left_thumb",
    "right_hand_tip", "right_thumb",
)  # fmt: skip

_BODY_VALUES, _JOINT_VALUES = 10, 12
_MOST_FRAMES = 10_000  # of a recording of some seconds; a damaged number must not fill the memory


@dataclass(frozen=True)
class Body:
    """One body of one frame.

    ``places`` (25, 3) in metres in the depth camera's frame, ``depth_px`` and ``colour_px`` (25, 2) where the joints
    are in the depth map and in the colour frame, ``states`` (25,) int: 0 not tracked, 1 inferred, 2 tracked.
    """

    number: int
    places: np.ndarray
    depth_px: np.ndarray
    colour_px: np.ndarray
    states: np.ndarray


def read_skeletons(path: Path) -> list[list[Body]]:
    """The bodies of each frame of a recording. Coordinates may be NaN, which the sensor wrote at times.

    Raises:
        InputError: the file is missing or damaged; the message names the line.
    """
    require_file(path, REMEDY)
    lines = _Lines(path)
    frames = []
    for _ in range(lines.count("frames", _MOST_FRAMES)):
        bodies = []
        for _ in range(lines.count("bodies", 100)):
            number = lines.values(_BODY_VALUES)[0]
            if lines.count("joints", 100) != len(JOINTS):
                raise lines.fault(f"a body has {len(JOINTS)} joints")
            joints = np.array([lines.values(_JOINT_VALUES) for _ in JOINTS])
            states = joints[:, 11]
            if not np.isin(states, (0, 1, 2)).all():
                raise lines.fault("a joint before it has a state that is none of 0, 1, 2")
            bodies.append(
                Body(int(number), joints[:, :3], joints[:, 3:5], joints[:, 5:7], joints[:, 11].astype(np.int64))
            )
        frames.append(bodies)
    lines.end()
    return frames


def skeleton_text(frames: list[list[Body]]) -> str:
    """The content of a file of these frames; hands, lean and orientations, which are not read, are 0."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body in bodies:
            lines += [f"{body.number} 0 0 0 0 0 0 0 0 2", str(len(JOINTS))]
            values = np.concatenate([body.places, body.depth_px, body.colour_px], axis=1)
            for row, state in zip(values, body.states, strict=True):
                lines.append(" ".join([*(f"{value:.6g}" for value in row), "0 0 0 0", str(state)]))
    return "\n".join([*lines, ""])


class _Lines:
    """The lines of a file, read one by one."""

    def __init__(self, path: Path):
        self._path, self._at = path, 0
        try:
            self._lines = path.read_text(encoding="ascii").splitlines()
        except UnicodeDecodeError:
            raise InputError(f"{path}: is no text; get it again ({REMEDY})") from None

    def fault(self, rule: str) -> InputError:
        return InputError(f"{self._path}: line {self._at}: {rule}; get the file again ({REMEDY})")

    def values(self, count: int) -> list[float]:
        if self._at == len(self._lines):
            raise self.fault("the file ends too early")
        self._at += 1
        try:
            found = [float(word) for word in self._lines[self._at - 1].split()]
        except ValueError:
            raise self.fault("holds what is no number") from None
        if len(found) != count:
            raise self.fault(f"has {len(found)} numbers, not {count}")
        if not np.isfinite(found[0]) and count == _BODY_VALUES:
            raise self.fault("the number of a body is not finite")
        return found

    def count(self, what: str, most: int) -> int:
        value = self.values(1)[0]
        if not (0 <= value <= most and value == int(value)):
            raise self.fault(f"{value:g} is no number of {what}")
        return int(value)

    def end(self) -> None:
        if any(line.strip() for line in self._lines[self._at :]):
            raise self.fault("the file goes on behind its last frame")
