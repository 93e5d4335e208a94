"""How long a device that takes 128 images every 53 ms (2,400 images/s) waits for its data.

Sleeping simulates the device: like a GPU, it then uses no time of the CPU. Our loader delivers packed uint8 crops, from
which the device renders the views; the published one delivers views that workers make with PIL from JPEG files. The
copy to the device doesn't count on either side.
"""

import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.parts import published
from benchmarks.random_data import jpeg, pictures, write_shard
from benchmarks.recipes import PAPER
from benchmarks.runner import FLOOR, OURS, PUBLISHED, Case, Figure, Variant
from liftedcl.images.batches import ShardBatches
from liftedcl.recipes.encoder_recipe import Views

CORES = 2

_IMAGES_PER_SECOND = 2400
_STALL = 0.02  # share of the time that a device may wait


def cases(smoke: bool) -> Iterator[Case]:
    batch, steps = (4, 4) if smoke else (128, 4)
    seconds = batch / _IMAGES_PER_SECOND
    crops = PAPER.crops
    with tempfile.TemporaryDirectory() as folder:
        some = pictures(np.random.default_rng(0), 16, crops.height, crops.width)
        packed = np.concatenate([np.roll(some, shift, axis=2) for shift in range(batch * (steps + 1) // 16 + 1)])
        shard = write_shard(Path(folder) / "crops.npy", packed)
        views = PAPER.encoders["liftedcl_in_cc"].views
        dataset = JpegViews([jpeg(picture) for picture in some], batch * (steps + 1), views)
        names = {OURS: "prefetched shard", PUBLISHED: f"PIL in a DataLoader, {CORES} workers", FLOOR: "never waiting"}

        def ours() -> float:
            return consume(ShardBatches(shard, batch_size=batch, seed=0).epoch(0, 0), steps, seconds)

        def dataloader() -> float:
            return consume(iter(DataLoader(dataset, batch, num_workers=CORES, drop_last=True)), steps, seconds)

        def floor() -> float:
            return consume(iter(range(steps + 1)), steps, seconds)

        def check() -> None:
            batches = ShardBatches(shard, batch_size=batch, seed=0)
            read = next(batches.epoch(0, 0))
            assert torch.equal(read.images, torch.from_numpy(packed[read.rows]).permute(0, 3, 1, 2))
            assert batches.steps_per_epoch > steps
            assert dataset[0][0].shape == (3, views.size, views.size)

        yield Case(
            name=f"loader, {batch} images every {1000 * seconds:.0f} ms",
            variants=[
                Variant(OURS, names[OURS], ours),
                Variant(PUBLISHED, names[PUBLISHED], dataloader),
                Variant(FLOOR, names[FLOOR], floor),
            ],
            items=batch * steps,
            unit="images",
            check=check,
            figures=lambda medians: [
                Figure("time spent waiting, ours", _stalled(medians, names, OURS), "", at_most=_STALL),
                Figure("time spent waiting, PIL in a DataLoader", _stalled(medians, names, PUBLISHED), ""),
            ],
        )


def consume(batches: Iterator[Any], steps: int, seconds: float) -> float:
    """Wall time of ``steps`` steps, each of ``seconds`` on a device, after a first step that starts the reader."""
    next(batches)
    time.sleep(seconds)
    start = time.perf_counter()
    for _ in range(steps):
        next(batches)
        time.sleep(seconds)
    elapsed = time.perf_counter() - start
    del batches  # ends threads and workers
    return elapsed


def _stalled(medians: dict[str, float], names: dict[str, str], role: str) -> float:
    return max(0.0, 1.0 - medians[names[FLOOR]] / medians[names[role]])


class JpegViews(Dataset):
    """Two views (3, S, S) of each JPEG with their boxes and flips, as the published loader delivers them."""

    def __init__(self, files: list[bytes], length: int, recipe: Views):
        self._files, self._length, self._view = files, length, published.PilView(recipe)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, bool, Tensor, Tensor, bool]:
        picture = Image.open(io.BytesIO(self._files[index % len(self._files)])).convert("RGB")
        return *self._view(picture), *self._view(picture)
