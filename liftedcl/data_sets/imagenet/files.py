"""ImageNet's files: a folder of pictures a class, and what generated data add to it."""

CLASSES = "classes.json"
GENERATED = (CLASSES,)
"""What synthetic/ writes last: where these are, generated data are whole."""
