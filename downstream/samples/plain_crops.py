"""Crops of people as in testing: every person, in order, not augmented."""

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from downstream.reading.frames import Frames
from downstream.samples.crop import crop_matrices, from_region, shrink, warp
from downstream.samples.people import People
from downstream.training.epoch_batches import to_images
from liftedcl.identity.errors import InputError


class PlainCrops(Dataset):
    """Item ``i`` is the i-th batch of crops (B, 3, H, W) uint8 RGB; the last is smaller. ``size`` is (W, H).

    ``margin`` px of the image around each crop are read as well, for interpolation. With ``smooth`` crops are resized
    without aliasing.

    Attributes:
        matrices: maps from image to crop, (N, 2, 3).
    """

    def __init__(
        self, people: People, size: tuple[int, int], batch_size: int, *, margin: float = 2.0, smooth: bool = False
    ) -> None:
        self._size, self._batch_size, self._count = size, batch_size, len(people)
        self._resample = shrink if smooth else warp
        self.matrices = crop_matrices(people.centres, people.widths, size=size)
        half = people.widths[:, None] * (0.5, size[1] / size[0] / 2) + margin
        regions = np.concatenate([people.centres - half, people.centres + half], axis=1)
        self._frames = Frames(people.folder, people.names, people.sizes, regions, cache_bytes=0)

    def __len__(self) -> int:
        return -(-self._count // self._batch_size)

    def __getitem__(self, i: int) -> Tensor | InputError:
        try:
            return to_images([self.crop(n) for n in range(self._count)[i * self._batch_size :][: self._batch_size]])
        except InputError as error:
            return error

    def crop(self, n: int) -> np.ndarray:
        """Crop (H, W, 3) uint8 RGB of person ``n``."""
        region = self._frames.region(n)
        return self._resample(region.pixels, from_region(self.matrices[n], region), self._size)
