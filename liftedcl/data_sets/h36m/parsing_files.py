"""Files of Human3.6M parsing below the data set's folder, as `python -m downstream.h36m prepare-parsing` makes them."""

PARSING = {split: f"parsing/{split}.txt" for split in ("train", "test")}
"""Lists of pictures, a path below the folder a line."""
PARSING_PICTURES, PARSING_LABELS, PARSING_DEPTH = "parsing/images", "parsing/labels", "parsing/depth"
"""Folders of pictures, of label maps and, of generated people alone, of depth maps."""
PART_LABELS, PART_VARIABLE = "MySegmentsMat/PartLabels", "Feat"
"""Of the official distribution: a subject's folder of .mat files, and the variable with a video's label maps."""
