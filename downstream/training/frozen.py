"""The frozen-encoder probe: its scores judge the features of the encoder as it is, not their training."""

from torch import nn
from torchvision.ops import FrozenBatchNorm2d


def freeze(backbone: nn.Module) -> nn.Module:
    """Stop training ``backbone``, in place: no parameter gets a gradient, batch norms keep their statistics.

    Layers that a benchmark adds to the backbone later are trained as usual. Returns ``backbone``.
    """
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
    for parent in list(backbone.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d) and hasattr(child, "act"):  # timm's, with an activation of its own
                from timm.layers import freeze_batch_norm_2d  # here, because importing timm takes half a second

                setattr(parent, name, freeze_batch_norm_2d(child))
            elif isinstance(child, nn.BatchNorm2d):
                frozen, state = FrozenBatchNorm2d(child.num_features, eps=child.eps), child.state_dict()
                frozen.load_state_dict({key: value for key, value in state.items() if key != "num_batches_tracked"})
                setattr(parent, name, frozen)
    return backbone
