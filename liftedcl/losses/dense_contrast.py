"""Dense intra-sample contrast between colour and depth, with soft targets (HCMoCo, section 3.3)."""

import torch
from torch import Tensor
from torch.nn import functional as F


def dense_contrast(first: Tensor, second: Tensor, places: Tensor, temperature: float) -> Tensor:
    """Of each image, (B,) float32: -mean_j sum_i q_ij log softmax_i(s_ij), in both directions, added.

    s_ij is the cosine of point i of one map and point j of the other, over tau; q_ij = softmax_i(-|x_i - x_j|): of each
    target point, near source points are as good as the same one. q has no temperature.

    Args:
        first, second: (B, P, D), the features of the same P points in two maps, of any length.
        places: (B, P, 2), where the points are, in cells of the maps.
        temperature: tau.
    """
    with torch.autocast(first.device.type, enabled=False):
        first, second = (F.normalize(features.float(), dim=2) for features in (first, second))
        similar = first @ second.transpose(1, 2) / temperature  # i of the first map, j of the second
        distances = (places[:, :, None] - places[:, None]).float().square().sum(dim=3).sqrt()
        target = (-distances).softmax(dim=1)
        forth, back = (-(target * s.log_softmax(dim=1)).sum(dim=1).mean(dim=1) for s in (similar, similar.mT))
        return forth + back
