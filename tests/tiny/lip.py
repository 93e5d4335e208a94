"""A LIP of a few pictures in the official format whose colours are their labels: what is off by a pixel shows."""

from pathlib import Path

import cv2
import numpy as np
from tiny.augmentation import AUGMENTATION

from downstream.lip.labels import NUM_CLASSES
from downstream.lip.reader import image_path, label_path, list_path
from downstream.lip.recipe import LIP

RECIPE = LIP(
    input_size=33,
    epochs=3,
    batch_size=4,
    norm_samples=2,
    learning_rate=1e-2,
    lowest_learning_rate=1e-4,
    restart_learning_rate=5e-3,
    momentum=0.9,
    weight_decay=5e-4,
    warmup_epochs=0,
    first_round=1,
    round_epochs=1,
    pyramid_width=8,
    width=8,
    detail_width=8,
    dropout=0.1,
    augmentation=AUGMENTATION,
)

_K = np.arange(NUM_CLASSES)
COLOURS = np.stack([20 + 12 * _K, 20 + _K**2 * 6 // 10, (_K * 97 + 60) % 256], axis=1).astype(np.uint8)
"""(20, 3): no colour is a mixture of others, nor black."""

SIZES = ((70, 50), (48, 90), (33, 33), (64, 64), (5, 3), (1, 7), (200, 120), (60, 61))
"""Width and height; the third is the network's input, the fourth about twice that."""


def label_map(width: int, height: int, seed: int) -> np.ndarray:
    """Rectangles of all classes over a background, (height, width) uint8."""
    rng, labels = np.random.default_rng(seed), np.zeros((height, width), dtype=np.uint8)
    for label in rng.permutation(NUM_CLASSES):
        low, extent = rng.random(2) * (width, height), (0.2 + 0.4 * rng.random(2)) * (width, height)
        (x0, y0), (x1, y1) = low.astype(int), np.ceil(low + extent).astype(int)
        labels[y0:y1, x0:x1] = label
    return labels


def write_tiny_lip(
    root: Path, *, train: int = 9, val: int = 8, sizes: tuple[tuple[int, int], ...] = SIZES, encoding: str = ".png"
) -> Path:
    """Write both splits below ``root``; returns ``root``."""
    for split, count in (("train", train), ("val", val)):
        names = [f"{n}_{1000 + n}" for n in range(count)]
        for n, name in enumerate(names):
            labels = label_map(*sizes[n % len(sizes)], seed=n + 100 * (split == "val"))
            write_sample(root, split, name, labels, encoding)
        list_path(root, split).write_text("".join(f"{name}\n" for name in names))
    return root


def write_sample(root: Path, split: str, name: str, labels: np.ndarray, encoding: str = ".png") -> None:
    """Write a label map (H, W) uint8 and its picture, a .jpg by name; ``.jpg`` by content blurs the colours."""
    write_image(label_path(root, split, name), labels)
    write_image(image_path(root, split, name), COLOURS[np.minimum(labels, NUM_CLASSES - 1)][..., ::-1], encoding)


def write_image(path: Path, image: np.ndarray, encoding: str = ".png") -> None:
    """Write BGR or grey pixels, a JPEG at its best quality."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(encoding, image, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes())
