"""The frozen-encoder probe: an encoder as it is, so that a score tells of its features and not of their training."""

from torch import nn
from torchvision.ops import FrozenBatchNorm2d


def freeze(backbone: nn.Module) -> nn.Module:
    """Stop training ``backbone``, in place: no parameter gets a gradient, batch norms keep their statistics.

    Layers that a benchmark adds to the backbone later are trained as ever.

    Returns:
        ``backbone``.
    """
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
    for parent in list(backbone.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, _frozen(child))
    return backbone


def _frozen(norm: nn.BatchNorm2d) -> FrozenBatchNorm2d:
    frozen = FrozenBatchNorm2d(norm.num_features, eps=norm.eps)
    frozen.load_state_dict({key: value for key, value in norm.state_dict().items() if key != "num_batches_tracked"})
    return frozen
