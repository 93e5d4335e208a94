"""The toy benchmark's trivial predictor, the mean brightness of the training set, and its bound."""

import numpy as np
from downstream.brightness.reader import read_labels


def reference_scores(recipe, data):
    mean = np.mean(read_labels(data, "train")[1])
    return {"error": float(np.mean([abs(mean - label) for label in read_labels(data, "test")[1]]))}


def bound_scores(recipe, data):
    return {"error": 0.0}  # brightness is predicted as it is, without any encoding
