"""The skeleton of 17 joints: names and bones, impossible poses, drawings, lifted skeletons over a training."""
