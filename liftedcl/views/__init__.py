"""Augmented views of an image, and which of their cells show the same place."""
