"""A Human3.6M of three takes as its makers distribute it: metadata.xml, CDF pose files and videos.

Each picture is as bright as its frame's number says. S9's takes are named as in another release than metadata.xml's.
"""

from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
SIDE, FRAMES = 128, 41
TAKES = {
    (1, 2, 1): "Directions 1",
    (1, 2, 2): "Directions",
    (9, 12, 1): "TakingPhoto 1",
}
FILE_NAMES = {**TAKES, (9, 12, 1): "Photo 1"}
F, C = np.array([145.0, 143.0]), np.array([63.0, 66.0])
K, P = np.array([-0.2, 0.24, -0.002]), np.array([-0.0014, -0.001])
BRIGHTNESS = 4


def orientation(subject: int, camera: int) -> tuple[np.ndarray, np.ndarray]:
    """Euler angles and position of a camera that looks at the middle of the hall from ``camera`` quarters around."""
    turn = Rotation.from_euler("z", 90 * camera + 7 * subject + 20, degrees=True)
    position = turn.apply([0.0, -5000.0, 1600.0])
    forward = np.array([0, 0, 900.0]) - position
    z = forward / np.linalg.norm(forward)
    x = np.cross(z, [0, 0, 1.0])
    x /= np.linalg.norm(x)
    return Rotation.from_matrix([x, np.cross(z, x), z]).as_euler("XYZ"), position


def world_poses(take: tuple[int, int, int]) -> np.ndarray:
    """Poses (F, 32, 3) in mm."""
    rng = np.random.default_rng(take)
    pose = rng.normal(0, 1, (32, 3)) * [180, 180, 350] + [0, 0, 900]
    return pose + np.linspace(0, 300, FRAMES)[:, None, None] * [1.0, 0.5, 0.0]


def pixels(world: np.ndarray, subject: int, camera: int) -> np.ndarray:
    """Picture positions (F, 32, 2) through the lens, written out term by term."""
    angles, position = orientation(subject, camera)
    seen = (world - position) @ Rotation.from_euler("XYZ", angles).as_matrix().T
    x, y = seen[..., 0] / seen[..., 2], seen[..., 1] / seen[..., 2]
    r2 = x * x + y * y
    factor = 1 + K[0] * r2 + K[1] * r2**2 + K[2] * r2**3 + P[0] * y + P[1] * x
    return np.stack([(x * factor + P[1] * r2) * F[0] + C[0], (y * factor + P[0] * r2) * F[1] + C[1]], axis=-1)


def write_tiny_official(root: Path) -> Path:
    """Write the distribution below ``root``; returns ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "metadata.xml").write_text(_metadata())
    for (subject, *rest), name in FILE_NAMES.items():
        folder = root / f"S{subject}"
        world = world_poses((subject, *rest))
        write_cdf(folder / "MyPoseFeatures" / "D3_Positions" / f"{name}.cdf", world)
        for camera, number in enumerate(CAMERAS):
            write_cdf(
                folder / "MyPoseFeatures" / "D2_Positions" / f"{name}.{number}.cdf", pixels(world, subject, camera)
            )
            write_video(folder / "Videos" / f"{name}.{number}.mp4", FRAMES + 2)
    return root


def write_cdf(path: Path, poses: np.ndarray) -> None:
    """Variable ``Pose`` (1, F, 32 * D), float32 as in the distribution."""
    import cdflib.cdfwrite  # tests skip where it isn't installed

    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    values = poses.reshape(1, len(poses), -1).astype(np.float32)
    file = cdflib.cdfwrite.CDF(path)
    spec = {"Variable": "Pose", "Data_Type": 21, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": values.shape[1:]}
    file.write_var(spec, var_data=values)
    file.close()


def write_video(path: Path, frames: int) -> None:
    """A 50 Hz video whose frame n is BRIGHTNESS * (n + 1) bright."""
    path.parent.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 50, (SIDE, SIDE))
    for n in range(frames):
        video.write(np.full((SIDE, SIDE, 3), BRIGHTNESS * (n + 1), np.uint8))
    video.release()


def _metadata() -> str:
    subjects = sorted({subject for subject, *_ in TAKES})
    rows = [["", ""] + [f"S{subject}" for subject in subjects]]
    for action, subaction in [(1, 1), *sorted({take[1:] for take in TAKES})]:
        rows.append(
            [str(action), str(subaction)] + [TAKES.get((subject, action, subaction), "") for subject in subjects]
        )
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    outside = [np.concatenate(orientation(subject, camera)) for camera in range(4) for subject in range(1, 12)]
    inside = [np.concatenate([F, C, K, P])] * 4
    w0 = " ".join(f"{number:.12g}" for number in np.concatenate(outside + inside))
    return f"<metadata><mapping>{cells}</mapping><w0>[{w0}]</w0></metadata>"
