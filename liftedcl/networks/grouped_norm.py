"""Batch statistics over groups of the global batch: the batch norm of several GPUs, on any number of them.

With four groups, one device normalises a batch as four devices do, which MoCo's shuffling of the keys needs (keys.py).
With one group, the batch is normalised as a whole, in any number of processes. Groups and the processes' shares are
equal stretches of the global batch, so they nest.
"""

import functools

import torch
import torch.distributed.nn.functional as collective
from torch import Tensor, nn
from torch.nn import functional as F

from liftedcl.engine import distributed
from liftedcl.identity.errors import InputError


class GroupedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm that normalises each of ``groups`` equal parts of the local batch with its own statistics in training.

    The state dict is that of nn.BatchNorm2d. Running statistics are the means over the groups. As there, a ``momentum``
    of None makes them the means over all steps, which is how torch's update_bn estimates them anew.
    """

    groups: int = 1

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        self.num_batches_tracked.add_(1)
        momentum = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        means, variances = (x.expand(self.groups, -1).clone() for x in (self.running_mean, self.running_var))
        # Parts are views in either memory layout; one call for all groups would need a copy of x.
        parts = [
            F.batch_norm(part, mean, variance, self.weight, self.bias, True, momentum, self.eps)
            for part, mean, variance in zip(x.chunk(self.groups), means, variances, strict=True)
        ]
        with torch.no_grad():
            self.running_mean.copy_(means.mean(dim=0))
            self.running_var.copy_(variances.mean(dim=0))
        return torch.cat(parts)


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the global batch, also on the CPU, for which nn.SyncBatchNorm has no kernel."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or distributed.size() == 1:
            return super().forward(x)
        count = x.numel() // x.shape[1] * distributed.size()
        local_variance, local_mean = torch.var_mean(x.float(), dim=(0, 2, 3), correction=0)
        mean = collective.all_reduce(local_mean) / distributed.size()
        # Not E[x^2] - E[x]^2, which loses digits if the mean is large.
        variance = collective.all_reduce(local_variance + (local_mean - mean).square()) / distributed.size()
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return (x * scale.to(x.dtype)[:, None, None]) + shift.to(x.dtype)[:, None, None]


def group_batch_norms(network: nn.Module, groups: int, *, batch_size: int) -> nn.Module:
    """Make every BatchNorm2d of ``network``, in place, normalise ``groups`` parts of the global batch; its state stays.

    Raises:
        InputError: the groups don't divide the batch, or the processes don't divide the groups.
    """
    if groups < 1 or batch_size % groups:
        raise InputError(f"params.yaml: norm_groups: {groups} does not divide the batch size {batch_size}")
    if groups > 1 and groups % distributed.size():
        raise InputError(f"params.yaml: norm_groups: {distributed.size()} processes do not divide {groups} groups")
    norm = GlobalBatchNorm2d if groups == 1 else GroupedBatchNorm2d
    for module in network.modules():
        activated = isinstance(module, nn.BatchNorm2d) and hasattr(module, "act")  # timm's BatchNormAct2d
        if type(module) is nn.BatchNorm2d or activated:
            module.__class__ = _with_activation(norm) if activated else norm
            if groups > 1:
                module.groups = groups // distributed.size()
    return network


@functools.cache
def _with_activation(norm: type[nn.BatchNorm2d]) -> type[nn.BatchNorm2d]:
    """``norm`` with the activation that timm's BatchNormAct2d applies after its normalisation."""

    class Activated(norm):
        def forward(self, x: Tensor) -> Tensor:
            return self.act(self.drop(super().forward(x)))

    return Activated
