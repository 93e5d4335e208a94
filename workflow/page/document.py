"""What all pages share: style and script, inside the page, and the warning above values that are not the paper's."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path

from workflow.tables.table_text import not_the_papers

_FOLDER = Path(__file__).parent


def document(title: str, parts: Iterable[str]) -> str:
    """A page with the body ``parts``; it needs no other file but the pictures that the body names, and no network.

    Its policy lets a browser run no script but this one, whatever a label says.
    """
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{style}</style></head><body>",
    ]
    return "\n".join([*head, *parts, f"<script>{script}</script></body></html>"]) + "\n"


def banners(profiles: Iterable[str]) -> list[str]:
    """One warning for each profile whose values are not the paper's experiment."""
    warnings = filter(None, dict.fromkeys(map(not_the_papers, profiles)))
    return [f'<div class="banner" role="note">{escape(text[:1].upper() + text[1:])}</div>' for text in warnings]
