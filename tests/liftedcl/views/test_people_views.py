"""Views of people: joints, colour and depth show the same place; skeletons come from labelled joints alone."""

import numpy as np
import pytest
import torch

from liftedcl.images.batches import Batch
from liftedcl.images.people_batches import PeopleBatch
from liftedcl.recipes.encoder_recipe import Views
from liftedcl.recipes.multimodal_recipe import People
from liftedcl.views.people_views import PeopleViews, cut_boxes, normalised_skeletons

VIEWS = Views(size=48, scale=(0.4, 1.0), flip=0.5, jitter=(0.4, 0.4, 0.4, 0.1), jitter_probability=0.8, grey=0.2,
              blur=(0.1, 0.4), blur_probability=0.5)  # fmt: skip
HEIGHT, WIDTH = 64, 48


def batch_of(joints, labelled, images=None, depth=None):
    count = len(joints)
    images = torch.zeros(count, 3, HEIGHT, WIDTH, dtype=torch.uint8) if images is None else images
    return PeopleBatch(Batch(images, torch.ones(count), torch.arange(count), 0), joints, labelled, depth)


def views_of(*parts, area=(0.3, 1.2), **more):
    torch.manual_seed(0)
    return PeopleViews(batch_of(*parts, **more), VIEWS, People(area=area), torch.device("cpu"))


def test_a_joint_is_where_the_picture_and_the_depth_show_it():
    """One bright, near spot of 5x5 px around one joint."""
    joints, labelled = torch.zeros(40, 13, 2), torch.zeros(40, 13, dtype=bool)
    images, depth = torch.zeros(40, 3, HEIGHT, WIDTH, dtype=torch.uint8), torch.full((40, 1, HEIGHT, WIDTH), 3.0)
    for i in range(40):
        x, y = 6 + i % 36, 6 + (3 * i) % 52
        joints[i, :2], labelled[i, :2] = torch.tensor([[x, y], [23, 30]]).float(), True
        images[i, :, y - 2 : y + 3, x - 2 : x + 3], depth[i, :, y - 2 : y + 3, x - 2 : x + 3] = 255, 1.0
    views = views_of(joints, labelled, images=images, depth=depth, area=(0.3, 0.8))
    seen = views.visible[:, 0].nonzero().squeeze(1).tolist()
    assert 10 < len(seen) < 40
    for i in seen:
        x, y = views.joints[i, 0].round().long().clamp(0, 47).tolist()
        assert views.images()[i, 0, y, x] > 1.5
        assert views.depth()[i, 0, y, x] == views.depth()[i].amin()


def test_centres_are_within_the_labelled_joints_and_areas_within_their_range():
    joints = torch.rand(500, 13, 2) * torch.tensor([10.0, 20.0]) + torch.tensor([15.0, 25.0])
    labelled = torch.ones(500, 13, dtype=bool)
    joints[:, 5], labelled[:, 5] = 0.0, False
    views = views_of(joints, labelled)
    shares = views._boxes[:, 2] * views._boxes[:, 3] / (HEIGHT * WIDTH)
    assert shares.min() >= 0.3 and shares.max() <= 1.2 and shares.std() > 0.2
    centres = views._boxes[:, :2] + views._boxes[:, 2:] / 2 - 0.5
    assert (centres >= torch.tensor([15.0, 25.0])).all() and (centres <= torch.tensor([25.0, 45.0])).all()
    assert views_of(joints, torch.zeros(500, 13, dtype=bool)).joints.isfinite().all()  # nobody labelled anything


def test_cutting_the_whole_picture_changes_nothing():
    images = torch.rand(2, 3, HEIGHT, WIDTH)
    whole = torch.tensor([[0.0, 0.0, WIDTH, HEIGHT]]).expand(2, 4)
    for mode in ("bilinear", "nearest"):
        assert torch.allclose(cut_boxes(images, whole, (HEIGHT, WIDTH), mode), images, atol=1e-4)


def test_depth_is_centred_on_what_is_measured_and_holes_stay_0():
    depth = torch.zeros(2, 1, HEIGHT, WIDTH)
    depth[0, :, 20:40] = torch.linspace(2, 3, 20)[:, None]
    joints, labelled = torch.full((2, 13, 2), 24.0), torch.ones(2, 13, dtype=bool)
    views = views_of(joints, labelled, depth=depth)
    shown = views.depth()
    assert shown.shape == (2, 3, 48, 48) and views.has_depth.tolist() == [True, False]
    assert abs(shown[0][views.measured[0].expand(3, -1, -1)].mean()) < 1e-5
    assert (shown[~views.measured.expand(-1, 3, -1, -1)] == 0).all() and (shown[1] == 0).all()


def test_root_and_scale_come_from_labelled_joints_alone():
    """The same person with a label less is the same skeleton."""
    rng = np.random.default_rng(0)
    joints = torch.from_numpy(rng.uniform(100, 140, (1, 13, 2)).astype(np.float32))
    labelled = torch.ones(1, 13, dtype=bool)
    whole, _ = normalised_skeletons(joints, labelled)
    extreme = int(whole[0].abs().amax(dim=1).argmax())
    hidden = next(joint for joint in range(13) if joint not in (extreme, 2, 3))
    fewer = labelled.clone()
    fewer[0, hidden] = False
    without = joints.clone()
    without[0, hidden] = 0.0
    found, there = normalised_skeletons(without, fewer)
    kept = fewer[0]
    assert there.all() and torch.equal(found[0, kept], whole[0, kept]) and (found[0, hidden] == 0).all()
    assert torch.allclose(whole[0, [2, 3]].mean(dim=0), torch.zeros(2), atol=1e-6) and whole.abs().max() == 1


def test_people_with_one_hip_none_one_joint_or_none_are_finite():
    joints, labelled = torch.rand(4, 13, 2) * 40, torch.ones(4, 13, dtype=bool)
    labelled[0, 2] = labelled[1, 2] = labelled[1, 3] = False
    labelled[2, 1:], labelled[3] = False, False
    found, there = normalised_skeletons(joints, labelled)
    assert there.tolist() == [True, True, False, False] and found.isfinite().all()
    assert (found[0, 3] == 0).all() and (found[2:] == 0).all()


@pytest.mark.parametrize("area", [(0.0, 1.0), (0.5, 0.2), (1.0, 99.0)])
def test_an_impossible_area_is_named(area):
    with pytest.raises(Exception, match="area"):
        People(area=area)
