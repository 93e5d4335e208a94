"""The repository's tables with all their rows, and what a run that is behind one records of itself."""

from typing import Any

from repository import REPOSITORY

from workflow.params import read_params
from workflow.tables.shown_tables import read_tables

PARAMS = read_params(REPOSITORY / "params.yaml", {"profile": "paper"})
TABLES = read_tables(REPOSITORY / "workflow" / "tables" / "tables.yaml", PARAMS)


def record(wall_seconds: float = 12.5, **more: Any) -> dict[str, Any]:
    """A provenance, as far as a table reads it."""
    hardware = {"cpu": "Xeon", "cores": 2, "device": "cpu"}
    took = {"wall_seconds": wall_seconds, "peak_memory_mib": 900, "started": "2026-01-01T00:00:00Z"}
    return {"hardware": hardware, **took, **more}


def references(trivial: dict[str, Any], bound: dict[str, Any]) -> dict[str, Any]:
    """The content of a reference.json."""
    return {"trivial": trivial, "bound": bound}
