"""What was noticed about columns and rows and left as it is: each with the flag that would change it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about columns or rows that the user should know.

    Args:
        columns: Which columns; none where it is about rows.
        what: What was noticed, in words that fit behind their names and a colon.
        remedy: The flag that changes it, ready to be copied; empty where nothing has to be changed.
        warning: It may spoil the detector, so that it is said again when training is done.
    """

    columns: tuple[str, ...] = ()
    what: str
    remedy: str = ""
    warning: bool = False

    def __str__(self) -> str:
        """Return one line."""
        where = f"{', '.join(map(repr, self.columns))}: " if self.columns else ""
        return f"{where}{self.what}" + (f"; {self.remedy}" if self.remedy else "")


def flag(name: str, *values: str) -> str:
    """Return a flag with its values as a shell reads them.

    Example:
        >>> flag("--missing-values", "CO(GT)=-200")
        "--missing-values 'CO(GT)=-200'"
    """
    return " ".join([name, *map(shlex.quote, values)])
