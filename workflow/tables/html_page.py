"""What all pages share: the style, inside the page, and the warning above values that are not the paper's."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from workflow.tables.table_text import not_the_papers

_STYLE = Path(__file__).with_suffix(".css")


def html_page(title: str, parts: Iterable[str]) -> str:
    """A page with the body ``parts``; it needs no other file but the pictures that the body names."""
    head = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style></head><body>",
    ]
    return "\n".join([*head, *parts, "</body></html>"]) + "\n"


def banners(profiles: Iterable[str]) -> list[str]:
    """One warning for each profile whose values are not the paper's experiment."""
    warnings = dict.fromkeys(not_the_papers(profile) for profile in profiles)
    return [
        f'<div class="banner" role="note">{escape(warning[:1].upper() + warning[1:])}</div>'
        for warning in warnings
        if warning
    ]
