"""The limits of one caller: requests a second, and requests that are being answered at the same time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from starlette.responses import Response

BURST_SECONDS: Final = 1.0
"""A caller that was quiet for so long may send as many requests at once as it may send in that time."""


_LEAST_RATE: Final = 1 / BURST_SECONDS  # with less, a bucket of that size would never hold a request


@dataclass(frozen=True, slots=True)
class Limits:
    """What a caller may use of one process; None where there is no limit.

    Args:
        rate: Requests a second.
        concurrent: Requests that are being answered at the same time.
    """

    rate: float | None = None
    concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a request is admitted.

    Args:
        refusal: What is answered instead, None if it is admitted.
        end: Is called once when the request is answered, None if nobody wants to know.
    """

    refusal: Response | None
    end: Callable[[], None] | None = None


@final
class Meter:
    """Counts the requests of one caller against its limits: a token bucket, and those that are being answered.

    Args:
        limits: May be replaced while requests are being answered.
        clock: Returns seconds.

    Attributes:
        admission: That of a request that `begin` has admitted.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._tokens = math.inf  # is cut to the bucket's size when it is first looked at
        self._filled = clock()
        self._open = 0
        self.admission = Admission(None, self.end)

    def begin(self) -> str | None:
        """Begin a request, whose end is told by `end`; or return why it is refused."""
        concurrent, rate = self.limits.concurrent, self.limits.rate
        if concurrent is not None and self._open >= concurrent:
            return f"{concurrent:,} requests of this key are being answered already"
        if rate is not None and not self._take(rate):
            return f"This key may send {rate:g} requests a second"
        self._open += 1
        return None

    def end(self) -> None:
        """End a request."""
        self._open -= 1

    def seconds_until_next(self) -> int:
        """Return after how many whole seconds the next request is worth sending."""
        rate = self.limits.rate
        if rate is None or self._tokens >= 1:
            return 1
        return max(1, math.ceil((1 - self._tokens) / rate))

    def _take(self, rate: float) -> bool:
        now = self._clock()
        size = rate * BURST_SECONDS if rate > _LEAST_RATE else 1.0
        tokens = self._tokens + (now - self._filled) * rate
        tokens = min(tokens, size)
        is_enough = tokens >= 1
        self._filled, self._tokens = now, tokens - is_enough
        return is_enough
