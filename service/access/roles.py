"""The roles of callers: what each may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; each role may do all that the roles before it may."""

    READ = "read"
    SCORE = "score"
    OPERATE = "operate"

    def covered(self) -> tuple[Role, ...]:
        """Return this role and those before it.

        Example:
            >>> [role.value for role in Role.SCORE.covered()]
            ['read', 'score']
        """
        roles = tuple(Role)
        return roles[: roles.index(self) + 1]
