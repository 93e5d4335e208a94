"""A LIP of a few pictures in the official on-disk format: patches of all classes, each in its class's colour."""

from pathlib import Path

import cv2
import numpy as np

from downstream.lip.labels import NUM_CLASSES, PALETTE
from downstream.lip.reader import image_path, label_path, list_path


def write_tiny_lip(root: Path, *, train: int = 8, val: int = 5, side: int = 60) -> Path:
    """Write both splits below ``root``, pictures of up to ``side`` px; returns ``root``."""
    for split, count in (("train", train), ("val", val)):
        rng = np.random.default_rng(len(split))
        names = [f"{number}_{rng.integers(10**6)}" for number in range(1, count + 1)]
        for name in names:
            width, height = rng.integers(side // 2, side, 2, endpoint=True)
            patches = rng.integers(0, NUM_CLASSES, (5, 4), dtype=np.uint8)
            write_sample(root, split, name, cv2.resize(patches, (width, height), interpolation=cv2.INTER_NEAREST))
        list_path(root, split).write_text("".join(f"{name}\n" for name in names))
    return root


def write_sample(root: Path, split: str, name: str, labels: np.ndarray) -> None:
    """Write a label map (H, W) uint8 and its picture."""
    write_image(label_path(root, split, name), labels)
    write_image(image_path(root, split, name), PALETTE[np.minimum(labels, NUM_CLASSES - 1)][..., ::-1])


def write_image(path: Path, image: np.ndarray) -> None:
    """Write BGR or grey pixels, a JPEG at its best quality."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 100])
