"""Request ids: the one that a request brings, or a fresh one; each answer has it, and each line of the log."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import count
from typing import Final

HEADER: Final = b"x-request-id"

_TRACE: Final = b"traceparent"
_BRINGING: Final = frozenset([HEADER, _TRACE])
_is_id: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch
_trace: Final = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").match


class _Fresh:
    """Makes ids of 32 hexadecimal digits: half of them random, for each process, and a number."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.first = os.urandom(8).hex().encode()
        self.numbers = count()


_FRESH: Final = _Fresh()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_FRESH.begin)


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the id of a request: its `X-Request-ID`, else the trace of its `traceparent`, else a fresh one.

    An id that has other characters than letters, digits, `.`, `_` and `-`, or more than 64, is not taken over.

    Args:
        headers: Names in lower case.

    Example:
        >>> request_id([(b"x-request-id", b"order-17")])
        b'order-17'
    """
    found = None
    for name, value in headers:
        if name == HEADER:
            if _is_id(value):
                return value
        elif name == _TRACE and (trace := _trace(value)):
            found = trace[1]
    return found or b"%s%016x" % (_FRESH.first, next(_FRESH.numbers))


def id_line(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the header line of an answer that has the id of a request; most requests bring none.

    Args:
        headers: Of the request, names in lower case.
    """
    for name, _ in headers:
        if name in _BRINGING:
            return b"x-request-id: %s\r\n" % request_id(headers)
    return b"x-request-id: %s%016x\r\n" % (_FRESH.first, next(_FRESH.numbers))


def id_in(line: bytes) -> bytes:
    """Return the id in such a line."""
    return line[len(HEADER) + 2 : -2]
