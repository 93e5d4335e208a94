"""A Human3.6M of a few noise pictures in both real on-disk formats: one white dot marks each picture's right wrist."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation
from tiny.augmentation import AUGMENTATION

from downstream.h36m.pose_2d import reader as reader_2d
from downstream.h36m.pose_3d.reader import annotation_path
from downstream.h36m.shared.camera import project, world_to_camera
from downstream.h36m.shared.recipe import H36M2D, H36M3D, RLEAugmentation

SIDE = 128
DOTTED = 16  # rwrist

RECIPE = H36M3D(
    input_size=64,
    epochs=3,
    batch_size=4,
    learning_rate=1e-3,
    milestones=(2,),
    milestone_factor=0.1,
    gradient_clip=35.0,
    box_scale=1.0,
    depth_range_mm=2000.0,
    flow_layers=2,
    flow_hidden=8,
    augmentation=RLEAugmentation(
        scale_deviation=0.3,
        scale_limits=(0.7, 1.3),
        rotation_deviation=30.0,
        rotation_limit=60.0,
        rotation_probability=0.6,
        flip=0.5,
        channel_gain=(1.0, 1.0),
        occlusion=0.0,
    ),
)

RECIPE_2D = H36M2D(
    epochs=2,
    batch_size=4,
    learning_rate=1e-3,
    milestones=(1,),
    milestone_factor=0.1,
    input_width=64,
    input_height=64,
    box_scale=1.0,
    heatmap_stride=4,
    deconv_width=16,
    sigma=1.5,
    loss="mse_sum",
    flip_test=False,
    head_size=25.6,
    train_stride=1,
    test_stride=1,
    augmentation=AUGMENTATION,
)


def write_tiny_h36m(root: Path, *, train: int = 13, test: int = 6) -> Path:
    """Write both splits below ``root``; returns ``root``."""
    _write(root, "train", (1, 5), train)
    _write(root, "test", (9, 11), test)
    return root


def change_frames(path: Path, edit: Callable[[list[dict]], None]) -> None:
    """Let ``edit`` change the frames of one of the 2D benchmark's pickles."""
    entries = pickle.loads(path.read_bytes())
    edit(entries)
    path.write_bytes(pickle.dumps(entries, protocol=4))


def _write(root: Path, split: str, subjects: tuple[int, ...], count: int) -> None:
    images, annotations, entries = [], [], []
    rng = np.random.default_rng(len(split))
    for i in range(count):
        folder = f"s_{subjects[i % 2]:02d}_act_{2 + i % 3:02d}_subact_01_ca_01"
        name = f"{folder}/{folder}_{i + 1:06d}.jpg"
        R = Rotation.from_euler("zx", [rng.uniform(0, 360), -90 + rng.uniform(-5, 5)], degrees=True).as_matrix()
        t = -R.T @ np.array([0, 0, 4500]) + [0, 0, 900]
        world = rng.normal(0, 260, (17, 3)) + np.array([0, 0, 900])
        f, c = np.array([140.0, 141.0]), np.array([63.0, 65.0])
        seen = world_to_camera(world[None], R[None], t[None])[0]
        pixels = project(seen[None], f[None], c[None])[0]
        low, high = pixels.min(0) - 4, pixels.max(0) + 4
        image = rng.integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
        cv2.circle(image, tuple(np.rint(pixels[DOTTED] * 16).astype(int)), 48, (255, 255, 255), -1, cv2.LINE_AA, 4)
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
        entries.append(entry_2d(name, seen, R, t, f, c))
        images.append({"id": i, "file_name": name, "width": SIDE, "height": SIDE})
        annotations.append(
            {
                "id": i,
                "image_id": i,
                "bbox": [*low, *(high - low)],
                "keypoints_world": world.tolist(),
                "cam_param": {"R": R.tolist(), "t": t.tolist(), "f": f.tolist(), "c": c.tolist()},
            }
        )
    path = annotation_path(root, split)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    (root / "annot").mkdir(exist_ok=True)
    reader_2d.annotation_path(root, split).write_bytes(pickle.dumps(entries, protocol=4))


def entry_2d(name: str, seen: np.ndarray, R: np.ndarray, t: np.ndarray, f: np.ndarray, c: np.ndarray) -> dict:
    """One frame of the 2D benchmark's pickles: ``seen`` (17, 3) in the camera frame, mm; no lens distortion."""
    numbers = [int(part) for part in name.split("/")[1].removesuffix(".jpg").split("_") if part.isdecimal()]
    subject, action, subaction, camera, frame = numbers
    corners = np.array([[-1000, -900, 0], [1000, 1100, 0]]) + seen[:1]
    box = project(corners[None], f[None], c[None])[0].ravel()
    return {
        "image": name,
        "image_id": frame,
        "video_id": 0,
        "subject": subject,
        "action": action,
        "subaction": subaction,
        "camera_id": camera - 1,
        "source": "h36m",
        "joints_2d": project(seen[None], f[None], c[None])[0],
        "joints_3d": seen @ R + t,
        "joints_3d_camera": seen,
        "joints_vis": np.ones((17, 3)),
        "center": (box[:2] + box[2:]) / 2,
        "scale": (box[2:] - box[:2]) / 200,
        "box": box,
        "camera": {
            "R": R,
            "T": t[:, None],
            "fx": f[:1],
            "fy": f[1:],
            "cx": c[:1],
            "cy": c[1:],
            "k": np.zeros((3, 1)),
            "p": np.zeros((2, 1)),
        },
    }


def add_second_camera(root: Path) -> None:
    """Let the test people be seen by another camera as well, a quarter turn around them."""
    path = annotation_path(root, "test")
    content = json.loads(path.read_text())
    for image, annotation in list(zip(content["images"], content["annotations"], strict=True)):
        other = image | {"id": image["id"] + 100, "file_name": image["file_name"].replace("ca_01", "ca_02")}
        camera = annotation["cam_param"]
        R = np.array(camera["R"]) @ Rotation.from_euler("z", 90, degrees=True).as_matrix()
        t = -R.T @ np.array([0, 0, 4500]) + [0, 0, 900]
        seen = (np.array(annotation["keypoints_world"]) - t) @ R.T
        pixels = seen[:, :2] / seen[:, 2:] * camera["f"] + camera["c"]
        box = [*(pixels.min(0) - 4), *(pixels.max(0) - pixels.min(0) + 8)]
        moved = annotation | {"id": other["id"], "image_id": other["id"], "bbox": box}
        content["images"].append(other)
        content["annotations"].append(moved | {"cam_param": camera | {"R": R.tolist(), "t": t.tolist()}})
        (root / "images" / other["file_name"]).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / "images" / other["file_name"]), np.full((128, 128, 3), 90, np.uint8))
    path.write_text(json.dumps(content))
