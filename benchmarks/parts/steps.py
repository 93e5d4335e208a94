"""One whole pre-training step of LiftedCL, ours and one written the published way, from the same images."""

import copy
import io
import itertools
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.parts import published
from liftedcl.engine.loop import step_seed, train_step
from liftedcl.images.batches import Batch
from liftedcl.images.shard import Shard
from liftedcl.methods.liftedcl import LiftedCL
from liftedcl.networks.critic import Critic, critic_loss, lifting_loss
from liftedcl.networks.encoder import build_backbone
from liftedcl.networks.lifting import LiftingNetwork
from liftedcl.networks.projectors import MapProjector, VectorProjector
from liftedcl.pretrain import PretrainingTask
from liftedcl.recipes.encoder_recipe import EncoderRecipe
from liftedcl.views.align import shared_area
from liftedcl.views.view_draw import Geometry


class OurStep:
    """The engine's step on batches of a shard, as `liftedcl.pretrain` runs it."""

    def __init__(
        self, recipe: EncoderRecipe, shard: Shard, skeletons: np.ndarray, device: torch.device, *, autocast: bool
    ):
        torch.manual_seed(0)
        method = LiftedCL(recipe, build_backbone(recipe.backbone), shard, skeletons)
        self.task = PretrainingTask(method, recipe, shard, 0, device)
        self.task.module.train()
        self.step = 0
        self._precision = torch.autocast(device.type, torch.bfloat16, enabled=autocast)
        self._batches = self._from(0)

    def __call__(self) -> dict[str, Tensor]:
        """Do one step. Returns the detached, weighted loss terms, on the device."""
        batch = next(self._batches)
        torch.manual_seed(step_seed(0, self.step))
        terms = train_step(self.task, batch, self.step, self._precision)
        self.step += 1
        return terms

    def query(self) -> nn.Module:
        return self.task.module["method"].backbone

    def networks(self, views: Tensor) -> None:
        """The query's networks forward and backward and the key's forward, on given views: the least of any step."""
        method = self.task.module["method"]
        features = method.backbone(views)
        sum(head(features).mean() for head in method.heads.values()).backward()
        method.key(views)

    def demanded(self, views: Tensor, reals: Tensor) -> None:
        """What the method demands of its networks, on given views and real skeletons (B, 17, 3).

        Query forward and backward of a loss of no cost, through the critic for lifted skeletons; momentum update and
        key forward; the critic's own forward and backward; both optimisers, at a rate of 0, so that nothing moves away.
        """
        method = self.task.module["method"]
        method.key.follow(method.backbone, method.heads, 1.0)
        method.key(views)
        features = method.backbone(views)
        outputs = {name: head(features) for name, head in method.heads.items()}
        fakes = outputs.pop("lifting")
        method.critic.requires_grad_(False)
        loss = method.critic(fakes).mean() + sum(output.mean() for output in outputs.values())
        method.critic.requires_grad_(True)
        self._move("encoder", loss)
        self._move("critic", method.critic(torch.cat([reals, fakes.detach()])).mean())

    def _move(self, name: str, loss: Tensor) -> None:
        optimiser = self.task.players[name].optimiser
        for group in optimiser.param_groups:
            group["lr"] = 0.0
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def skip(self, steps: int) -> None:
        """Go on at step ``steps``, as after resuming."""
        self.close()
        self.step, self._batches = steps, self._from(steps)

    def _from(self, step: int) -> Iterator[Batch]:
        first, start = divmod(step, self.task.steps_per_epoch)
        for epoch in itertools.count(first):
            yield from self.task.batches(epoch, start if epoch == first else 0)

    def close(self) -> None:
        """End the reader's thread."""
        self._batches.close()


class PublishedStep:
    """The same networks and losses, with every part done the published way (`benchmarks.parts.published`).

    The critic's gradients are computed in the encoder's step and thrown away; batch norm is PyTorch's; the loss is read
    at every step. Queues start as in `liftedcl.networks.queue`.
    """

    def __init__(self, recipe: EncoderRecipe, files: list[bytes], skeletons: np.ndarray, device: torch.device):
        torch.manual_seed(0)
        contrast, lifting, training = recipe.contrast, recipe.lifting, recipe.training
        backbone = build_backbone(recipe.backbone)
        channels, sizes = backbone.out_channels, {"hidden": contrast.hidden, "dimension": contrast.dimension}
        parts = {
            "backbone": backbone,
            "invariant": VectorProjector(channels, **sizes),
            "equivariant": MapProjector(channels, **sizes),
        }
        self.networks = nn.ModuleDict(parts).to(device)
        self._key = copy.deepcopy(self.networks).requires_grad_(False)
        self._lift = LiftingNetwork(channels, hidden=lifting.hidden, blocks=lifting.blocks).to(device)
        self._critic = Critic(hidden=lifting.critic_hidden, blocks=lifting.critic_blocks).to(device)
        self._queues = {
            name: F.normalize(torch.randn(contrast.queue, contrast.dimension, device=device), dim=1)
            for name in ("invariant", "equivariant")
        }
        self._position = 0
        self._skeletons = torch.from_numpy(skeletons).to(device)
        rate = {"lr": training.learning_rate, "momentum": training.momentum, "weight_decay": training.weight_decay}
        self._optimiser = torch.optim.SGD([*self.networks.parameters(), *self._lift.parameters()], **rate)
        self._critic_optimiser = torch.optim.SGD(self._critic.parameters(), **rate)
        self._recipe, self._device = recipe, device
        self._view = published.PilView(recipe.views)
        self._files = itertools.cycle(files)

    def query(self) -> nn.Module:
        return self.networks["backbone"]

    def load(self) -> tuple[Tensor, Geometry, Tensor, Geometry]:
        """Query views, their geometry, key views, their geometry: decoded and transformed one by one, on the CPU."""
        chosen = itertools.islice(self._files, self._recipe.training.batch_size)
        pictures = [Image.open(io.BytesIO(file)).convert("RGB") for file in chosen]
        return *published.pil_views(pictures, self._view), *published.pil_views(pictures, self._view)

    def __call__(self) -> dict[str, Tensor]:
        """Do one step on freshly loaded views."""
        return self.train(*self.load())

    def train(self, query_views: Tensor, query_at: Geometry, key_views: Tensor, key_at: Geometry) -> dict[str, Tensor]:
        """Do one step on given views. Returns the detached, weighted loss terms."""
        contrast, lifting = self._recipe.contrast, self._recipe.lifting
        query_views, key_views = query_views.to(self._device), key_views.to(self._device)
        query_at, key_at = (Geometry(x.boxes.to(self._device), x.flips.to(self._device)) for x in (query_at, key_at))
        area, _ = shared_area(query_at, key_at)

        features = self.networks["backbone"](query_views)
        invariant, dense = self.networks["invariant"](features), self.networks["equivariant"](features)
        with torch.no_grad():
            published.follow(self._key, self.networks, contrast.key_momentum)
            key_features = self._key["backbone"](key_views)
            key_invariant, key_dense = self._key["invariant"](key_features), self._key["equivariant"](key_features)
            aligned_key = _vectors(published.align(key_dense, key_at, area, lifting.align_size))
        aligned = _vectors(published.align(dense, query_at, area, lifting.align_size))
        fakes = self._lift(features)
        temperature = contrast.temperature
        terms = {
            "inv": published.info_nce(invariant, key_invariant, self._queues["invariant"], temperature).mean(),
            "equiv": published.info_nce(aligned, aligned_key, self._queues["equivariant"], temperature).mean(),
            "adv": lifting_loss(self._critic(fakes)),
        }
        terms = {name: getattr(lifting, name) * term for name, term in terms.items()}
        loss = sum(terms.values())
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        loss.item()

        reals = self._skeletons[torch.randint(len(self._skeletons), (len(fakes),), device=self._device)]
        self._critic_optimiser.zero_grad()
        critic_loss(self._critic(reals), self._critic(fakes.detach())).backward()
        self._critic_optimiser.step()

        pooled = F.normalize(key_dense.mean(dim=(2, 3)), dim=1)
        for name, new in (("invariant", key_invariant), ("equivariant", pooled)):
            self._queues[name][self._position : self._position + len(new)] = new
        self._position = (self._position + len(pooled)) % contrast.queue
        return {name: term.detach() for name, term in terms.items()}


def _vectors(maps: Tensor) -> Tensor:
    return F.normalize(maps.flatten(2).transpose(1, 2), dim=2)
