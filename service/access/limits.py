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

    @property
    def limits(self) -> Limits:
        """Return the limits."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._most = math.inf if limits.concurrent is None else limits.concurrent
        self._rate = limits.rate
        self._size = max(1.0, (limits.rate or 0.0) * BURST_SECONDS)  # with less, a bucket would never hold a request

    def begin(self) -> str | None:
        """Begin a request, whose end is told by `end`; or return why it is refused."""
        if self._open >= self._most:
            return f"{self._most:,} requests of this key are being answered already"
        if self._rate is not None:
            now = self._clock()
            tokens = self._tokens + (now - self._filled) * self._rate
            self._tokens, self._filled = tokens if tokens < self._size else self._size, now
            if self._tokens < 1:
                return f"This key may send {self._rate:g} requests a second"
            self._tokens -= 1
        self._open += 1
        return None

    def end(self) -> None:
        """End a request."""
        self._open -= 1

    def seconds_until_next(self) -> int:
        """Return after how many whole seconds the next request is worth sending."""
        if self._rate is None or self._tokens >= 1:
            return 1
        return max(1, math.ceil((1 - self._tokens) / self._rate))
