"""Label maps, a class for each pixel: reading, predictions, scores, trivial predictors and drawings of any classes."""
