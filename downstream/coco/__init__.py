"""COCO keypoints: 2D pose, judged by OKS average precision."""
