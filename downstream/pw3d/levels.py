"""The levels of RSC-Net: the resolutions that a picture is seen at, 0 the full one, from fine to coarse. No torch."""

from downstream.pw3d.recipe import PW3D


def level_count(recipe: PW3D) -> int:
    """Number of resolutions, the full one included."""
    return 1 + len(recipe.low_resolutions)


def levels_in(recipe: PW3D, epoch: int) -> int:
    """How many of them ``epoch`` (from 0) trains."""
    return min(epoch + 2, level_count(recipe))


def level_of(recipe: PW3D, size: int) -> int | None:
    """The level that sees pictures of ``size`` px; None where there is none."""
    if size == recipe.input_size:
        return 0
    inside = (level for level, (low, high) in enumerate(recipe.low_resolutions, 1) if low <= size < high)
    return next(inside, None)
