"""A Human3.6M parsing of a few frames whose colours are their parts: what is off by a pixel, or mirrored, shows."""

from pathlib import Path

import cv2
import numpy as np

from downstream.h36m.parsing.frame_list import write_list
from downstream.h36m.parsing.labels import CLASSES
from downstream.h36m.parsing.recipe import FrameAugmentation, H36MParsing
from liftedcl.data_sets.h36m.parsing_files import PARSING_DEPTH, PARSING_LABELS, PARSING_PICTURES

RECIPE = H36MParsing(
    input="rgb",
    input_size=33,
    epochs=2,
    batch_size=4,
    learning_rate=1e-2,
    momentum=0.9,
    weight_decay=5e-4,
    power=0.9,
    head_width=8,
    flip_test=True,
    train_stride=1,
    test_stride=1,
    augmentation=FrameAugmentation(scale_limits=(0.5, 1.6), scale_step=0.1, flip=0.5),
)

_K = np.arange(len(CLASSES))
COLOURS = np.stack([20 + 9 * _K, 20 + _K**2 * 4 // 11, (_K * 97 + 60) % 256], axis=1).astype(np.uint8)
"""(25, 3): no colour is a mixture of others, nor black."""
SIZES = ((66, 66), (60, 62), (33, 33), (48, 50))
"""Width and height."""


def parts(width: int, height: int, seed: int) -> np.ndarray:
    """Rectangles of all classes over a background, (height, width) uint8."""
    rng, labels = np.random.default_rng(seed), np.zeros((height, width), np.uint8)
    for label in rng.permutation(len(CLASSES)):
        low, extent = rng.random(2) * (width, height), (0.2 + 0.4 * rng.random(2)) * (width, height)
        (x0, y0), (x1, y1) = low.astype(int), np.ceil(low + extent).astype(int)
        labels[y0:y1, x0:x1] = label
    return labels


def write_tiny_parsing(
    root: Path, *, train: int = 9, test: int = 6, sizes: tuple[tuple[int, int], ...] = SIZES
) -> Path:
    """Write both splits below ``root``, depth maps too; returns ``root``."""
    for split, subject, count in (("train", 1, train), ("test", 9, test)):
        pictures = []
        for n in range(count):
            folder = f"s_{subject:02d}_act_{2 + n % 3:02d}_subact_01_ca_01"
            name = f"{folder}/{folder}_{25 * n + 1:06d}"
            write_frame(root, name, parts(*sizes[n % len(sizes)], seed=n + 100 * subject))
            pictures.append(f"{PARSING_PICTURES}/{name}.jpg")
        write_list(root, split, pictures, content="")
    return root


def write_frame(root: Path, name: str, labels: np.ndarray) -> None:
    """Write a label map (H, W) uint8, its picture, a .jpg by name, and its depth: 1 m more for each class."""
    colours = COLOURS[np.minimum(labels, len(CLASSES) - 1)][..., ::-1]
    write_png(root / PARSING_LABELS / f"{name}.png", labels)
    write_png(root / PARSING_PICTURES / f"{name}.jpg", colours)
    write_png(root / PARSING_DEPTH / f"{name}.png", 1000 * labels.astype(np.uint16))


def write_png(path: Path, image: np.ndarray) -> None:
    """Write BGR or grey pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
