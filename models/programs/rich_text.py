"""Texts of others among the markup of `rich`."""

from __future__ import annotations

from rich.markup import escape

from models.languages import shown
from models.printable import printable


def escaped(text: str) -> str:
    """Return a text, in the language that is asked for, that `rich` shows as it is.

    It has no markup, and nothing that a terminal would obey.
    """
    return escape(printable(shown(text)))
