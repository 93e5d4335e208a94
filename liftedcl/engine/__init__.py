"""The one training loop, with its schedule, checkpoints, progress and processes."""
