"""Constants of RGB images in [0, 1]."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Mean and deviation of ImageNet's training images, red, green, blue."""

GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the luma of ITU-R BT.601, which is the grey of PIL, torchvision and OpenCV."""
