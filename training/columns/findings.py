"""Findings: what was noticed about columns and rows and left as it is, with the setting that would change it."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fact about columns or rows that the user should know.

    Args:
        columns: Names of the columns; none where it is about rows.
        what: The fact, in words that fit behind these names and a colon.
        remedy: The setting that changes it, a `Message`; empty where nothing has to be changed.
        warning: It may spoil the detector, so it is repeated when training is done.
    """

    columns: tuple[str, ...] = ()
    what: str
    remedy: str = ""
    warning: bool = False

    @property
    def message(self) -> Message:
        """The finding and its remedy in one line."""
        where = f"{', '.join(map(repr, self.columns))}: " if self.columns else ""
        return Message(where, self.what, *(["; ", self.remedy] if self.remedy else []))

    def __str__(self) -> str:
        """Return the line as the command line prints it."""
        return str(self.message)
