"""Batch statistics over groups of a batch, and shuffled keys: shuffling BN (MoCo) for one device.

Where a query and its key are normalised among the same images, a network can find the positive through the statistics
they share. MoCo shuffles the keys across GPUs, which a single device can't; here each layer normalises ``groups`` parts
of the batch apart, and the keys go through in a random order, so that a key's companions are not its query's.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.errors import InputError


class GroupedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose training statistics are those of ``groups`` interleaved parts of the batch; same state dict."""

    groups: int = 1

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        batch, channels, height, width = x.shape
        # Sample i belongs to group i mod G: a view, no copy.
        grouped = x.reshape(batch // self.groups, self.groups * channels, height, width)
        mean, variance = self.running_mean.repeat(self.groups), self.running_var.repeat(self.groups)
        weight, bias = self.weight.repeat(self.groups), self.bias.repeat(self.groups)
        out = F.batch_norm(grouped, mean, variance, weight, bias, True, self.momentum, self.eps)
        with torch.no_grad():
            self.running_mean.copy_(mean.view(self.groups, channels).mean(dim=0))
            self.running_var.copy_(variance.view(self.groups, channels).mean(dim=0))
            self.num_batches_tracked.add_(1)
        return out.reshape(x.shape)


def group_batch_norms(network: nn.Module, groups: int, *, batch_size: int) -> nn.Module:
    """Turn every BatchNorm2d of ``network`` into a grouped one, in place, keeping its state.

    Raises:
        InputError: the groups don't divide the batch.
    """
    if groups < 1 or batch_size % groups:
        raise InputError(f"params.yaml: contrast.norm_groups: {groups} does not divide the batch size {batch_size}")
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = GroupedBatchNorm2d
            module.groups = groups
    return network


@torch.no_grad()
def shuffled(network: nn.Module, images: Tensor) -> Tensor:
    """``network(images)`` computed with the batch in a random order; the result is in the order given."""
    order = torch.randperm(len(images), device=images.device)
    return network(images[order])[torch.argsort(order)]
