"""The toy benchmark's recipe: what every fine-tuning says."""

from dataclasses import dataclass

from downstream.training.training_recipe import StepFineTuning


@dataclass(frozen=True, kw_only=True)
class Brightness(StepFineTuning):
    """No number of its own."""
