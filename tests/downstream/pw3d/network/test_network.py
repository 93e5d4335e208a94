"""RSC-Net's parts: 6D rotations, the body as a layer, scalars per resolution, and where the regression starts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from smplx.lbs import batch_rodrigues
from torchvision.models.resnet import Bottleneck

from downstream.pw3d.body.body_model import (
    MIRRORED_JOINTS,
    MIRRORED_TRAINING_JOINTS,
    TRAINING_JOINTS,
    TRAINING_LANDMARKS,
    read_body,
    read_mean_parameters,
)
from downstream.pw3d.body.regressors import read_regressors
from downstream.pw3d.body.smpl_layer import SMPLLayer, TrainingJoints
from downstream.pw3d.network.resolution_scalars import ResolutionScalars
from downstream.pw3d.network.shape_network import ShapeNetwork, ShapeRegressor, project, rotations_from_6d, translations
from downstream.training.frozen import freeze
from liftedcl.networks.encoder import ResNetMap, build_backbone
from synthetic.people import body as synthetic
from synthetic.smpl_files import write_smpl_files


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pw3d")
    write_smpl_files(folder / "smpl")
    return folder


@pytest.fixture(scope="module")
def body(root):
    """The shipped body, with pose correctives added: a layer that leaves them out is found."""
    arrays = read_body(root / "smpl" / "neutral.npz")
    return replace(arrays, posedirs=np.random.default_rng(0).normal(0, 0.003, arrays.posedirs.shape))


def random_rotations(*shape, seed=0):
    count = int(np.prod(shape))
    return Rotation.random(count, random_state=seed).as_matrix().reshape(*shape, 3, 3)


def test_six_numbers_hold_a_rotation():
    rotations = torch.from_numpy(random_rotations(5, 24))
    numbers = rotations[..., :2].flatten(-3)  # SPIN's layout
    assert torch.allclose(rotations_from_6d(numbers), rotations, atol=1e-12)


def test_any_six_numbers_give_a_rotation_whose_first_column_is_theirs():
    numbers = torch.randn(7, 144, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rotations = rotations_from_6d(numbers)
    assert torch.allclose(rotations.mT @ rotations, torch.eye(3, dtype=torch.float64).expand(7, 24, 3, 3), atol=1e-9)
    assert torch.allclose(torch.linalg.det(rotations), torch.ones(7, 24, dtype=torch.float64))
    # SPIN's layout: numbers 0, 2, 4 are the first column, and only its direction counts.
    first = numbers.view(7, 24, 6)[..., ::2]
    assert torch.allclose(rotations[..., 0], first / first.norm(dim=-1, keepdim=True))
    scaled = numbers.view(7, 24, 6) * torch.tensor([3.0, 0.5] * 3, dtype=torch.float64)
    assert torch.allclose(rotations_from_6d(scaled.view(7, 144)), rotations)


def test_layer_equals_the_generated_peoples_skinning(root):
    """smplx's skinning against synthetic/people/body.py's, which shares no code with it."""
    shipped, rng = synthetic.load_body(), np.random.default_rng(1)
    rotations, betas = random_rotations(3, 24), rng.normal(0, 1, (3, 10))
    layer = SMPLLayer(read_body(root / "smpl" / "neutral.npz"))
    vertices, joints = layer(torch.from_numpy(rotations).float(), torch.from_numpy(betas).float())
    for n in range(3):
        shaped = shipped.shaped(betas[n])
        rest = shipped.J_regressor @ shaped
        np.testing.assert_allclose(vertices[n], synthetic.skin(shaped, shipped.weights, rest, rotations[n]), atol=2e-5)
        np.testing.assert_allclose(joints[n], synthetic.forward_kinematics(rest, rotations[n])[1], atol=2e-5)


def test_training_joints_are_those_of_the_whole_body(root, body):
    """The cut-down body gives the joints of the whole one, pose correctives included."""
    regressors, rng = read_regressors(root, body), np.random.default_rng(2)
    rotations = torch.from_numpy(random_rotations(4, 24)).float()
    betas = torch.from_numpy(rng.normal(0, 1, (4, 10))).float()
    vertices, tree = SMPLLayer(body)(rotations, betas)
    extra = torch.from_numpy(regressors.extra).float() @ vertices
    landmarks = torch.cat([tree, extra, vertices[:, body.face_vertices]], dim=1)
    found = TrainingJoints(body, regressors)(rotations, betas)
    torch.testing.assert_close(found, landmarks[:, TRAINING_LANDMARKS], atol=2e-5, rtol=0)


def test_layer_keeps_the_licensed_arrays_out_of_checkpoints(root, body):
    assert not SMPLLayer(body).state_dict() and not TrainingJoints(body, read_regressors(root, body)).state_dict()


def test_mirrored_pose_mirrors_the_joints(root):
    """Turning the left arm and the right leg, mirrored, turns the right arm and the left leg the mirrored way."""
    arrays = read_body(root / "smpl" / "neutral.npz")
    layer = TrainingJoints(arrays, read_regressors(root, arrays))
    pose = np.zeros((24, 3))
    pose[0], pose[16], pose[18], pose[2], pose[5] = (
        (0.1, 0.4, -0.2),
        (0.2, 0.3, -0.9),
        (0, 1.2, 0.1),
        (-1, 0.2, 0),
        (1, 0, 0),
    )
    mirrored = pose[MIRRORED_JOINTS] * [1, -1, -1]
    rotations = batch_rodrigues(torch.from_numpy(np.stack([pose, mirrored])).float().reshape(-1, 3)).view(2, 24, 3, 3)
    plain, other = layer(rotations, torch.zeros(2, 10)).numpy()
    expected = plain[MIRRORED_TRAINING_JOINTS] * [-1, 1, 1]
    # The shipped mesh is symmetric to a few millimetres; left and right exchanged would be off by decimetres.
    assert np.abs(other - expected).max() < 0.015
    assert np.abs(other - plain).max() > 0.3


def test_left_is_left(root):
    """Upright and facing +z, as SMPL's template is, the left hip, shoulder and ankle are at larger x."""
    arrays = read_body(root / "smpl" / "neutral.npz")
    joints = TrainingJoints(arrays, read_regressors(root, arrays))(torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10))
    place = dict(zip(TRAINING_JOINTS, joints[0].tolist(), strict=True))
    for part in ("ankle", "knee", "hip", "wrist", "elbow", "shoulder", "eye", "ear"):
        assert place[f"left_{part}"][0] > place[f"right_{part}"][0] + 0.01
    assert place["head_top"][1] > place["neck"][1] > place["pelvis"][1] > place["left_ankle"][1]
    assert place["nose"][2] > place["left_ear"][2]


@pytest.mark.parametrize("name", ["resnet18_narrow", "bottleneck", "frozen"])
def test_scalars_of_one_change_nothing_and_others_do(name):
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow")
    if name == "bottleneck":
        backbone = ResNetMap(Bottleneck, [1, 2, 1, 1], width=8, strides=[1, 2, 1, 1])
    if name == "frozen":
        freeze(backbone)
    backbone.eval()
    names = list(backbone.state_dict())
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = backbone(images)
        scaled = ResolutionScalars(backbone, 3)
        assert torch.equal(scaled(images, 1), before) and torch.equal(backbone(images), before)
        assert [len(scalars) for scalars in scaled.scalars] == 3 * [5 if name == "bottleneck" else 8]
        assert {scalars.requires_grad for scalars in scaled.scalars} == {name != "frozen"}
        scaled.scalars[2].fill_(0.5)
        same = [torch.equal(scaled(images, level), before) for level in range(3)]
    assert same == [True, True, False]
    assert list(backbone.state_dict()) == names


def test_a_level_enters_with_what_the_finer_one_has_learnt():
    """It is trained on from there by itself, with moments of its own: Adam's first step is the learning rate."""
    torch.manual_seed(0)
    scaled = ResolutionScalars(build_backbone("resnet18_narrow").eval(), 3)
    optimiser = torch.optim.Adam(scaled.scalars, lr=0.01)
    for level in (0, 1, 1, 1):
        optimiser.zero_grad()
        scaled(torch.randn(2, 3, 32, 32), level).square().mean().backward()
        optimiser.step()
    first, second, third = (scalars.detach().clone() for scalars in scaled.scalars)
    assert (second != 1).all() and not torch.equal(first, second) and (third == 1).all()
    scaled.enter(2)
    assert torch.equal(scaled.scalars[2], second) and torch.equal(scaled.scalars[1], second)
    optimiser.zero_grad()
    scaled(torch.randn(2, 3, 32, 32), 2).square().mean().backward()
    optimiser.step()
    assert torch.equal(scaled.scalars[1], second)
    torch.testing.assert_close((scaled.scalars[2] - second).abs(), torch.full((8,), 0.01), atol=1e-5, rtol=1e-3)


def test_block_adds_alpha_times_its_branch():
    torch.manual_seed(0)
    backbone = build_backbone("resnet18_narrow").eval()
    scaled, block = ResolutionScalars(backbone, 1), backbone.layer1[0]
    x = torch.randn(2, 16, 8, 8)
    branch = block.bn2(block.conv2(block.relu(block.bn1(block.conv1(x)))))
    with torch.no_grad():
        scaled.scalars[0][0] = -0.7
        scaled._scalars = scaled.scalars[0]
        torch.testing.assert_close(block(x), (x - 0.7 * branch).relu())


@pytest.mark.parametrize(("name", "branches"), [("vit_narrow", 12), ("timm/swin_tiny_patch4_window7_224", 24)])
def test_a_transformer_has_a_scalar_for_each_attention_and_each_mlp(name, branches):
    torch.manual_seed(0)
    backbone = build_backbone(name).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        before, scaled = backbone(images), ResolutionScalars(backbone, 2)
        assert [len(scalars) for scalars in scaled.scalars] == 2 * [branches] and scaled.branches == branches
        assert torch.equal(scaled(images, 1), before)
        scaled.scalars[1].fill_(0.5)
        assert torch.equal(scaled(images, 0), before) and not torch.allclose(scaled(images, 1), before, atol=1e-2)
        scaled.scalars[0].zero_()  # without its branches, a plain transformer is its patches, places and last norm
        if name == "vit_narrow":
            tokens = backbone.norm(backbone._pos_embed(backbone.patch_embed(images)))[:, 1:]
            assert torch.equal(scaled(images, 0).flatten(2).transpose(1, 2), tokens)


def test_a_transformers_block_adds_alpha_times_each_branch():
    torch.manual_seed(0)
    backbone = build_backbone("vit_narrow").eval()
    block, x = backbone.blocks[0], torch.randn(2, 5, 128)
    with torch.no_grad():
        middle = x - 0.7 * block.attn(block.norm1(x))
        expected = middle + 0.3 * block.mlp(block.norm2(middle))
        scaled = ResolutionScalars(backbone, 1)
        scaled.scalars[0][:2] = torch.tensor([-0.7, 0.3])
        scaled._scalars = scaled.scalars[0]
        torch.testing.assert_close(block(x), expected)


def test_a_backbone_without_such_branches_goes_without_scalars():
    torch.manual_seed(0)
    backbone = build_backbone("timm/convnext_atto").eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected, scaled = backbone(images), ResolutionScalars(backbone, 3)
        scaled.enter(2)
        assert torch.equal(scaled(images, 2), expected)
    assert scaled.branches == 0 and not any(scalars.requires_grad for scalars in scaled.scalars)


def network(root, levels=3):
    arrays, mean = read_body(root / "smpl" / "neutral.npz"), read_mean_parameters(root)
    regressor = ShapeRegressor(128, width=32, dropout=0.5, iterations=3, mean=(mean.pose, mean.shape, mean.camera))
    return ShapeNetwork(
        build_backbone("resnet18_narrow"),
        regressor,
        TrainingJoints(arrays, read_regressors(root, arrays)),
        levels=levels,
        embedding_width=16,
        embedding=8,
        queue=64,
    )


def test_regression_starts_at_the_mean_parameters(root):
    torch.manual_seed(0)
    model, mean = network(root).eval(), read_mean_parameters(root)
    with torch.no_grad():
        shapes = model(torch.randn(6, 3, 48, 48), [0, 1, 2])
        expected = rotations_from_6d(torch.from_numpy(mean.pose).float())
        # Three times a bias of at most 1 / sqrt(32), and a little more.
        assert shapes.betas.abs().max() < 0.6 and (shapes.cameras - torch.tensor([0.9, 0, 0])).abs().max() < 0.6
        for parameter in model.regressor.heads.parameters():
            parameter.zero_()
        exact = model(torch.randn(6, 3, 48, 48), [0, 1, 2])
    assert torch.allclose(exact.rotations, expected.expand(6, 24, 3, 3), atol=1e-6) and not exact.betas.any()
    assert torch.allclose(exact.embeddings.norm(dim=1), torch.ones(6))


def test_the_regressor_corrects_its_estimate_through_two_rectified_layers():
    """HMR's regressor in numpy: fc1, ReLU, fc2, ReLU, and one head for each of pose, betas and camera."""
    torch.manual_seed(0)
    start = np.random.default_rng(0).normal(size=157)
    regressor = ShapeRegressor(
        20, width=16, dropout=0.5, iterations=3, mean=(start[:144], start[144:154], start[154:])
    ).eval()
    features = torch.randn(5, 20)
    weights = {name: value.double().numpy() for name, value in regressor.state_dict().items() if name != "start"}
    (w1, b1), (w2, b2), *heads = zip(*[iter(weights.values())] * 2, strict=True)
    estimate = np.tile(start, (5, 1))
    for _ in range(3):
        hidden = np.maximum(np.concatenate([features.numpy(), estimate], axis=1) @ w1.T + b1, 0)
        hidden = np.maximum(hidden @ w2.T + b2, 0)
        estimate = estimate + np.concatenate([hidden @ w.T + b for w, b in heads], axis=1)
    with torch.no_grad():
        rotations, betas, cameras = regressor(features)
    np.testing.assert_allclose(rotations, rotations_from_6d(torch.from_numpy(estimate[:, :144])), atol=2e-5)
    np.testing.assert_allclose(betas, estimate[:, 144:154], atol=1e-5)
    np.testing.assert_allclose(cameras, estimate[:, 154:], atol=1e-5)


def test_each_level_has_batch_statistics_of_its_own(root):
    """A level's features don't depend on which others are in the batch, nor on their images."""
    torch.manual_seed(0)
    model, images = network(root), torch.randn(6, 3, 48, 48)
    whole = model(images, [0, 1, 2]).embeddings.detach()
    for level in range(3):
        part = slice(2 * level, 2 * level + 2)
        torch.testing.assert_close(model(images[part], [level]).embeddings.detach(), whole[part])


def test_projection_is_weak_perspective_at_the_roots_depth():
    """At the depth of the camera's zero, s (X + t) are the places in the crop; a nearer point is further out."""
    points = torch.tensor([[[0.2, -0.3, 0.0], [0.2, -0.3, -1.0], [0.2, -0.3, 1.0]]])
    lens = {"focal_length": 5000.0, "size": 224}
    flat, near, far = project(points, translations(torch.tensor([[0.8, 0.1, -0.05]]), **lens), **lens)[0]
    torch.testing.assert_close(flat, 0.8 * torch.tensor([0.3, -0.35]))
    assert (near.abs() > flat.abs()).all() and (far.abs() < flat.abs()).all()
    # In px of the crop the perspective is f / Z, with Z = 2 f / (224 s).
    depth = 2 * 5000 / (224 * 0.8) - 1
    torch.testing.assert_close(112 * near, 5000 * torch.tensor([0.3, -0.35]) / depth)
