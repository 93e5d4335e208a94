"""Generated people with full ground truth, written in the real data sets' on-disk formats.

Not part of the paper: it stands for COCO, Human3.6M and ImageNet where those are not at hand. World frame: metres,
y up; a body at rest faces +z with its left side at +x (SMPL's convention).
"""
