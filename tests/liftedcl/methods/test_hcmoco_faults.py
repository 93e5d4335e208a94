"""Each fault of HCMoCo's published code that docs/hcmoco.md names: what it does, written out, and what ours does."""

import copy
import itertools

import numpy as np
import pytest
import torch
from tiny.depth.hcmoco_equations import TAU, sample_loss, subject_loss
from tiny.depth.ntu import FRAMES, write_tiny_ntu
from tiny.pretraining import ROWS
from tiny.shard import write_tiny_shard
from torch.nn import functional as F

from liftedcl.data_sets.ntu.files import Tag
from liftedcl.engine import distributed
from liftedcl.images.people_batches import PeopleBatches
from liftedcl.images.shard import open_shard
from liftedcl.losses.bank_contrast import bank_contrast
from liftedcl.losses.joint_contrast import subject_contrast
from liftedcl.losses.masked_mean import masked_mean
from liftedcl.methods import method_class
from liftedcl.networks.encoder import build_backbone
from liftedcl.networks.joined_maps import coarse_maps
from liftedcl.ntu import pack
from liftedcl.recipes.data_recipes import NtuPeople
from liftedcl.skeletons.common_joints import COMMON_JOINTS, FROM_COCO, FROM_KINECT, HIPS, from_mpii
from liftedcl.views.people_views import PeopleViews, normalised_skeletons

RECIPE = ROWS["hcmoco"]
HEAD, SHOULDER = COMMON_JOINTS.index("head"), COMMON_JOINTS.index("right_shoulder")


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return write_tiny_shard(tmp_path_factory.mktemp("shard") / "images.npy", 12)


@pytest.fixture
def method(shard):
    torch.manual_seed(0)
    return method_class("hcmoco")(RECIPE, build_backbone(RECIPE.backbone), shard, None)


@pytest.fixture
def batch(shard):
    return next(PeopleBatches(shard, depth=True, batch_size=8, seed=0).epoch(0, 0))


def views_of(batch):
    torch.manual_seed(1)
    return PeopleViews(batch, RECIPE.views, RECIPE.people, torch.device("cpu"))


def test_stage_2_starts_with_what_the_data_give(method, batch):
    """Published: a sample of NTU with MPII or COCO has nine parts, and which have colour is read from a twelfth."""
    parts = (None,) * 9
    with pytest.raises(TypeError):
        torch.logical_not(parts[11] if len(parts) > 11 else None)
    terms = next(method.losses(batch))[1]
    assert set(terms) == {"sample", "dense", "joint", "subject"}
    assert all(term.isfinite() and term > 0 for term in terms.values())


def person():
    return torch.from_numpy(np.random.default_rng(0).uniform(100, 140, (13, 2)).astype(np.float32))


def corrected_skeleton(joints, labelled):
    """Joints (13, 2) of which both hips are ``labelled``."""
    centred = (joints - joints[list(HIPS)].mean(dim=0)) * labelled[:, None]
    return centred / centred.abs().max()


def published_skeleton(joints, root):
    """Joints (J, 2) of a set, labelled or not."""
    centred = joints - joints[root]
    return centred / centred.abs().max()


def test_a_pose_is_the_same_skeleton_in_every_set():
    """Published: joint 6 is the root: of COCO's 17 a shoulder, of the Kinect's 13 the head, of MPII's 16 the pelvis."""
    pose, coco, kinect, mpii = person(), torch.zeros(17, 2), torch.zeros(25, 2), torch.zeros(16, 2)
    coco[:] = pose[HEAD]
    coco[list(FROM_COCO)] = kinect[list(FROM_KINECT)] = pose
    mpii[:6], mpii[6], mpii[7:10], mpii[10:] = pose[:6], pose[list(HIPS)].mean(dim=0), pose[HEAD], pose[7:]
    published = (
        published_skeleton(coco, 6)[list(FROM_COCO)],
        published_skeleton(kinect[list(FROM_KINECT)], 6),
        published_skeleton(mpii, 6)[[*range(6), 9, *range(10, 16)]],
    )
    assert (published[0][SHOULDER] == 0).all() and (published[1][HEAD] == 0).all()
    assert all((one - other).abs().max() > 0.2 for one, other in itertools.combinations(published, 2))
    of_mpii = torch.from_numpy(from_mpii(mpii[None].numpy(), np.ones((1, 16), bool))[0][0])
    labelled = torch.ones(3, 13, dtype=bool)
    ours, _ = normalised_skeletons(torch.stack([coco[list(FROM_COCO)], kinect[list(FROM_KINECT)], of_mpii]), labelled)
    assert torch.allclose(ours, corrected_skeleton(pose, labelled[0]).expand(3, -1, -1), atol=1e-5)


def test_joints_without_a_label_set_no_scale():
    """Published: they are at pixel (0, 0), so the skeleton shrinks with the person's distance from there."""
    labelled = torch.arange(13) != 4
    near = person() * labelled[:, None]
    far = (person() + 300.0) * labelled[:, None]
    extents = [published_skeleton(joints, SHOULDER)[labelled].abs().max() for joints in (near, far)]
    assert extents[1] < 0.3 * extents[0]
    for joints in (near, far):
        ours, _ = normalised_skeletons(joints[None], labelled[None])
        assert torch.allclose(ours[0], corrected_skeleton(joints, labelled), atol=1e-5) and ours.abs().max() == 1


def subject(features, joints, there):
    return masked_mean(*subject_contrast(features, features, 0, joints, there, TAU)).item()


def test_joints_that_arent_visible_are_no_positives():
    """Published: all of them have the features of cell (0, 0), so that there the loss asks for all joints at once."""
    torch.manual_seed(0)
    joints, there = torch.arange(4).repeat(3), torch.arange(12) % 3 > 0
    features, corner = torch.randn(12, 6), torch.randn(2, 6)
    ours, published = [], []
    for cell in corner:
        seen = torch.where(there[:, None], features, cell)
        ours.append(subject(seen, joints, there))
        published.append(subject_loss(seen, joints, there, unseen=True))
        assert ours[-1] == pytest.approx(subject_loss(seen, joints, there), rel=1e-4)
    assert ours[0] == ours[1] and abs(published[0] - published[1]) > 0.1
    assert min(abs(one - other) for one, other in zip(ours, published, strict=True)) > 0.1


def test_a_joint_isnt_told_from_itself():
    """Published: a perfect match, of the same features in two people and none other, costs log 2."""
    features, joints, there = F.normalize(torch.ones(2, 8), dim=1), torch.zeros(2, dtype=int), torch.ones(2, dtype=bool)
    assert subject_loss(features, joints, there, itself=True) == pytest.approx(np.log(2))
    assert subject(features, joints, there) == pytest.approx(subject_loss(features, joints, there), abs=1e-6) == 0


def test_a_joint_without_a_positive_doesnt_count():
    """Published: it is a 0 in the mean; here 2 of 6 have a positive, so the loss would be a third."""
    torch.manual_seed(0)
    features, joints, there = torch.randn(6, 5), torch.tensor([0, 0, 1, 2, 3, 4]), torch.ones(6, dtype=bool)
    expected = subject_loss(features, joints, there)
    assert subject_loss(features, joints, there, zeros=True) == pytest.approx(expected / 3)
    assert subject(features, joints, there) == pytest.approx(expected, rel=1e-4)


def test_a_picture_without_depth_never_enters_the_depth_bank_nor_its_negatives(method, batch):
    """Published: what zeros give is written, and drawn: half of this bank would be one vector."""
    banks, view = method.heads["banks"], views_of(batch)
    before, rows = banks.bank_depth.clone(), batch.images.rows
    has = torch.arange(12) % 2 == 0
    torch.manual_seed(1)
    for _ in method.losses(batch):
        pass
    vectors = method.heads["depth_vector"](coarse_maps(method.heads["depth"], view.depth())).detach()
    same = vectors[~has[rows]]
    assert len(same) > 1 and (same @ same.T).min() > 0.9999
    published = before.clone()
    for _ in range(8):
        published[rows] = F.normalize(0.5 * published[rows] + 0.5 * vectors, dim=1)
    assert (published[rows] @ same[0] > 0.999).sum() == len(same)
    changed = (banks.bank_depth != before).any(dim=1)
    assert changed.nonzero().squeeze(1).tolist() == sorted(row for row in rows.tolist() if has[row])
    assert set(banks.draw("depth", 500).tolist()) == set(range(0, 12, 2))
    assert set(banks.draw("rgb", 500).tolist()) == set(range(12))


def test_a_sample_is_no_negative_of_its_own():
    """Published: a draw that has it pushes it from its own positive; the loss of a perfect match isn't near 0."""
    bank = F.normalize(torch.eye(6), dim=1)
    drawn = [2, 2, 4]
    rows = torch.tensor([2, 0])
    found = bank_contrast(bank[rows], bank[rows], bank[drawn], rows[:, None] == torch.tensor(drawn), TAU)
    for value, row in zip(found.tolist(), rows.tolist(), strict=True):
        published = sample_loss(bank[row], row, bank, drawn, published=True)
        assert value == pytest.approx(sample_loss(bank[row], row, bank, drawn), abs=1e-4)
        assert published == pytest.approx(np.log(3) if row in drawn else value, abs=1e-4)


def test_a_joint_is_visible_where_both_its_coordinates_are_in_the_view(batch):
    """Published: its row is compared with the view's right border, and its column with none."""
    view = views_of(batch)
    x, y, width, height = view._boxes[:, :, None].unbind(dim=1)
    column, row = (batch.joints + 0.5).unbind(dim=2)
    begun = batch.labelled & (column >= x) & (row >= y) & (row < y + height)
    published, corrected = begun & (row < x + width), begun & (column < x + width)
    assert (published & ~corrected).any() and (corrected & ~published).any()
    assert torch.equal(view.visible, corrected)


def test_every_process_holds_the_same_banks(shard, batch, monkeypatch):
    """Published: each writes its own share of the skeletons. What real processes end with is in test_distributed.py."""
    rows, recipe, shares = batch.images.rows, ROWS["hcmoco_stage1"], ([], [])

    def banks_of(rank, gathered):
        torch.manual_seed(0)
        method = method_class("hcmoco")(recipe, build_backbone(recipe.backbone), shard, None)
        monkeypatch.setattr(distributed, "mine", lambda values: values.chunk(2)[rank])
        monkeypatch.setattr(distributed, "gathered", gathered)
        published = copy.deepcopy(method.heads["banks"])
        for _ in method.losses(batch):
            pass
        published.update("skeleton", rows.chunk(2)[rank], shares[rank][2], torch.ones(4, dtype=bool))
        return published.bank_skeleton, method.heads["banks"].state_dict()

    for rank in range(2):
        banks_of(rank, lambda own, share=shares[rank]: share.append(own) or torch.cat([own, own]))
    whole = [torch.cat(parts) for parts in zip(*shares, strict=True)]
    given = [iter(whole), iter(whole)]
    first, second = (banks_of(rank, lambda own, parts=given[rank]: next(parts)) for rank in range(2))
    assert not torch.equal(first[0], second[0])
    assert all(torch.equal(value, second[1][name]) for name, value in first[1].items())


def test_every_listed_recording_is_packed(tmp_path):
    """Published: a camera's homography is the unit of work, so of all its recordings one is prepared."""
    tags = [Tag(1, camera, performer, 1, 1) for camera in (1, 2) for performer in (1, 2, 3)]
    write_tiny_ntu(tmp_path, tags)
    cameras = {tag[:2] for tag in tags}
    published = [tags[n] for n, _ in enumerate(cameras)]
    pack(tmp_path, tmp_path / "out.npy", NtuPeople(stride=1, margin=0.15, height=64, width=48))
    assert len(published) == 2 and len(open_shard(tmp_path / "out.npy")) == FRAMES * len(tags)
