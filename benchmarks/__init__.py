"""How fast each part is, beside the published way of doing it: ``python -m benchmarks`` (see README.md in this folder).

A benchmark is a module with ``CORES``, the number of CPU cores that every variant gets, and ``cases(smoke)``, which
yields `benchmarks.runner.Case`s.
"""

NAMES = ("crop", "augment", "skeletons", "align", "dense_nce", "ema", "pretrain_step", "loader_stall")
