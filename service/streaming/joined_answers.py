"""Puts the answers to the parts of a stream together: what stands before the rows is said once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, final

from service.web.problems import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What stands around the rows of an answer.

    Args:
        head_bytes: How long it is before them, in an answer.
        tail: What is behind them.
    """

    head_bytes: Callable[[bytes], int] = lambda content: 0
    tail: bytes = b""


@final
class JoinedAnswers:
    """One answer, made of answers.

    Args:
        medium: Their form, one of `service.streaming.bodies.STREAMED`.
    """

    def __init__(self, medium: str) -> None:
        self._frame = _FRAMES[medium]
        self._head: bytes | None = None

    def next(self, content: bytes) -> bytes:
        """Return what an answer adds.

        Raises:
            RequestError: It is a table of other columns than the first.
        """
        start, end = self._frame.head_bytes(content), len(content) - len(self._frame.tail)
        if self._head is None:
            self._head = content[:start]
            return content[:end]
        if content[:start] != self._head:
            raise RequestError(
                HTTPStatus.NOT_ACCEPTABLE,
                "Ids are absent in some parts of the stream, or of another type, so the answer would become another "
                "table in the middle. Send all of them, as texts, or ask for JSON lines.",
            )
        return content[start:end]

    def end(self) -> bytes:
        """Return what is behind all of them."""
        return self._frame.tail


def _header_line(content: bytes) -> int:
    end = content.index(b"\n") + 1
    while content.count(b'"', 0, end) % 2:  # a line end within a name
        end = content.index(b"\n", end) + 1
    return end


def _schema_message(content: bytes) -> int:
    from service.streaming.arrow_messages import next_message  # it was loaded for the answer

    message = next_message(content)
    return 0 if message is None else message[1]


_FRAMES: Final = {
    "jsonl": _Frame(),
    "raw": _Frame(),
    "csv": _Frame(head_bytes=_header_line),
    "arrow": _Frame(head_bytes=_schema_message, tail=b"\xff\xff\xff\xff\0\0\0\0"),
}
"""What stands around the rows in each form."""
