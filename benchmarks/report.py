"""The tables in benchmarks/README.md, written from the JSON files of benchmarks/results."""

import json
from pathlib import Path
from typing import Any

from benchmarks import NAMES
from benchmarks.runner import FLOOR, OURS, PEER, PUBLISHED, run
from liftedcl.files.atomic import read_json, write_text
from liftedcl.identity.errors import InputError

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"

_BEGIN, _END = "<!-- results: begin -->", "<!-- results: end -->"
_TIMES = (
    "| what | ours | published way | ours is faster by (quartiles) | goal | best library peer | floor |\n"
    "|---|---:|---:|---:|---:|---|---|"
)
_FIGURES = "| what | measured | goal |\n|---|---:|---:|"


def write_report(results: Path = RESULTS, readme: Path = FOLDER / "README.md") -> None:
    """Replace the text between the markers of ``readme``.

    Raises:
        InputError: a result is damaged, or the README has no markers.
    """
    found = [results / f"{name}.json" for name in (*NAMES, "gpu")]
    parts = [describe_result(_read(path)) for path in found if path.exists()]
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise InputError(f"{readme}: lacks the lines {_BEGIN} and {_END}; put them back where the results belong")
    body = "\n".join(parts) or "Nothing has been measured yet.\n"
    write_text(readme, f"{before}{begin}\n{body}{end}{after}")


def run_and_print(name: str, smoke: bool, out: Path | None) -> None:
    """Run one benchmark as `benchmarks.runner.run` does, and print its tables."""
    print(describe_result(run(name, smoke=smoke, out=out)), flush=True)


def _read(path: Path) -> dict[str, Any]:
    command = "benchmarks.gpu" if path.stem == "gpu" else f"benchmarks {path.stem}"
    return read_json(path, f"run python -m {command} again")


def describe_result(result: dict[str, Any]) -> str:
    """One benchmark as Markdown: where it ran, the times, the other figures."""
    lines = [f"### {result['benchmark']}", "", _where(result), ""]
    timed = [case for case in result["cases"] if case["variants"]]
    if timed:
        lines += [_TIMES, *map(_times, timed), ""]
        lines += [f"{case['name']}: {case['note']}.  " for case in timed if case["note"]]
        lines += [""] * any(case["note"] for case in timed)
    figures = [(case["name"], figure) for case in result["cases"] for figure in case["figures"]]
    if figures:
        lines += [_FIGURES, *(_figure(name, figure) for name, figure in figures), ""]
    for failure in result.get("failures", []):
        lines += [f"**Failed:** {failure['section']}: {json.dumps(failure['error'])}", ""]
    return "\n".join(lines) + "\n"


def _where(result: dict[str, Any]) -> str:
    environment = result["environment"]
    hardware, packages = environment["hardware"], environment["packages"]
    versions = ", ".join(f"{name} {packages[name]}" for name in ("torch", "opencv-python", "numpy") if name in packages)
    device = "" if hardware["device"] == "cpu" else f"{hardware['device']}, "
    smoke = " **Smoke sizes: the times mean nothing.**" if result["smoke"] else ""
    cores = f"{environment['threads']} of {hardware['cores']} cores, load {environment['load_before']:g} before"
    return f"{environment['date'][:10]}, {device}{hardware['cpu']}, {cores}; {versions}.{smoke}"


def _times(case: dict[str, Any]) -> str:
    by_role: dict[str, dict[str, Any]] = {}
    for variant in sorted(case["variants"], key=lambda variant: -variant["median"]):
        by_role[variant["role"]] = variant  # the fastest of its role
    ours, theirs = by_role[OURS], by_role.get(PUBLISHED)
    goal = "" if case["goal"] is None else f"{case['goal']:g}x"
    if case["goal"] is not None and theirs is not None:
        goal += ", met" if theirs["ours_is_faster_by"]["median"] >= case["goal"] else ", **missed**"
    cells = [
        case["name"],
        f"{_duration(ours['median'])}, {_number(case['items'] / ours['median'])} {case['unit']}/s",
        "" if theirs is None else f"{theirs['name']}: {_duration(theirs['median'])}",
        "" if theirs is None else _ratio(theirs),
        goal,
        "" if PEER not in by_role else f"{by_role[PEER]['name']}: {_ratio(by_role[PEER])}",
        "" if FLOOR not in by_role else f"{by_role[FLOOR]['name']}: {_duration(by_role[FLOOR]['median'])}",
    ]
    return f"| {' | '.join(cells)} |"


def _ratio(variant: dict[str, Any]) -> str:
    ratio = variant["ours_is_faster_by"]
    return f"{_number(ratio['median'])}x ({_number(ratio['low'])} to {_number(ratio['high'])})"


def _figure(case: str, figure: dict[str, Any]) -> str:
    value, goal = figure["value"], ""
    if figure["at_most"] is not None:
        goal = f"at most {_number(figure['at_most'])}, {'met' if value <= figure['at_most'] else '**missed**'}"
    if figure["at_least"] is not None:
        goal = f"at least {_number(figure['at_least'])}, {'met' if value >= figure['at_least'] else '**missed**'}"
    return f"| {case}: {figure['name']} | {_number(value)} {figure['unit']} | {goal} |"


def _duration(seconds: float) -> str:
    return f"{_number(seconds)} s" if seconds >= 1 else f"{_number(1000 * seconds)} ms"


def _number(value: float) -> str:
    """Three significant digits, without an exponent where that is readable."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        digits = f"{value:.3g}"
        return f"{float(digits):,.0f}" if "e" in digits else digits
    return f"{value:.1e}"
