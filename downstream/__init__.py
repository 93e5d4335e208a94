"""Downstream benchmarks: what an encoder is worth once it is fine-tuned.

A benchmark is one module with ``Recipe`` (its dataclass of recipes.py) and a class
``Benchmark`` (a task of liftedcl/engine.py that also evaluates itself), plus one line here.
Modules are named, not imported: reading this table needs no torch.
"""

from liftedcl.code_digest import code_digest

BENCHMARKS: dict[str, str] = {
    "h36m_3d": "downstream.h36m_3d_task",
}


def finetune_code(benchmark: str) -> str:
    """Digest of the code that fine-tunes on ``benchmark``: the trainer's and that benchmark's, no other's."""
    return code_digest("downstream.finetune", BENCHMARKS[benchmark])
