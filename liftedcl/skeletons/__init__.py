"""The skeleton of 17 joints: names and bones, drawings, and the history of lifted skeletons over a training."""
