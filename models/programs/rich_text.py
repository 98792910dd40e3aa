"""Texts of others among the markup of `rich`."""

from __future__ import annotations

from rich.markup import escape

from models.printable import printable


def escaped(text: str) -> str:
    """Return a text that `rich` shows as it is: no markup, and nothing that a terminal would obey."""
    return escape(printable(text))
