"""The budget: what a request, a stream and a connection may cost at most, whatever they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["BUDGET", "Budget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits that no setting changes; `Settings` has those of bytes and rows of a body.

    Args:
        head_bytes: Bytes of a request's line and header fields, and of its trailer fields; more are answered 431.
        read_bytes: Bytes of a connection that are parsed at once. While a request of it is queued behind another,
            no more are: so at most the requests in that many bytes are queued.
    """

    head_bytes: int = 65_536
    read_bytes: int = 16_384


BUDGET: Final = Budget()
