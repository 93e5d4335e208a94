"""Measure how fast each part is, and how fast the published way of it: ``python -m benchmarks`` (see README.md here).

A benchmark is a module with ``CORES``, the number of CPU cores that every variant gets, and ``cases(smoke)``, which
yields `benchmarks.runner.Case`s.
"""

NAMES = (
    "crop",
    "augment",
    "skeletons",
    "align",
    "dense_nce",
    "ema",
    "pretrain_step",
    "loader_stall",
    "finetune_loader",
    "finetune_step",
    "evaluate_coco",
    "metrics_memory",
)
