"""Recorded and present parameters of a job -> what changed, in words.

Snakemake records the values of a rule's parameters without their names. So each recorded value is matched with the
present parameter that it resembles: a list of modules with the code, JSON with the recipe, a number with a number.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from workflow.planned_job import PlannedJob

_LISTING = re.compile(r"(?:[\w.]+=[0-9a-f]{8})(?: [\w.]+=[0-9a-f]{8})*")
_ONE_DIGEST = re.compile(r"[0-9a-f]{16}")
_LONGEST = 60  # characters of a value that are shown
_SHOWN = 6  # modules, or numbers of a recipe

_SECTIONS = {
    "crop": "crops", "pair": "h36m_pairs", "pack": "pictures", "sample": "skeletons",
    "generate": "generated.{}", "reference": "benchmarks.{}", "augmented": "benchmarks.{}",
}  # fmt: skip
"""By the first word of a rule's name, the section of params.yaml with its recipe; the rest of the name goes into {}."""
_PLACES = {"threads": "params.yaml: compute.threads", "seeds": "params.yaml: seeds", "profile": "the profile"}


def changed_parameters(job: PlannedJob, row: bool = True) -> list[str]:
    """What changed, such as ``params.yaml: encoders.rows.random (training.epochs 5 -> 6) changed``.

    ``row`` says whether to name the row or run; without it, jobs that the same edit concerns give the same words.
    """
    new = {name: _value(text) for name, text in sorted(job.params.items()) if text in job.new}
    old = [_value(text) for text in sorted(job.old)]
    kinds = Counter(map(_kind, new.values()))
    pairs = {name: _take(old, value, alone=kinds[_kind(value)] == 1) for name, value in new.items()}
    changes = [_change(_place(job, name) if row else name, pairs[name], value) for name, value in new.items()]
    return changes + [f"its parameter {_short(value)} is gone" for value in old]


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Each value that differs between two JSON values, such as ``views.scale [0.2, 1.0] -> [0.3, 1.0]``."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            inner = f"{where}.{key}" if where else key
            if key not in old:
                yield f"{inner} {_short(new[key])} is new"
            elif key not in new:
                yield f"{inner} {_short(old[key])} is gone"
            else:
                yield from differences(old[key], new[key], inner)
    elif _nested(old) and _nested(new) and len(old) != len(new):
        yield f"{where} has {len(new)} entries in place of {len(old)}".lstrip()
    elif _nested(old) and _nested(new):
        for index, (before, now) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, now, f"{where}[{index}]")
    elif old != new:
        yield f"{where} {_short(old)} -> {_short(new)}".lstrip()


def listed(items: list[str], shown: int = _SHOWN) -> str:
    """``a``, ``a and b``, ``a, b and c``, or the first few and how many more; empty for none."""
    items = items if len(items) <= shown else [*items[:shown], f"{len(items) - shown} more"]
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


def differing(first: Any, second: Any) -> str:
    """`differences` in one line, or that there are none."""
    return listed(list(differences(first, second)), shown=12) or "the same"


def code_words(first: dict[str, str], second: dict[str, str]) -> str:
    """Of two sides' digests by module or input, which differ and which only one of them, A or B, has."""
    return "; ".join(_by_key(first, second, "different: {}", "only B has {}", "only A has {}")) or "the same"


def modules_in(text: str) -> dict[str, str]:
    """Module -> digest, of what `code_digest.code_of` gave; empty for any other text."""
    return dict(item.split("=") for item in text.split(" ")) if _LISTING.fullmatch(text) else {}


def _by_key(old: dict[str, str], new: dict[str, str], edited: str, added: str, gone: str) -> list[str]:
    """The words for keys whose values differ, that are new, and that are gone, each with its keys, if there are any."""
    keys = {
        edited: [key for key in new if key in old and old[key] != new[key]],
        added: [key for key in new if key not in old],
        gone: [key for key in old if key not in new],
    }
    return [words.format(listed(of)) for words, of in keys.items() if of]


def _value(text: str) -> Any:
    """A parameter from its Python literal; JSON is read, also in a list."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return [_json(item) for item in value] if isinstance(value, list) else _json(value)


def _json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except ValueError:
        return value


def _nested(value: Any) -> bool:
    """Whether a value is a list that is easier to read item by item."""
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _kind(value: Any) -> str:
    if isinstance(value, str) and (_LISTING.fullmatch(value) or _ONE_DIGEST.fullmatch(value)):
        return "code"
    return type(value).__name__


def _take(old: list[Any], new: Any, alone: bool) -> Any:
    """Remove from ``old`` the value that became ``new``, and return it; None if that is not certain."""
    alike = [value for value in old if _kind(value) == _kind(new)]
    if not alike or not (isinstance(new, dict) or (alone and len(alike) == 1)):
        return None
    found = min(alike, key=lambda value: len(list(differences(value, new))))
    old.remove(found)
    return found


def _change(place: str, old: Any, new: Any) -> str:
    if _kind(new) == "code":
        return _code_change(old, new)
    if old is None:
        return f"{place} is now {_short(new)}"
    return f"{place} ({listed(list(differences(old, new)))}) changed"


def _code_change(old: str | None, new: str) -> str:
    before, now = modules_in(old or ""), modules_in(new)
    if not before or not now:
        return "its code changed (recorded before modules were listed)"
    words = ("the code of {} changed", "it now uses the code of {}", "it no longer uses the code of {}")
    return " and ".join(_by_key(before, now, *words))


def _place(job: PlannedJob, name: str) -> str:
    """Where a user finds a parameter."""
    first, _, rest = job.rule.partition("_")
    wildcards = job.wildcards
    if name in ("table", "tables"):
        return f"workflow/tables/tables.yaml: {wildcards.get('table', 'a table')}"
    if name != "recipe":
        return _PLACES.get(name, f"its parameter {name}")
    if "run" in wildcards:
        return f"params.yaml: benchmarks.{wildcards['run']}"
    if "row" in wildcards:
        return f"params.yaml: encoders.rows.{wildcards['row']}"
    return f"params.yaml: {_SECTIONS[first].format(rest)}" if first in _SECTIONS else "its recipe"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
