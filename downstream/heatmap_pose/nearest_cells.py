"""The joints nearest to the true ones that heatmaps can give: no network of this resolution comes closer. No torch.

`heatmaps.decode` gives a cell or, with the offset, a quarter of a cell beside one that has a neighbour on either side.
"""

import numpy as np

from downstream.heatmap_pose.heatmap_recipe import HeatmapPose
from downstream.samples.crop import apply_affine, crop_matrices, invert_affine
from downstream.samples.people import People


def nearest_joints(joints: np.ndarray, people: People, recipe: HeatmapPose, *, offset: bool) -> np.ndarray:
    """Places (N, J, 2) in px of the images, nearest to ``joints`` (N, J, 2) in the crops of ``people``.

    Args:
        offset: as in `heatmaps.decode`.
    """
    size, cell = (recipe.input_width, recipe.input_height), recipe.heatmap_stride
    matrices = crop_matrices(people.centres, people.widths, size=size)
    found = apply_affine(matrices, joints)
    for axis, length in enumerate(size):
        places = cell * places_of_cells(length // cell, offset=offset)
        found[..., axis] = places[np.searchsorted((places[:-1] + places[1:]) / 2, found[..., axis])]
    return apply_affine(invert_affine(matrices), found)


def places_of_cells(count: int, *, offset: bool) -> np.ndarray:
    """What `heatmaps.decode` can give along an axis of ``count`` cells, in cells, ascending."""
    cells = np.arange(count, dtype=np.float64)
    beside = [cells[1:-1] - 0.25, cells[1:-1] + 0.25] if offset else []
    return np.sort(np.concatenate([cells, *beside]))
