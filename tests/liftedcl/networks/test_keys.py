"""The key encoder: follows slowly, takes no gradient, and shuffles its batch without the caller's noticing."""

import torch
from repository import REPOSITORY
from torch import nn

from liftedcl.images.batches import Batch
from liftedcl.networks.keys import KeyEncoder
from liftedcl.views.rendering import render_views
from liftedcl.views.view_pair import ViewPair
from workflow.params import read_params

VIEWS = read_params(REPOSITORY / "params.yaml", {"profile": "demo"}).encoders["moco_v2_in"].views


class Recorder(nn.Module):
    """A backbone that gives each view's mean as its map, and keeps what it was shown."""

    def forward(self, views):
        self.shown = views
        return views.mean(dim=(2, 3), keepdim=True)


def test_the_momentum_copy_follows_and_takes_no_gradient():
    backbone, heads = nn.Linear(3, 3), nn.ModuleDict({"a": nn.Linear(3, 2)})
    key = KeyEncoder(backbone, heads)
    before = [parameter.clone() for parameter in key.parameters()]
    query = [*backbone.parameters(), *heads["a"].parameters()]
    with torch.no_grad():
        for parameter in query:
            parameter.add_(1.0)
    heads["b"] = nn.Linear(1, 1)  # a head that makes no keys
    key.follow(backbone, heads, 0.9)
    for old, new, followed in zip(before, key.parameters(), query, strict=True):
        assert torch.allclose(new, 0.9 * old + 0.1 * followed)
        assert not new.requires_grad


def test_shuffled_keys_come_back_in_order():
    torch.manual_seed(0)
    images = torch.randint(0, 256, (16, 3, 64, 48), dtype=torch.uint8)
    pair = ViewPair(Batch(images, torch.ones(16), torch.arange(16), 0), VIEWS, images.device)
    key = KeyEncoder(Recorder(), nn.ModuleDict({"twice": nn.Sequential(nn.Flatten(), nn.Linear(3, 2))}))
    keys = key.shuffled(pair, ("features", "twice"))
    views = render_views(images, pair.key, VIEWS)
    assert torch.allclose(keys["features"], views.mean(dim=(2, 3), keepdim=True), atol=1e-6)
    assert torch.allclose(keys["twice"], key.heads["twice"](keys["features"]), atol=1e-6)
    shown = key.backbone.shown
    assert not torch.equal(shown, views), "the batch went through in its own order"
    assert torch.allclose(shown.mean(dim=(1, 2, 3)).sort().values, views.mean(dim=(1, 2, 3)).sort().values)
    assert not keys["twice"].requires_grad
