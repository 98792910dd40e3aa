"""What was noticed about columns and rows and left as it is: each with the setting that would change it."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about columns or rows that the user should know.

    Args:
        columns: Which columns; none where it is about rows.
        what: What was noticed, in words that fit behind their names and a colon.
        remedy: The setting that changes it, a `Message`; empty where nothing has to be changed.
        warning: It may spoil the detector, so that it is said again when training is done.
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
