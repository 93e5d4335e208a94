"""Augmented views of images, and the correspondence of their cells."""
