"""Downstream benchmarks: what an encoder is worth once it is fine-tuned."""
