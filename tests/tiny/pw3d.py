"""A shape data set of a few noise pictures in SPIN's on-disk format, with a body of 96 vertices.

The body has a tetrahedron about each joint of a standing person, which moves with that joint. Its first shape parameter
scales it; the male body is larger than the neutral one by 5%, the female smaller. People stand upright, turned about
the vertical, joints bent a little; a white dot marks each picture's right wrist.
"""

from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from downstream.pw3d.body.body_model import PARENTS, TRAINING_LANDMARKS, body_from_arrays
from downstream.pw3d.body.skinning import pose_body
from downstream.pw3d.reader import TEST, TRAIN, annotation_path, picture_folder
from downstream.pw3d.recipe import PW3D, ShapeAugmentation, ShapeLoss

RECIPE = PW3D(
    epochs=3,
    batch_size=6,
    later_batch_sizes=(4, 3),
    half_epochs=0,
    learning_rate=1e-3,
    input_size=48,
    low_resolutions=((24, 48), (12, 24)),
    low_test_size=16,
    focal_length=5000.0,
    gradient_clip=None,
    iterations=2,
    width=32,
    dropout=0.5,
    embedding_width=16,
    embedding=8,
    loss=ShapeLoss(
        keypoints_2d=5.0,
        keypoints_3d=5.0,
        rotations=1.0,
        betas=1e-3,
        camera=1e-4,
        consistency=0.25,
        contrast=0.1,
        ramp_epochs=3.0,
        total=60.0,
        temperature=0.1,
        queue=40,
        negatives=20,
    ),
    augmentation=ShapeAugmentation(flip=0.5, channel_gain=(0.6, 1.4), jitter=0.4, jitter_probability=0.5),
)


SIDE = 96
FOCAL = 180.0
DISTANCE = 4.0
DOTTED = 6  # right wrist, of the training joints
SIZES = dict(zip(TRAIN, (12, 3, 4, 6, 3, 5), strict=True))
WITHOUT_SMPL = ("hr-lspet_train", "mpi_inf_3dhp_train")

_REST = np.array(
    [
        (0.0, 0.95, 0.0), (0.09, 0.9, 0.0), (-0.09, 0.9, 0.0), (0.0, 1.05, 0.0), (0.1, 0.5, 0.0), (-0.1, 0.5, 0.0),
        (0.0, 1.18, 0.0), (0.1, 0.08, 0.0), (-0.1, 0.08, 0.0), (0.0, 1.24, 0.0), (0.11, 0.02, 0.13),
        (-0.11, 0.02, 0.13), (0.0, 1.45, 0.0), (0.08, 1.38, 0.0), (-0.08, 1.38, 0.0), (0.0, 1.55, 0.02),
        (0.18, 1.4, 0.0), (-0.18, 1.4, 0.0), (0.44, 1.4, 0.0), (-0.44, 1.4, 0.0), (0.69, 1.4, 0.0), (-0.69, 1.4, 0.0),
        (0.77, 1.4, 0.0), (-0.77, 1.4, 0.0),
    ]
)  # fmt: skip
_TETRAHEDRON = 0.03 * np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)])
_TOP = 24  # of the head, 3 cm above its joint
_H36M = (0, 2, 5, 8, 1, 4, 7, 6, 12, 15, _TOP, 16, 18, 20, 17, 19, 21)
EXTRA = (2, 1, 12, _TOP, 0, 12, 6, 15, _TOP)


def smpl_arrays(*, size: float = 1.0) -> dict[str, np.ndarray]:
    """The tiny body under SMPL's names, ``size`` times as large."""
    rng = np.random.default_rng(0)
    template = size * (_REST[:, None] + _TETRAHEDRON).reshape(-1, 3)
    count = len(template)
    shapedirs = rng.normal(0, 0.01, (count, 3, 10))
    shapedirs[..., 0] = template
    regressor = np.kron(np.eye(24), np.full((1, 4), 0.25))
    first = np.arange(0, count, 4)
    parents = np.array([2**32 - 1, *PARENTS[1:]], dtype=np.int64)
    return {
        "v_template": template,
        "shapedirs": shapedirs,
        "posedirs": rng.normal(0, 0.002, (count, 3, 207)),
        "J_regressor": regressor,
        "weights": np.repeat(np.eye(24), 4, axis=0),
        "f": np.concatenate([first[:, None] + np.array(face) for face in ((0, 1, 2), (0, 2, 3), (0, 3, 1), (1, 3, 2))]),
        "kintree_table": np.stack([parents, np.arange(24)]),
        "face_vertices": 15 * 4 + np.array([3, 0, 2, 0, 2]),
    }


def joint_rows(joints: tuple[int, ...]) -> np.ndarray:
    """A regressor of the tiny body whose rows are these joints of the tree, or the top of its head."""
    top = np.zeros((1, 4 * len(_REST)))
    top[0, [60, 62]] = 0.5
    return np.concatenate([smpl_arrays()["J_regressor"], top])[list(joints)]


def h36m_regressor() -> np.ndarray:
    """J_regressor_h36m (17, 96) in Human3.6M's order."""
    return joint_rows(_H36M)


def write_tiny_pw3d(root: Path, *, test: int = 6, seed: int = 0) -> Path:
    """Write the bodies, all seven sets and their pictures below ``root``; returns ``root``."""
    write_body_files(root)
    rng = np.random.default_rng(seed)
    for name, count in {TEST: test, **SIZES}.items():
        _write_set(root, name, count, rng)
    return root


def write_body_files(root: Path) -> None:
    """Write ``root/smpl``."""
    folder = root / "smpl"
    folder.mkdir(parents=True)
    for gender, size in (("neutral", 1.0), ("male", 1.05), ("female", 0.95)):
        np.savez(folder / f"{gender}.npz", **smpl_arrays(size=size))
    np.save(folder / "J_regressor_h36m.npy", h36m_regressor())
    np.save(folder / "J_regressor_extra.npy", joint_rows(EXTRA))
    upright = np.tile(np.eye(3)[None, :, :2], (24, 1, 1))
    upright[0] = np.diag([1.0, -1.0, -1.0])[:, :2]
    np.savez(folder / "smpl_mean_params.npz", pose=upright.reshape(144), shape=np.zeros(10), cam=np.array([0.9, 0, 0]))


def _write_set(root: Path, name: str, count: int, rng: np.random.Generator) -> None:
    pose = rng.normal(0, 0.1, (count, 24, 3))
    turn = Rotation.from_euler("x", np.pi) * Rotation.from_euler("y", rng.uniform(-np.pi, np.pi, (count, 1)))
    pose[:, 0] = turn.as_rotvec()
    betas = rng.normal(0, 0.02, (count, 10))
    joints = training_joints(pose.reshape(count, 72), betas)
    in_camera = joints - joints[:, 14:15] + [0, 0, DISTANCE]
    pixels = in_camera[..., :2] / in_camera[..., 2:] * FOCAL + (SIDE - 1) / 2
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    folder = picture_folder(root, name)
    names = [f"part_{n % 2}/{n:05d}.jpg" for n in range(count)]
    for n, picture in enumerate(names):
        image = rng.integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
        cv2.circle(image, tuple(np.rint(pixels[n, DOTTED] * 16).astype(int)), 32, (255, 255, 255), -1, cv2.LINE_AA, 4)
        (folder / picture).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / picture), image)
    fields = {
        "imgname": np.array(names),
        "center": (low + high) / 2,
        "scale": 1.2 * (high - low).max(axis=1) / 200,
    }
    if name not in WITHOUT_SMPL:
        fields |= {"pose": pose.reshape(count, 72), "shape": betas}
    if name == TEST:
        fields["gender"] = np.array(["m", "f"] * count)[:count]
    else:
        fields["part"] = np.concatenate([pixels, np.ones((count, 24, 1))], axis=2)
        if name not in WITHOUT_SMPL:
            fields["has_smpl"] = (np.arange(count) % 4 != 3).astype(np.float64)
        if name in ("h36m_train_protocol1", "mpi_inf_3dhp_train"):
            fields["S"] = np.concatenate([joints - joints[:, 14:15], np.ones((count, 24, 1))], axis=2)
    path = annotation_path(root, name)
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **fields)


def training_joints(pose: np.ndarray, betas: np.ndarray) -> np.ndarray:
    """The 24 training joints (N, 24, 3) of poses (N, 72) and betas (N, 10), metres."""
    arrays = smpl_arrays()
    body = body_from_arrays(arrays, Path("tiny"))
    rotations = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3)
    vertices, tree = pose_body(body, rotations, betas)
    landmarks = np.concatenate([tree, joint_rows(EXTRA) @ vertices, vertices[:, arrays["face_vertices"]]], axis=1)
    return landmarks[:, TRAINING_LANDMARKS]
