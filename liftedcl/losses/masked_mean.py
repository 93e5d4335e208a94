"""Means over a part of a batch that is spread unevenly over processes."""

from torch import Tensor

from liftedcl.engine import distributed


def masked_mean(values: Tensor, chosen: Tensor) -> Tensor:
    """The mean of the ``chosen`` of this process's and all others' ``values``, of the same shape; 0 where none is.

    Returns a share of it, a scalar, that averages to the mean over the processes.
    """
    count = distributed.total(chosen.sum()).clamp_min(1) / distributed.size()
    return (values * chosen).sum() / count
