"""Monitoring of a pre-training: the health of its features and its lifted skeletons."""
