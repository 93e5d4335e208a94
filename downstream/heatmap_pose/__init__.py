"""2D pose from heatmaps (SimplePose), as COCO, MPII and Human3.6M share it."""
