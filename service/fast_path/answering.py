"""Small requests in JSON, as most are: answered beside FastAPI's routes, and those that come at once together.

Only what goes well is answered here, and what would have to wait for too long is refused. Whatever else a request asks
for, and whatever is wrong with it, is left to the routes, as if it had not been here: so each error is made in one
place, and the answers are the same, byte by byte.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from pydantic import ValidationError
from starlette.datastructures import QueryParams
from starlette.responses import Response

from models.detector import Detector
from models.errors import DetectorError
from service.api.parameters import ScoreQuery
from service.api.schemas import MOST_VALUES
from service.formats.answers import JsonFrame, answer_headers, encode_items, items_of
from service.formats.exact_json import ExactRecords, exact_records
from service.formats.json import decode_json
from service.formats.rows import Records
from service.gate import Gate
from service.operations import OPERATIONS
from service.registry import Registry
from service.settings import Settings
from service.web.negotiation import format_of
from service.web.problems import RequestError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

_MOST_BYTES: Final = 16_384  # of a body: larger ones are not done before others would notice
_MOST_ROWS: Final = 256  # that are scored at once, for the same reason
_PATH: Final = b"/score"
_JSON_WILL_DO: Final = frozenset([b"", b"*/*", b"application/json"])

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent.

    Args:
        status: What HTTP calls it.
        headers: Its lines, each with its end; that of the length is left out.
        body: What comes after them.
    """

    status: int
    headers: bytes
    body: bytes

    @classmethod
    def of(cls, status: int, headers: Headers, body: bytes) -> Answer:
        """Return the answer with headers by name."""
        lines = [b"%s: %s\r\n" % (name, value) for name, value in headers if name != b"content-length"]
        return cls(status, b"".join(lines), body)


@dataclass(frozen=True, slots=True, eq=False)
class SmallRequest:
    """A request that may be ours, whole.

    Args:
        scope: Of ASGI, for the routes.
        explain: How many of the columns that add most are named.
        body: All of it.
        reply: Takes the answer, once.
    """

    scope: Scope
    explain: int
    body: bytes
    reply: Callable[[Answer], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A request whose records wait to be scored.

    Args:
        request: As it came.
        names: What the cells of a row are called; None where rows are objects.
        rows: Its records.
        typed: As in `Records`.
    """

    request: SmallRequest
    names: tuple[str, ...] | None
    rows: Sequence[Any]
    typed: bool


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is made once for a detector.

    Args:
        detector: The detector.
        exact: Decodes most of its records.
        frame: What its answers have around their items.
        headers: Those of its answers, as in `Answer`.
    """

    detector: Detector
    exact: ExactRecords
    frame: JsonFrame
    headers: bytes

    @classmethod
    def of(cls, detector: Detector) -> _Ready:
        named = answer_headers(detector, (), format_name="json").items()
        return cls(
            detector=detector,
            exact=exact_records(detector.schema),
            frame=JsonFrame.of(OPERATIONS["score"], detector),
            headers=b"".join(f"{name.lower()}: {value}\r\n".encode("latin-1") for name, value in named),
        )


class SmallRequests:
    """Scores the records of small requests; those that came while others were worked on are scored in one go.

    Args:
        registry: Which detector is active.
        settings: How much may come.
        routes: Answers what is not for us.
    """

    def __init__(self, registry: Registry, settings: Settings, routes: Application, gate: Gate) -> None:
        self._registry = registry
        self._settings = settings
        self._routes = routes
        self._left_to_routes: set[asyncio.Task[None]] = set()
        self._waiting: list[_Waiting] = []
        self._rows = 0
        self._in_turn = False
        self._gate = gate
        self._last = _Ready.of(registry.active())

    def explain_of(self, target: bytes, headers: Headers) -> int | None:
        """Return how many columns a POST request wants named; None where it is not one of ours.

        Args:
            target: What it is sent to.
            headers: By lower-case names.
        """
        path, _, query = target.partition(b"?")
        if path != _PATH or b"#" in query:
            return None
        size = -1
        for name, value in headers:
            if name == b"content-length":
                size = int(value) if value.isdigit() and len(value) < 9 else -1
            elif name == b"accept":
                if value not in _JSON_WILL_DO:
                    return None
            elif name == b"content-type":
                if not _is_plain_json(value):
                    return None
            elif name in (b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"):
                return None
        if not 0 < size <= min(_MOST_BYTES, self._settings.max_body_bytes):
            return None
        return _explain_in(query) if query else 0

    def answer(self, request: SmallRequest) -> None:
        """Answer a request, now or when its turn comes."""
        if not self._in_turn:
            self._in_turn = True
            asyncio.get_running_loop().call_soon(self._end_turn)
        if refusal := self._gate.admit_small():
            request.reply(_answer_of(refusal))
            return
        ready = self._ready()
        rows = ready.exact.rows(request.body, most=_MOST_ROWS)
        if rows is not None:
            self._take(_Waiting(request, ready.exact.names, rows, typed=True))
            return
        try:
            content = decode_json(request.body, most=self._settings.max_rows)
        except (DetectorError, RequestError):
            self._leave_to_routes(request)
            return
        if len(content.rows) > _MOST_ROWS:
            self._leave_to_routes(request)
            return
        names = None if content.names is None else tuple(content.names)
        self._take(_Waiting(request, names, content.rows, typed=False))

    def _ready(self) -> _Ready:
        active = self._registry.active()
        if self._last.detector is not active:
            self._last = _Ready.of(active)
        return self._last

    def _take(self, request: _Waiting) -> None:
        """Let a request wait for others that came with it, as many as are scored well together."""
        if self._rows + len(request.rows) > _MOST_ROWS:
            self._score_waiting()
        self._waiting.append(request)
        self._rows += len(request.rows)

    def _end_turn(self) -> None:
        """Score the last ones of those that came at once."""
        self._in_turn = False
        self._score_waiting()

    def _score_waiting(self) -> None:
        now, self._waiting, self._rows = self._waiting, [], 0
        ready = self._ready()  # one version for them all
        groups: dict[tuple[int, bool, tuple[str, ...] | None], list[_Waiting]] = {}
        for one in now:
            groups.setdefault((one.request.explain, one.typed, one.names), []).append(one)
        for alike in groups.values():
            answers = _answers(ready, alike)
            if answers is None:
                for one in alike:
                    self._leave_to_routes(one.request)
            else:
                for one, answer in zip(alike, answers, strict=True):
                    one.request.reply(answer)

    def _leave_to_routes(self, request: SmallRequest) -> None:
        task = asyncio.get_running_loop().create_task(_answer_by(self._routes, request))
        self._left_to_routes.add(task)
        task.add_done_callback(self._left_to_routes.discard)


def _answers(ready: _Ready, alike: Sequence[_Waiting]) -> Sequence[Answer] | None:
    """Answer requests that ask for the same of rows of one form; None where one of them cannot be answered."""
    detector, first = ready.detector, alike[0]
    rows = Records(names=first.names, rows=[row for one in alike for row in one.rows], typed=first.typed)
    top = min(first.request.explain, len(detector.schema.columns))
    if len(rows) * top > MOST_VALUES:
        return None
    try:
        items = items_of(OPERATIONS["score"], detector, rows, top)
    except (DetectorError, RequestError):  # the routes say what is wrong, and with which of them
        return None
    answers: list[Answer] = []
    start = 0
    for one in alike:
        own = items[start : start + len(one.rows)]
        start += len(own)
        answers.append(Answer(HTTPStatus.OK.value, ready.headers, ready.frame.around(encode_items(own))))
    return answers


async def _answer_by(routes: Application, request: SmallRequest) -> None:
    """Let the routes answer a request."""
    coming: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if not coming:
            await asyncio.Event().wait()  # the client stays
        return coming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    try:
        await routes(request.scope, receive, send)
    except Exception:  # it is answered, as a last resort of the routes
        log.exception("a request could not be answered")
    start, *bodies = sent
    body = b"".join(message.get("body", b"") for message in bodies)
    request.reply(Answer.of(start["status"], start["headers"], body))


@lru_cache(maxsize=8)
def _answer_of(refusal: Response) -> Answer:
    return Answer.of(refusal.status_code, refusal.raw_headers, bytes(refusal.body))


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
