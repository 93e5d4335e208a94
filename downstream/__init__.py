"""Downstream benchmarks: what an encoder is worth once it is fine-tuned.

A benchmark is one module with a dataclass ``Recipe`` and a class ``Benchmark``
(a task of liftedcl/engine.py that also evaluates itself), plus one line here.
Modules are named, not imported: reading this table needs no torch.
"""

BENCHMARKS: dict[str, str] = {
    "h36m_3d": "downstream.h36m_3d_task",
}
