"""A tiny NTU RGB+D: recordings of two frames, colour twice as fine as depth and shifted, one body that walks."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from liftedcl.data_sets.ntu.files import LIST, Tag, depth_path, skeleton_path, video_path
from liftedcl.data_sets.ntu.skeleton_file import JOINTS, Body, skeleton_text

TAGS = (Tag(1, 1, 1, 1, 1), Tag(1, 2, 1, 1, 1))
DEPTH_SIZE, COLOUR_SIZE = (40, 48), (88, 104)  # height, width
DEPTH_MM, SHIFT_PX = 2500, np.array([5.0, 3.0])
FRAMES = 2


def body_of(tag: Tag, frame: int) -> Body:
    rng = np.random.default_rng([*tag, frame])
    depth_px = rng.uniform((12, 6), (34, 34), (len(JOINTS), 2))
    places = np.concatenate([depth_px / 100, np.full((len(JOINTS), 1), DEPTH_MM / 1000)], axis=1)
    return Body(72057594037931101, places, depth_px, 2 * depth_px + SHIFT_PX, np.full(len(JOINTS), 2))


def write_tiny_ntu(root: Path, tags: Sequence[Tag] = TAGS) -> None:
    """Every joint is a white dot in the colour frames; depth is the same around all joints, and a hole elsewhere."""
    for tag in tags:
        video, skeletons = video_path(root, tag), skeleton_path(root, tag)
        for path in (video, skeletons, depth_path(root, tag, 0)):
            path.parent.mkdir(parents=True, exist_ok=True)
        encoding = (cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), 30.0, COLOUR_SIZE[::-1])
        writer, frames = cv2.VideoWriter(str(video), *encoding), []
        for frame in range(FRAMES):
            body = body_of(tag, frame)
            colour, depth = np.zeros((*COLOUR_SIZE, 3), np.uint8), np.zeros(DEPTH_SIZE, np.uint16)
            for place in np.round(body.colour_px).astype(int).tolist():
                cv2.circle(colour, place, 3, (255, 255, 255), cv2.FILLED)
            for x, y in np.round(body.depth_px).astype(int).tolist():
                depth[y - 1 : y + 2, x - 1 : x + 2] = DEPTH_MM
            writer.write(colour)
            depth_path(root, tag, frame).write_bytes(cv2.imencode(".png", depth)[1].tobytes())
            frames.append([body])
        writer.release()
        skeletons.write_text(skeleton_text(frames))
    (root / LIST).write_text("# made by a test\n" + "".join(f"some/folder/{tag}.skeleton\n" for tag in tags))
