"""Human3.6M's annotated people cut as pre-training cuts them, and where their joints are in these crops."""

import numpy as np

from downstream.h36m.pose_3d.reader import H36MPoses
from downstream.h36m.shared.camera import project
from downstream.reading.frames import Frames
from liftedcl.images.person_box import cut, extend_box
from liftedcl.recipes.data_recipes import Crops
from liftedcl.skeletons.skeleton import NUM_JOINTS


def crops_of(people: H36MPoses, rows: np.ndarray, recipe: Crops) -> np.ndarray:
    """Crops (B, H, W, 3) uint8 RGB of ``rows``, as pre-training cuts them, but from boxes that end at the image.

    Raises:
        InputError: an image is missing, damaged or of another size than annotated.
    """
    whole = np.concatenate([np.zeros_like(people.sizes), people.sizes], axis=1)
    frames = Frames(people.root / "images", people.names, people.sizes, whole, cache_bytes=0)
    size = {"height": recipe.height, "width": recipe.width}
    rectangles = [extend_box(box) for box in _boxes(people, rows)]
    return np.stack(
        [cut(frames.region(row).pixels, rectangle, **size) for row, rectangle in zip(rows, rectangles, strict=True)]
    )


def joints_in_crops(people: H36MPoses, rows: np.ndarray) -> np.ndarray:
    """Where the 17 joints of ``rows`` are in the crops of `crops_of`: (B, 17, 2), x and y as shares of their sides."""
    pixels = project(people.joints[rows], people.f[rows], people.c[rows])[:, :NUM_JOINTS]
    places = [extend_box(box) for box in _boxes(people, rows)]
    corners = np.array([[place.x, place.y] for place in places], float)
    sides = np.array([[place.width, place.height] for place in places], float)
    return (pixels - corners[:, None]) / sides[:, None]


def _boxes(people: H36MPoses, rows: np.ndarray) -> list[tuple[float, float, float, float]]:
    """x, y, width, height; the annotated corners are the first and the last pixel."""
    corners = people.boxes[rows]
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2] + 1], axis=1)
    return [tuple(box) for box in boxes.tolist()]
