"""Batch norm in fine-tuning takes its statistics over as many samples as on each GPU of the published runs."""

from torch import nn

from downstream.training.training_recipe import FineTuning
from liftedcl.networks.grouped_norm import group_batch_norms


def group_norms(module: nn.Module, recipe: FineTuning) -> None:
    """Make every batch norm of ``module``, in place, normalise the recipe's ``norm_samples`` of a step at a time.

    They all stay as they are if that is the whole step or the recipe doesn't say. A probe's frozen ones always do.

    Departure: running statistics are means over the groups. The published runs keep those of their first GPU or, on
    Human3.6M in 2D, update them with one group after the other; so ours are less noisy.
    """
    samples = recipe.norm_samples or recipe.batch_size
    if samples < recipe.batch_size:
        group_batch_norms(module, recipe.batch_size // samples, batch_size=recipe.batch_size)
