"""Generated people with full ground truth, written in the real data sets' on-disk formats.

This is not part of the paper: it replaces COCO, Human3.6M, ImageNet and others where those are not at hand. The world's
frame is in metres with y up; a body at rest faces +z with its left side at +x (SMPL's convention).
"""
