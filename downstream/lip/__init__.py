"""LIP: human parsing (SCHP), judged by the intersection over union of 20 classes."""
