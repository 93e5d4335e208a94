"""Masks: how many patches they hide, which ones, and where a person's box is in a view."""

import math

import pytest
import torch

from liftedcl.views.masks import draw_masks, hidden_count, patches_on_person
from liftedcl.views.view_draw import Geometry


@pytest.mark.parametrize(
    ("ratio", "patches", "hidden"), [(0.75, 196, 147), (0.9, 196, 176), (0.9, 192, 172), (0.29, 100, 29), (0.7, 10, 7)]
)
@pytest.mark.parametrize("preference", [0.0, 0.3, 5.0])
def test_a_mask_hides_exactly_its_share_whoever_is_in_the_view(ratio, patches, hidden, preference):
    """29 of 100, although 0.29 * 100 is below 29 in floating point."""
    torch.manual_seed(0)
    on_person = torch.rand(7, patches) < torch.linspace(0, 1, 7)[:, None]  # from nobody to everywhere
    masked, visible = draw_masks(on_person, ratio, preference)
    assert hidden_count(ratio, patches) == masked.shape[1] == hidden
    for row in torch.cat([masked, visible], dim=1):
        assert sorted(row.tolist()) == list(range(patches))


def test_the_person_is_hidden_first_or_as_likely_as_all_else():
    torch.manual_seed(0)
    on_person = torch.zeros(4000, 40, dtype=torch.bool)
    on_person[:, :10] = True

    def share(ratio: float, preference: float) -> float:
        """Of the person's patches, the share that is hidden."""
        hidden, _ = draw_masks(on_person, ratio, preference)
        return (hidden < 10).float().sum(dim=1).mean().item() / 10

    assert share(0.5, 0.0) == pytest.approx(0.5, abs=0.01)
    assert share(0.5, 1.0) == share(0.25, 1.0) == 1.0  # scores of 1 to 2 beat those of 0 to 1
    assert share(0.1, 1.0) == pytest.approx(0.4)  # all four hidden ones are on the person
    # Many patches: one of the person is hidden above t - 0.5, another above t, with 10 (1.5 - t) + 30 (1 - t) = 20.
    assert share(0.5, 0.5) == pytest.approx(1.5 - 25 / 40, abs=0.03)


@pytest.mark.parametrize("flip", [False, True])
def test_a_patch_is_on_the_person_where_it_shares_an_area_with_the_box(flip):
    """Against a picture of the box: the share of each patch that is painted."""
    torch.manual_seed(0)
    count, grid, side = 60, (4, 3), 40
    start = torch.randint(0, 20, (count, 2))
    boxes = torch.cat([start, torch.randint(20, 40, (count, 2)) // 12 * 12 + 12], dim=1)
    people = torch.cat([torch.randint(-10, 50, (count, 2)), torch.randint(1, 60, (count, 2))], dim=1)
    geometry = Geometry(boxes.float(), torch.full((count,), flip))
    found = patches_on_person(geometry, people.float(), grid).view(count, *grid)
    for view, person, cells in zip(boxes.tolist(), people.tolist(), found, strict=True):
        painted = torch.zeros(grid[0] * side, grid[1] * side)
        scale = (grid[1] * side / view[2], grid[0] * side / view[3])
        x = [(edge - view[0]) * scale[0] for edge in (person[0], person[0] + person[2])]
        y = [(edge - view[1]) * scale[1] for edge in (person[1], person[1] + person[3])]
        left, right = (min(max(edge, 0), painted.shape[1]) for edge in x)
        top, bottom = (min(max(edge, 0), painted.shape[0]) for edge in y)
        painted[
            math.floor(top + 1e-6) : math.ceil(bottom - 1e-6), math.floor(left + 1e-6) : math.ceil(right - 1e-6)
        ] = 1
        painted = painted.flip(1) if flip else painted
        patches = painted.view(grid[0], side, grid[1], side).amax(dim=(1, 3))
        assert torch.equal(cells, patches > 0), (view, person)
