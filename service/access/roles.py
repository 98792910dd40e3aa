"""The roles of callers: what each may do."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a caller may do; each role may do all that the roles before it may."""

    READ = "read"
    SCORE = "score"
    OPERATE = "operate"

    def covers(self, needed: Role) -> bool:
        """Return True if this role may do what needs another one.

        Example:
            >>> Role.OPERATE.covers(Role.READ), Role.READ.covers(Role.SCORE)
            (True, False)
        """
        return _RANKS[self] >= _RANKS[needed]


_RANKS: Final = {role: rank for rank, role in enumerate(Role)}
