"""SCHP's rounds of self-correction, and its learning rate: a warm-up, a cosine, and another cosine in every round.

Li et al. 2020, section 3.3.
"""

import math

from downstream.lip.recipe import LIP
from liftedcl.engine.schedule import Schedule


def rounds_before(recipe: LIP, epoch: int) -> int:
    """How many self-correction rounds are over when ``epoch``, counted from 0, begins."""
    return max(0, (epoch - recipe.first_round) // recipe.round_epochs + 1)


def warm_restarts(recipe: LIP, steps_per_epoch: int) -> Schedule:
    """The rate at each step, the same in all steps of an epoch, as in the published code."""
    low = recipe.lowest_learning_rate

    def rate(step: int) -> float:
        epoch = step // steps_per_epoch
        if epoch < recipe.warmup_epochs:
            return low + (recipe.learning_rate - low) * epoch / recipe.warmup_epochs
        if epoch < recipe.first_round:
            high, begin, length = recipe.learning_rate, recipe.warmup_epochs, recipe.first_round - recipe.warmup_epochs
        else:
            high, begin, length = recipe.restart_learning_rate, recipe.first_round, recipe.round_epochs
        share = (epoch - begin) % length / length
        return low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * share))

    return rate
