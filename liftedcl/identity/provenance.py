"""The provenance of a result: recipe, seed, data, code, versions, hardware and cost, in one JSON beside the result."""

import importlib.metadata
import os
import platform
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from liftedcl.identity.errors import InputError
from liftedcl.identity.git import git

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = (
    "torch", "torchvision", "numpy", "opencv-python", "timm", "numba", "snakemake", "dvc", "pandas", "pycocotools",
)  # fmt: skip


def describe(
    *, recipe: Mapping[str, Any], seed: int | None, inputs: Mapping[str, str], code: str, started: float, device: str
) -> dict[str, Any]:
    """Describe a run that has just finished and had begun at ``started`` (``time.time()``).

    ``seed`` is None where nothing is random. ``inputs`` maps names to the SHA-256 or another fingerprint of what was
    read, ``code`` is the `code_digest` of what ran, ``device`` torch's name of the device, or "cpu".
    """
    return {
        "recipe": dict(recipe),
        "seed": seed,
        "inputs": dict(inputs),
        "code": code,
        **commit_of(),
        "packages": versions(),
        "hardware": {"cpu": _cpu_name(), "cores": os.cpu_count(), "device": device},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "wall_seconds": round(time.time() - started, 1),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def versions() -> dict[str, str]:
    """The versions of Python and of those packages that decide a result and are installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit_of(root: Path = _ROOT) -> dict[str, str | None]:
    """``commit``: the git commit of the code in ``root``, with '+changes' if tracked files differ from it, or None.

    None comes with ``no_commit``, the reason. A commit of another repository, in which ``root`` is just a folder, says
    nothing about this code.
    """
    try:
        top = git("-C", str(root), "rev-parse", "--show-toplevel").rstrip("\n")
        if Path(top).resolve() != root.resolve():
            return {"commit": None, "no_commit": f"the code is only a folder of the git repository {top}"}
        changes = git("-C", str(root), "status", "--porcelain", "-uno")
        return {"commit": git("-C", str(root), "rev-parse", "HEAD").strip() + ("+changes" if changes else "")}
    except InputError as error:
        return {"commit": None, "no_commit": str(error)}


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
