"""ImageNet's files: a folder of images for each class, and a file that only generated data have."""

CLASSES = "classes.json"
GENERATED = (CLASSES,)
"""Files that synthetic/ writes last; they complete generated data."""
