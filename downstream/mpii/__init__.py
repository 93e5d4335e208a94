"""MPII human pose: 2D pose, judged by PCKh."""
