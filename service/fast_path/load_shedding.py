"""When more requests come than can be answered: some are refused at once, rather than let all of them become slow."""

from __future__ import annotations

from math import inf
from typing import Final

_LONG: Final = 0.02  # seconds for those that came at once
_SHORT: Final = 0.005  # the same in a crowd, at most
_SHORTEST: Final = 0.0005  # and at least
_TURN: Final = 0.01  # seconds from one turn of a crowd to the next that are not too long
_LESS: Final = 0.8  # what becomes of the short while where a turn was too long
_MORE: Final = 1.05  # and where it was not
_CALM: Final = 0.05  # seconds without a refusal, after which there is no crowd any more


class Crowd:
    """Says which of the requests that came at once are refused, by how many there are and how long they take.

    Where many came at once and take long, it is a crowd, and the others of them are refused. As long as it is one, no
    more are taken at once than take a short while: as many as keep the service busy, and the next ones, which come
    meanwhile, wait no longer than that. Refusals take time, too: where turns become long because of them, fewer are
    taken. A burst is no crowd, as it is over soon.

    Args:
        most: How many may take long.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._began = inf
        self._last_began = -inf
        self._short = _SHORT
        self._taken = 0
        self._refused = -inf

    def refuses(self, now: float) -> bool:
        """Say whether the next one of those that came at once is refused.

        Args:
            now: When it has its turn, seconds on a clock that is never set.
        """
        crowded = now - self._refused < _CALM
        if self._began == inf:
            self._begin(now, crowded)
        takes = now - self._began
        if takes > self._short if crowded else takes > _LONG and self._taken >= self._most:
            self._refused = now
            return True
        self._taken += 1
        return False

    def next_turn(self) -> None:
        """Say that the next request is the first one that comes after those."""
        self._began, self._taken = inf, 0

    def _begin(self, now: float, crowded: bool) -> None:
        change = _LESS if now - self._last_began > _TURN else _MORE
        self._short = max(_SHORTEST, min(self._short * change, _SHORT)) if crowded else _SHORT
        self._began = self._last_began = now
