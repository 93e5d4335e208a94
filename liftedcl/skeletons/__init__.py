"""The skeleton of 17 joints: its names and bones, drawings of it, and how lifted ones changed over a training."""
