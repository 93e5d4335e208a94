"""Encoder and decoder of masked pictures against independent implementations with the same weights."""

import math
from functools import partial

import pytest
import torch
from timm.models.vision_transformer import Block
from torch import nn
from torch.nn import functional as F

from liftedcl.identity.errors import InputError
from liftedcl.networks.completion_decoder import CompletionDecoder
from liftedcl.networks.encoder import build_backbone
from liftedcl.networks.sine_positions import sine_positions
from liftedcl.networks.visible_patches import begin_as_published, encode_visible, require_plain_vit
from liftedcl.recipes.completion_recipe import Masking

RECIPE = Masking(ratio=0.75, person=0.0, width=32, depth=3, heads=4, normalise=True)
GRID = (8, 6)


@pytest.fixture(scope="module")
def vit():
    torch.manual_seed(0)
    vit = build_backbone("vit_narrow").eval()
    begin_as_published(vit)
    return vit


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.randn(3, 3, 64, 48)  # the embeddings' grid is 8x8, this one 8x6


def some_places(count: int) -> torch.Tensor:
    torch.manual_seed(2)
    return torch.stack([torch.randperm(math.prod(GRID))[:count].sort().values for _ in range(3)])


def attention(width: int, heads: int, weights: torch.Tensor, biases: torch.Tensor, out: nn.Linear):
    """torch's own attention with weights (3 width, width) of queries, keys and values."""
    module = nn.MultiheadAttention(width, heads, batch_first=True)
    module.in_proj_weight.data, module.in_proj_bias.data = weights, biases
    module.out_proj.weight.data, module.out_proj.bias.data = out.weight, out.bias
    return lambda x, y: module(x, y, y, need_weights=False)[0]


@torch.no_grad()
def test_with_all_patches_visible_it_is_timms_forward(vit, images):
    everything = torch.arange(48).expand(3, -1)
    assert torch.equal(encode_visible(vit, images, everything), vit.forward_features(images))


@torch.no_grad()
def test_the_encoder_equals_torchs_attention_on_the_visible_patches(vit, images):
    visible = some_places(12)
    ours = encode_visible(vit, images, visible)
    embeddings = vit.pos_embed[:, 1:].view(1, 8, 8, 128).permute(0, 3, 1, 2)
    embeddings = F.interpolate(embeddings, size=GRID, mode="bicubic", antialias=True).flatten(2).transpose(1, 2)
    patches = F.conv2d(images, vit.patch_embed.proj.weight, vit.patch_embed.proj.bias, stride=8)
    patches = patches.flatten(2).transpose(1, 2) + embeddings
    seen = torch.stack([patches[row, visible[row]] for row in range(3)])
    x = torch.cat([(vit.cls_token + vit.pos_embed[:, :1]).expand(3, -1, -1), seen], dim=1)
    for block in vit.blocks:
        attend = attention(128, 4, block.attn.qkv.weight, block.attn.qkv.bias, block.attn.proj)
        y = block.norm1(x)
        x = x + attend(y, y)
        x = x + block.mlp.fc2(F.gelu(block.mlp.fc1(block.norm2(x))))
    assert ours.shape == (3, 13, 128)
    assert torch.allclose(ours, F.layer_norm(x, (128,), vit.norm.weight, vit.norm.bias, 1e-6), atol=1e-5)


@torch.no_grad()
def test_hidden_patches_have_no_influence(vit, images):
    visible = some_places(12)
    seen = torch.zeros(3, 48).scatter(1, visible, 1.0).view(3, 1, *GRID)
    noise = F.interpolate(1 - seen, scale_factor=8) * torch.randn(images.shape)
    assert noise.any()
    assert torch.equal(encode_visible(vit, images + noise, visible), encode_visible(vit, images, visible))


def decoder_of(cross: bool) -> CompletionDecoder:
    torch.manual_seed(3)
    decoder = CompletionDecoder(128, RECIPE, grid=GRID, pixels=192, cross=cross).eval()
    for parameter in decoder.parameters():  # norms and biases are told apart too
        parameter.data += 0.1 * torch.randn(parameter.shape)
    return decoder


def inputs_by_hand(decoder, tokens, visible, prefix):
    x = decoder.mask_token.repeat(3, 48, 1)
    embedded = decoder.embed(tokens)
    for row in range(3):
        x[row, visible[row]] = embedded[row, prefix:]
    return torch.cat([embedded[:, :prefix], x + sine_positions(*GRID, 32)], dim=1)


@torch.no_grad()
def test_the_decoder_equals_timms_blocks():
    decoder, visible = decoder_of(cross=False), some_places(12)
    tokens = torch.randn(3, 1 + 12, 128)
    x = inputs_by_hand(decoder, tokens, visible, prefix=1)
    for own in decoder.blocks:
        block = Block(32, 4, qkv_bias=True, norm_layer=partial(nn.LayerNorm, eps=1e-6))
        block.load_state_dict({name.replace("norm3", "norm2"): value for name, value in own.state_dict().items()})
        x = block(x)
    assert torch.allclose(decoder(tokens, visible), decoder.predict(decoder.norm(x))[:, 1:], atol=1e-5)


@torch.no_grad()
def test_the_decoder_with_a_second_picture_equals_torchs_attention():
    decoder, visible = decoder_of(cross=True), some_places(12)
    tokens, second = torch.randn(3, 12, 128), torch.randn(3, 48, 128)
    x, y = inputs_by_hand(decoder, tokens, visible, prefix=0), decoder.embed(second) + sine_positions(*GRID, 32)
    for block in decoder.blocks:
        to_itself = attention(32, 4, block.attn.qkv.weight, block.attn.qkv.bias, block.attn.proj)
        parts = (block.cross.query, block.cross.key, block.cross.value)
        weights, biases = (torch.cat([getattr(part, name) for part in parts]) for name in ("weight", "bias"))
        to_second = attention(32, 4, weights, biases, block.cross.proj)
        z = block.norm1(x)
        x = x + to_itself(z, z)
        x = x + to_second(block.norm2(x), block.norm_y(y))
        x = x + block.mlp.fc2(F.gelu(block.mlp.fc1(block.norm3(x))))
    ours = decoder(tokens, visible, second)
    assert ours.shape == (3, 48, 192)
    assert torch.allclose(ours, decoder.predict(decoder.norm(x)), atol=1e-5)


@torch.no_grad()
def test_the_second_pictures_tokens_are_never_updated():
    decoder = decoder_of(cross=True)
    seen = []
    for block in decoder.blocks:
        block.register_forward_hook(lambda _, inputs, output: seen.append((inputs[1], inputs[1].clone(), output)))
    second = torch.randn(3, 48, 128)
    decoder(torch.randn(3, 12, 128), some_places(12), second)
    first = decoder.embed(second) + decoder.positions
    assert len(seen) == 3
    for y, then, output in seen:
        assert y is seen[0][0] and torch.equal(then, first) and torch.equal(y, first)
        assert output.shape == (3, 48, 32)  # of the first picture alone


@torch.no_grad()
def test_attention_weights_are_those_that_are_used():
    cross = decoder_of(cross=True).blocks[0].cross
    x, y = torch.randn(2, 5, 32), torch.randn(2, 7, 32)
    weights = cross.weights(x, y)
    assert weights.shape == (2, 4, 5, 7)
    assert torch.allclose(weights.sum(dim=3), torch.ones(2, 4, 5))
    attended = weights @ cross.value(y).unflatten(2, (4, 8)).transpose(1, 2)
    assert torch.allclose(cross(x, y), cross.proj(attended.transpose(1, 2).flatten(2)), atol=1e-6)


def test_positions_are_sines_and_cosines_of_column_and_row():
    table = sine_positions(3, 5, 16)
    assert table.shape == (15, 16)
    for row in range(3):
        for column in range(5):
            rates = [10000 ** (-i / 4) for i in range(4)]
            expected = [
                part(place * rate) for place in (column, row) for part in (math.sin, math.cos) for rate in rates
            ]
            assert table[row * 5 + column].tolist() == pytest.approx(expected, abs=1e-6)
    assert torch.equal(sine_positions(1, 1, 8)[0], torch.tensor([0.0, 0, 1, 1, 0, 0, 1, 1]))


def test_a_backbone_that_is_no_plain_vit_is_named():
    with pytest.raises(InputError, match=r"backbone: resnet18_narrow: mae hides patches.* like vit_s16"):
        require_plain_vit(build_backbone("resnet18_narrow"), "resnet18_narrow", "mae")
