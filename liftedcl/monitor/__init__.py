"""What a pre-training is watched by: the health of its features, and its lifted skeletons."""
