"""Answers small `POST /score` requests in JSON: decodes the records, scores them in a micro-batch, encodes the answer.

Two carriers use it, the protocol and the middleware. Only requests that succeed are answered here. All others, and
every error, are left to the routes: the answers are the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, final

from pydantic import ValidationError
from starlette.datastructures import QueryParams
from starlette.responses import Response

from models.detector import Detector
from models.errors import DetectorError
from service.api.parameters import ScoreQuery
from service.api.schemas import MOST_VALUES
from service.fast_path.micro_batching import MAX_ROWS, Batcher
from service.formats.answers import AnswerSpec, answer_headers
from service.formats.exact_json import exact_records
from service.formats.json import JsonFrame, decode_json, encode_items
from service.formats.rows import Records
from service.gate import SMALL_BYTES, Gate
from service.operations import OPERATIONS
from service.settings import Settings
from service.web.negotiation import format_of
from service.web.problems import RequestError

Headers = Iterable[tuple[bytes, bytes]]

PATH: Final = OPERATIONS["score"].path
_ACCEPTS_JSON: Final = frozenset([b"", b"*/*", b"application/json"])
_NOT_PLAIN: Final = frozenset([b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"])


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer.

    Args:
        status: Status code.
        headers: All headers but the content length.
        lines: The same headers, as they are sent.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    lines: bytes

    @classmethod
    def of(cls, status: int, headers: Headers) -> Head:
        """Return the head for a status and headers."""
        named = tuple((name, value) for name, value in headers if name != b"content-length")
        return cls(status, named, b"".join(b"%s: %s\r\n" % header for header in named))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status, headers and body."""

    head: Head
    body: bytes

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, response: Response) -> Answer:
        """Return a response, such as a refusal of the gate, as an answer."""
        return cls(Head.of(response.status_code, response.raw_headers), bytes(response.body))


Reply = Callable[[Answer | None], None]
"""Called once with the answer, or with None if the routes have to answer."""


@final
class SmallScores:
    """Answers small requests for scores.

    Args:
        detector: Scores the records.
        settings: Limits of a request.
        batcher: Makes micro-batches of the records.
        gate: Admits requests.
    """

    def __init__(self, detector: Detector, settings: Settings, batcher: Batcher, gate: Gate) -> None:
        self._detector = detector
        self._batcher = batcher
        self._gate = gate
        self._max_bytes = min(SMALL_BYTES, settings.max_body_bytes)
        self._max_rows = min(MAX_ROWS, settings.max_rows)
        self._exact = exact_records(detector.schema)
        self._frame = JsonFrame.of(OPERATIONS["score"], detector)
        response = Response(headers=answer_headers(AnswerSpec(operation=OPERATIONS["score"], detector=detector), ()))
        self._head = Head.of(response.status_code, response.raw_headers)

    def explain_of(self, query: bytes, headers: Headers) -> int | None:
        """Return how many columns a request to `PATH` asks to explain; None if the routes have to answer it.

        Args:
            query: The query string.
            headers: Names in lower case.
        """
        size = -1
        for name, value in headers:
            if name == b"content-length":
                size = int(value) if value.isdigit() and len(value) < 9 else -1
            elif name == b"accept":
                if value not in _ACCEPTS_JSON:
                    return None
            elif name == b"content-type":
                if not _is_plain_json(value):
                    return None
            elif name in _NOT_PLAIN:
                return None
        if not 0 < size <= self._max_bytes:
            return None
        return _explain_in(query) if query else 0

    def answer(self, body: bytes, explain: int, reply: Reply) -> None:
        """Answer a request.

        Args:
            body: The whole body.
            explain: How many of the columns that add most are named.
            reply: Called at the end of the tick, with None perhaps at once.
        """
        if refusal := self._gate.admit_to_batch():
            reply(Answer.of(refusal))
            return
        rows, top = self._rows(body), min(explain, len(self._detector.schema.columns))
        if rows is None or len(rows.rows) * top > MOST_VALUES:
            reply(None)
            return
        self._batcher.submit(rows, detector=self._detector, top=top, done=partial(self._reply_with, reply))

    def _rows(self, body: bytes) -> Records | None:
        """Return the records of a body; None if it is wrong or has too many."""
        cells = self._exact.rows(body, most=self._max_rows)
        if cells is not None:
            return Records(names=self._exact.names, rows=cells, typed=True)
        try:
            return decode_json(body, most=self._max_rows)
        except (DetectorError, RequestError):
            return None

    def _reply_with(self, reply: Reply, items: list[Any] | Exception) -> None:
        """Reply with the items of a request; the routes say what is wrong with one that cannot be scored."""
        reply(None if isinstance(items, Exception) else Answer(self._head, self._frame.around(encode_items(items))))


@lru_cache(maxsize=64)
def _is_plain_json(content_type: bytes) -> bool:
    text = content_type.decode("latin-1")
    return ";" not in text and format_of(text) == "json"


@lru_cache(maxsize=64)
def _explain_in(query: bytes) -> int | None:
    sent = QueryParams(query).multi_items()
    if [name for name, _ in sent] != ["explain"]:
        return None
    try:
        return ScoreQuery.model_validate(dict(sent)).explain
    except ValidationError:
        return None
