"""Answers small requests for scores in JSON: decodes the records, scores them in a micro-batch, encodes the answer.

Two carriers use it, the protocol and the middleware. Only requests that succeed are answered here. All others, and
every error, are left to the routes: the answers are the same, byte for byte.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import coroutine
from typing import Any, Final, final
from urllib.parse import quote

from pydantic import ValidationError
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.detector import Detector
from models.errors import DetectorError
from service.api.parameters import ScoreQuery
from service.budget import BUDGET
from service.fast_path.micro_batching import MAX_ROWS, Batcher, cells_of, settle
from service.formats.answers import AnswerSpec, answer_headers
from service.formats.exact_json import ExactRecords, exact_records
from service.formats.json import records_in
from service.formats.json_answers import ANSWER_END, answer_start
from service.formats.rows import noted
from service.gate import SMALL_BYTES, Gate
from service.observing.middleware import seen_in
from service.observing.observer import NO_DETECTOR, Version
from service.operations import OPERATIONS
from service.registry import Loaded, Registry, Table
from service.settings import Settings
from service.web.content import too_slow
from service.web.negotiation import format_of
from service.web.origins import ORIGIN
from service.web.problems import RequestError, problem_of

Headers = Iterable[tuple[bytes, bytes]]

ADMITTED: Final = "detector.admitted"
"""Key of the ASGI scope of a request that has passed the gate."""

PATH: Final = OPERATIONS["score"].path
_PATH: Final = PATH.encode()
ENDPOINT: Final = "score"
"""Name of the route of `PATH`."""

_ACCEPTS_JSON: Final = frozenset([b"", b"*/*", b"application/json"])
_NOT_PLAIN: Final = frozenset([b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"])


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer.

    Args:
        status: Status code.
        headers: All headers but the content length.
        lines: The same headers, as they are sent.
        version: Name and version of the detector that answers.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    lines: bytes
    version: Version = NO_DETECTOR

    @classmethod
    def of(cls, status: int, headers: Headers, version: Version = NO_DETECTOR) -> Head:
        """Return the head for a status and headers, and for the detector that answers."""
        named = tuple((name, value) for name, value in headers if name != b"content-length")
        return cls(status, named, b"".join(b"%s: %s\r\n" % header for header in named), version)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status, headers and body, and how many rows it answers."""

    head: Head
    body: bytes
    rows: int = 0

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, response: Response) -> Answer:
        """Return a response, such as a refusal of the gate, as an answer."""
        return cls(Head.of(response.status_code, response.raw_headers), bytes(response.body))


Reply = Callable[[Answer | None], None]
"""Called once with the answer, or with None if the routes have to answer."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the answers of a detector have in common.

    Args:
        loaded: The detector, as the registry has it.
    """

    loaded: Loaded
    detector: Detector
    exact: ExactRecords
    head: Head
    start: bytes

    @classmethod
    def of(cls, loaded: Loaded) -> Prepared:
        """Return it for a detector."""
        detector = loaded.detector
        start = answer_start(OPERATIONS["score"], detector)
        return cls(loaded, detector, exact_records(detector.schema), _head_of(detector, ()), start)

    def reply_with(self, reply: Reply, rows: int, notes: Sequence[str], items: bytes | Exception) -> None:
        """Reply with the items of a request; the routes say what is wrong with one that cannot be scored."""
        if isinstance(items, Exception):
            reply(None)
            return
        head, start = self.head, self.start
        if notes:
            head, start = _head_of(self.detector, notes), answer_start(OPERATIONS["score"], self.detector, notes)
        reply(Answer(head, start + items + ANSWER_END, rows))


def _head_of(detector: Detector, notes: Sequence[str]) -> Head:
    headers = answer_headers(AnswerSpec(operation=OPERATIONS["score"], detector=detector), notes)
    response = Response(headers=headers)
    return Head.of(response.status_code, response.raw_headers, (detector.name, detector.version))


@final
class SmallScores:
    """Answers small requests for scores.

    Args:
        registry: Knows the detectors.
        settings: Limits of a request.
        batcher: Makes micro-batches of the records.
        gate: Admits requests.
    """

    def __init__(self, registry: Registry, settings: Settings, batcher: Batcher, gate: Gate) -> None:
        self._registry = registry
        self._batcher = batcher
        self.gate = gate
        self._max_bytes = min(SMALL_BYTES, settings.max_body_bytes)
        self._max_rows = settings.max_rows
        # With CORS, the answer to a page says who may read it, which the routes' middleware knows.
        self._not_plain = _NOT_PLAIN if settings.cors_origins is None else _NOT_PLAIN | {ORIGIN}
        self._table: Table | None = None  # for which `_prepared` is made
        self._prepared: dict[bytes, Prepared] = {}
        self._prepare()

    def find(self, path: bytes) -> Prepared | None:
        """Return the detector by which a path scores, None if none is loaded: the routes answer requests to it."""
        if self._table is not self._registry.table:
            self._prepare()
        return self._prepared.get(path)

    def _prepare(self) -> None:
        """Prepare what answers have in common, for each path of each detector that is loaded."""
        table = self._registry.table
        known = {prepared.loaded: prepared for prepared in self._prepared.values()}
        new = {}
        for (name, version), loaded in table.loaded.items():
            prepared = known.get(loaded) or Prepared.of(loaded)
            named = f"/detectors/{quote(name, safe='')}"
            new[f"{named}/versions/{version}{PATH}".encode()] = prepared
            if name in table.entries and table.entries[name].active == version:
                new[f"{named}{PATH}".encode()] = prepared
                if name == table.default:
                    new[_PATH] = prepared
        self._prepared, self._table = new, table

    def explain_of(self, query: bytes, headers: Headers) -> int | None:
        """Return how many columns a request for scores asks to explain; None if the routes have to answer it.

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
            elif name in self._not_plain:
                return None
        if not 0 < size <= self._max_bytes:
            return None
        return _explain_in(query) if query else 0

    def answer(self, prepared: Prepared, body: bytes, explain: int, reply: Reply) -> None:
        """Answer a request.

        Args:
            prepared: What `find` has found: one version for the whole request.
            body: The whole body.
            explain: How many of the columns that add most are named.
            reply: Called at the end of the tick, with None perhaps at once.
        """
        if refusal := self.gate.admit_to_batch(behind=self._batcher.is_behind):
            reply(Answer.of(refusal))
            return
        detector, prepared.loaded.used = prepared.detector, time.monotonic()
        top = min(explain, len(detector.schema.columns))
        most = BUDGET.loop_cells // cells_of(1, detector, top)
        try:
            rows = records_in(body, prepared.exact, most=min(self._max_rows, MAX_ROWS, most))
            rows = noted(rows, prepared.detector)
        except (DetectorError, RequestError):
            reply(None)
            return
        done = partial(prepared.reply_with, reply, len(rows.rows), rows.notes)
        self._batcher.submit(rows, detector=detector, top=top, done=done)


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


@final
class EntryMiddleware:
    """Admits requests and answers small ones; it stands behind all middleware that users add.

    Args:
        app: Answers all other requests.
        gate: Admits requests.
        small: Answers small requests.
        settings: Settings of the service.
    """

    def __init__(self, app: ASGIApp, *, gate: Gate, small: SmallScores, settings: Settings) -> None:
        self._app = app
        self._gate = gate
        self._small = small
        self._body_seconds = settings.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or ADMITTED in scope:
            await self._app(scope, receive, send)
            return
        method, headers = scope["method"], scope["headers"]
        path = scope.get("raw_path") or scope["path"].encode()
        prepared = self._small.find(path) if method == "POST" else None
        explain = None if prepared is None else self._small.explain_of(scope["query_string"], headers)
        if prepared is not None:
            seen_in(scope).endpoint = ENDPOINT  # whoever answers it
        routed = scope["path"].removeprefix(scope.get("root_path", ""))
        admission = self._gate.admit(method, routed, headers, to_batch=explain is not None)
        if admission.refusal is not None:
            await admission.refusal(scope, receive, send)
            return
        scope[ADMITTED] = True
        try:
            if prepared is None or explain is None:
                await self._app(scope, receive, send)
            else:
                await self._answer_small(prepared, explain, scope, receive, send)
        finally:
            if admission.end is not None:
                admission.end()

    async def _answer_small(self, prepared: Prepared, explain: int, scope: Scope, receive: Receive, send: Send) -> None:
        receiving = receive().__await__()
        try:
            # Most bodies are there already, and need no timer, which would take longer than everything else here.
            waiting = next(receiving)
        except StopIteration as received:
            message = received.value
        else:
            message = await self._late_message(receiving, waiting)
        if message is None:
            error = too_slow(f"The body had not come after {self._body_seconds:g} s")
            await problem_of(error)(scope, receive, send)
            return
        answer = None
        if message["type"] == "http.request" and not message.get("more_body", False):
            future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
            self._small.answer(prepared, message.get("body", b""), explain, partial(settle, future))
            answer = await future
        if answer is None:
            await self._app(scope, _again(message, receive), send)
            return
        seen = seen_in(scope)
        seen.version, seen.rows = answer.head.version, answer.rows
        headers = [*answer.head.headers, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.head.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _late_message(self, receiving: Generator[Any, Any, Message], waiting: Any) -> Message | None:
        """Wait for a message; return None if it takes too long."""
        try:
            async with asyncio.timeout(self._body_seconds):
                return await _resumed(receiving, waiting)
        except TimeoutError:
            return None


@coroutine
def _resumed(receiving: Generator[Any, Any, Message], waiting: Any) -> Generator[Any, Any, Message]:
    """Go on with an awaitable that has been started and waits for a future."""
    while True:
        try:
            sent = yield waiting
        except BaseException as error:
            step = partial(receiving.throw, error)
        else:
            step = partial(receiving.send, sent)
        try:
            waiting = step()
        except StopIteration as received:
            message: Message = received.value
            return message


def _again(message: Message, receive: Receive) -> Receive:
    """Return a `receive` that returns a message again, then the next ones."""
    messages = [message]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again
