"""The one training loop, with its schedules, checkpoints, progress lines and processes."""
