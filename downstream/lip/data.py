"""Batches of LIP: whole images fitted into a square, augmented for training (Li et al. 2020, section 4.2)."""

from pathlib import Path

import numpy as np

from downstream.label_maps.batches import LabelledBatches, ParsingBatch
from downstream.lip.files import PICTURES
from downstream.lip.labels import IGNORED, LABELS, swap_sides
from downstream.lip.reader import LipSamples
from downstream.lip.recipe import LIP
from downstream.lip.regions import packed_samples
from downstream.lip.whole_picture import fitted, warp_labels
from downstream.reading.frames import Region
from downstream.samples.affine_augmentation import augmented_matrices, draw_affine
from downstream.samples.canvas import Canvas
from downstream.samples.crop import from_region
from downstream.samples.device_crops import uncut, uncut_labels
from downstream.samples.people import People
from downstream.samples.plain_crops import PlainCrops
from downstream.training.region_cut import cut_of


class ParsingBatches(LabelledBatches):
    """Augmented batches of the training split.

    ``packed`` is the folder of the regions of `regions.plan_of`, which are read in place of the images.
    """

    def __init__(
        self, samples: LipSamples, recipe: LIP, *, seed: int, cached: bool, packed: Path | None = None
    ) -> None:
        stored = packed_samples(packed, samples, cut_of(recipe)) if packed else samples
        super().__init__(stored, recipe, seed=seed, cached=cached)
        self._recipe, self._sizes = recipe, samples.sizes
        self.canvas = Canvas((recipe.input_size, recipe.input_size))
        self._centres, self._sides = fitted(samples.sizes, recipe.input_size)

    def batch(self, draws: np.ndarray) -> ParsingBatch:
        if not self.on_device:
            return super().batch(draws)
        drawn = map(self._drawn, draws.tolist(), self.rows(draws).tolist())
        images, labels, matrices, flips = zip(*drawn, strict=True)
        cut = np.stack(matrices), (self._recipe.input_size,) * 2
        becomes = np.where(np.array(flips)[:, None], LABELS.mirrored, np.arange(256, dtype=np.uint8))
        return ParsingBatch(uncut(images, *cut), uncut_labels(labels, *cut, becomes, IGNORED), self._epoch)

    def sample(self, draw: int, row: int) -> tuple[np.ndarray, np.ndarray]:
        size = self._recipe.input_size
        image, labels, matrix, flip = self._drawn(draw, row)
        matrix = from_region(matrix, image)
        labels = warp_labels(labels.pixels, matrix, size)
        return self.canvas.cut(image.pixels, matrix), swap_sides(labels) if flip else labels

    def _drawn(self, draw: int, row: int) -> tuple[Region, Region, np.ndarray, bool]:
        """Image and label map of ``row``, how they are to be cut (2, 3), and whether they are mirrored."""
        size, drawn = self._recipe.input_size, draw_affine(self._recipe.augmentation, self.generator(draw))
        (matrix,) = augmented_matrices(self._centres[[row]], self._sides[[row]], [drawn], (size, size))
        image, labels = (Region(pixels, np.zeros(2, int), self._sizes[row]) for pixels in self.decoded(row))
        return image, labels, matrix, drawn.flip  # packed ones may be shrunk


def fitted_images(samples: LipSamples, size: int, batch_size: int) -> PlainCrops:
    """Whole images fitted into squares of ``size`` px, in order, not augmented."""
    folder, names = samples.root / PICTURES[samples.split], [f"{name}.jpg" for name in samples.names]
    whole = People(folder, names, samples.sizes, *fitted(samples.sizes, size))
    return PlainCrops(whole, (size, size), batch_size, margin=np.inf)  # a shift of the maps could change a rounding
