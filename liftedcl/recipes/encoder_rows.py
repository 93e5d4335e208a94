"""A row of encoders in params.yaml with its defaults, as plain values that `EncoderRecipe` is parsed from."""

from typing import Any

from liftedcl.identity.errors import InputError
from liftedcl.identity.strict_text import merge
from liftedcl.recipes.method_entries import method_entries
from liftedcl.recipes.outside_method import OUTSIDE, entry_of


def encoder_row(name: str, defaults: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """``defaults <- row``; of the defaults, only the sections that the row's method reads are kept.

    Where a profile makes a section of the row null, it is the defaults' again. A row of any method that trains may have
    a section ``adamw``, which takes the place of SGD and its numbers. A row with ``module`` has no other method.
    """
    where = f"params.yaml: encoders.rows.{name}"
    if not isinstance(row, dict):
        raise InputError(f"{where}: {row!r} is not a mapping")
    if (module := row.get("module")) is not None:
        if not isinstance(module, str):
            raise InputError(f"{where}.module: {module!r} is not of type str; it names a file or an installed module")
        row = {"method": OUTSIDE, **row}
    method, entries = row.get("method"), method_entries()
    if not isinstance(method, str) or method not in (*entries, *([OUTSIDE] if module else [])):
        raise InputError(f"{where}.method: {method!r} is none of {', '.join(entries)}, and no `module` is named")
    commit = row.get("commit")
    try:
        sections = entry_of(method, module, commit if isinstance(commit, str) else None).sections
    except InputError as error:
        raise InputError(f"{where}.module: {error}") from None
    every_section = {section for entry in entries.values() for section in entry.sections}
    unused = (every_section | {"adamw"}) - set(sections)
    if sections and row.get("adamw") is not None:
        unused -= {"adamw"}
    if wrong := sorted(unused & set(row)):
        raise InputError(f"{where}.{wrong[0]}: {method} does not read this section, remove it")
    kept = {key: value for key, value in defaults.items() if key not in unused}
    if "adamw" not in unused and isinstance(kept.get("training"), dict):
        kept["training"] = {**kept["training"], **dict.fromkeys(("learning_rate", "momentum", "weight_decay"))}
    return merge(kept, {key: value for key, value in row.items() if value is not None or key not in kept})
