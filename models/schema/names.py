"""Names of columns in one Unicode form, so that two that look alike are the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def one_form(name: str) -> str:
    """Return a name with composed characters (NFC), as categories have them; macOS writes them decomposed.

    Example:
        >>> len("Wa" + chr(0x308) + "rme"), len(one_form("Wa" + chr(0x308) + "rme"))
        (6, 5)
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def in_one_form(names: Iterable[str]) -> tuple[str, ...]:
    """Return names in one form."""
    return tuple(map(one_form, names))
