"""A sequence of 3DPW as its makers distribute it, in small."""

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation


def sequence(rng: np.random.Generator, *, frames: int = 6, people: int = 2) -> dict[str, Any]:
    """A 3DPW sequence: the second person isn't valid in frames 1 and 4 and has no 2D joint in frame 2."""
    poses2d = rng.uniform(100, 900, (people, frames, 3, 18))
    poses2d[:, :, 2] = rng.random((people, frames, 18)) < 0.6
    poses2d[:, :, 2, 0] = 1
    poses2d[:, :, :2] *= poses2d[:, :, 2:]  # undetected joints are zeros, which the box must not take in
    poses2d[1, 2, 2] = 0
    valid = np.ones((people, frames), dtype=int)
    valid[1, [1, 4]] = 0
    cameras = np.tile(np.eye(4), (frames, 1, 1))
    cameras[:, :3, :3] = Rotation.random(frames, random_state=1).as_matrix()
    return {
        "sequence": "downtown_walk_00",
        "poses": [rng.normal(0, 0.5, (frames, 72)) for _ in range(people)],
        "betas": [rng.normal(0, 1, 10) for _ in range(people)],
        "genders": ["m", "f"],
        "poses2d": list(poses2d),
        "campose_valid": list(valid),
        "cam_poses": cameras,
        "cam_intrinsics": np.eye(3),
        "img_frame_ids": np.arange(frames),
    }
