"""Small requests in JSON, as most are: answered beside FastAPI's routes, and those that come at once together.

Only what goes well is answered here, and what would have to wait for too long is refused. Whatever else a request asks
for, and whatever is wrong with it, is left to the routes, as if it had not been here: so each error is made in one
place, and the answers are the same, byte by byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from starlette.datastructures import QueryParams

from models.detector import Detector
from models.errors import DetectorError
from service.answers import MOST_VALUES, QUESTIONS, JsonFrame, answer_headers, encode_items, items_of
from service.bodies import Records
from service.exact_records import ExactRecords, exact_records
from service.json_bodies import decode_json
from service.media import medium_of
from service.problems import RequestError, problem_of, too_many_waiting
from service.query import parse_query
from service.registry import Registry
from service.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_MOST_BYTES: Final = 16_384  # of a body: larger ones are not done before others would notice
_MOST_ROWS: Final = 256  # that are scored at once, for the same reason
_LONG_SECONDS: Final = 0.02  # to wait, for what takes a fraction of a millisecond
_PATHS: Final = {"/score": ("explain",)}
_JSON_WILL_DO: Final = frozenset([b"", b"*/*", b"application/json"])


_Answer = tuple[Sequence[tuple[bytes, bytes]], bytes]
"""The headers but for the length, and the body."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request whose records wait to be scored.

    Args:
        names: What the cells of a row are called; None where rows are objects.
        rows: Its records.
        typed: As in `Records`.
        explain: How many of the columns that add most are named.
        answer: Will be what is sent, or None where that is not for us.
        since: When it came, on the loop's clock.
    """

    names: tuple[str, ...] | None
    rows: Sequence[Any]
    typed: bool
    explain: int
    answer: asyncio.Future[_Answer | None]
    since: float


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is made once for a detector.

    Args:
        detector: The detector.
        exact: Decodes most of its records.
        frame: What its answers have around their items.
        headers: Those of its answers.
    """

    detector: Detector
    exact: ExactRecords
    frame: JsonFrame
    headers: Sequence[tuple[bytes, bytes]]

    @classmethod
    def of(cls, detector: Detector) -> _Ready:
        headers = answer_headers(detector, (), medium="json")
        return cls(
            detector=detector,
            exact=exact_records(detector.schema),
            frame=JsonFrame.of(QUESTIONS["score"], detector),
            headers=[(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        )


class SmallRequests:
    """Scores the records of small requests; those that came while others were worked on are scored in one go.

    Args:
        registry: Which detector is active.
        settings: How much may come.
    """

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._settings = settings
        self._waiting: list[_Waiting] = []
        waiting = f"{settings.max_small_waiting:,} small requests"
        self._refusal = problem_of(too_many_waiting(waiting, "DETECTOR_MAX_SMALL_WAITING"))
        self._last = _Ready.of(registry.active())

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answer a request, if it is one of ours.

        Args:
            scope: Of ASGI, as the other two.
            receive: Gives the body.
            send: Takes the answer.

        Returns:
            None where it is answered; where it is not, what gives its body from the start.
        """
        explain = _explain_of(scope, self._settings.max_body_bytes)
        if explain is None:
            return receive
        if len(self._waiting) >= self._settings.max_small_waiting and self._is_slow():
            await self._refusal(scope, receive, send)
            return None
        begun = receive().__await__()
        try:
            held = next(begun)
        except StopIteration as came:
            message: Message = came.value
        else:  # the body is still on its way: the routes know how long it may take
            return _resumed(begun, held, receive)
        answer = await self._answered(message, explain)
        if answer is None:
            return _again(message, receive)
        headers, body = answer
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return None

    def _is_slow(self) -> bool:
        """Say whether more comes than can be done; then some are refused, rather than let all of them become slow."""
        return asyncio.get_running_loop().time() - self._waiting[0].since > _LONG_SECONDS

    async def _answered(self, message: Message, explain: int) -> _Answer | None:
        """Return the answer to a body that is all there; None where it is not for us."""
        if message.get("more_body") or message["type"] != "http.request":
            return None
        body = message["body"]
        ready = self._ready()
        cells = ready.exact.cells(body)
        if cells is not None:
            return await self._scored(ready.exact.names, [cells], explain, typed=True)
        try:
            content = decode_json(body, most=self._settings.max_rows)
        except (DetectorError, RequestError):
            return None
        if len(content.rows) > _MOST_ROWS:
            return None
        return await self._scored(None if content.names is None else tuple(content.names), content.rows, explain)

    def _ready(self) -> _Ready:
        active = self._registry.active()
        if self._last.detector is not active:
            self._last = _Ready.of(active)
        return self._last

    def _scored(
        self, names: tuple[str, ...] | None, rows: Sequence[Any], explain: int, *, typed: bool = False
    ) -> asyncio.Future[_Answer | None]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._score_waiting, loop)
        waiting = _Waiting(names, rows, typed, explain, loop.create_future(), loop.time())
        self._waiting.append(waiting)
        return waiting.answer

    def _score_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        """Score those that wait, as many as are done before others would notice; the next ones in the next turn."""
        taken, rows = 0, 0
        while taken < len(self._waiting) and (not taken or rows + len(self._waiting[taken].rows) <= _MOST_ROWS):
            rows += len(self._waiting[taken].rows)
            taken += 1
        now, self._waiting = self._waiting[:taken], self._waiting[taken:]
        if self._waiting:
            loop.call_soon(self._score_waiting, loop)
        ready = self._ready()  # one version for them all
        groups: dict[tuple[int, bool, tuple[str, ...] | None], list[_Waiting]] = {}
        for one in now:
            groups.setdefault((one.explain, one.typed, one.names), []).append(one)
        for alike in groups.values():
            for one, answer in zip(alike, _answers(ready, alike), strict=True):
                if not one.answer.done():  # its client may have gone
                    one.answer.set_result(answer)


def _answers(ready: _Ready, alike: Sequence[_Waiting]) -> Sequence[_Answer | None]:
    """Answer requests that ask for the same of rows of one form; None for each where one cannot be answered."""
    detector, first = ready.detector, alike[0]
    rows = Records(names=first.names, rows=[row for one in alike for row in one.rows], typed=first.typed)
    top = min(first.explain, len(detector.schema.columns))
    if len(rows) * top > MOST_VALUES:
        return [None] * len(alike)
    try:
        items = items_of(QUESTIONS["score"], detector, rows, top)
    except (DetectorError, RequestError):  # the routes say what is wrong, and with which of them
        return [None] * len(alike)
    answers: list[_Answer | None] = []
    start = 0
    for one in alike:
        own = items[start : start + len(one.rows)]
        start += len(own)
        answers.append((ready.headers, ready.frame.around(encode_items(own))))
    return answers


def _explain_of(scope: Scope, most_bytes: int) -> int | None:
    """Return how many columns a request wants named; None where it is not one of ours."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in _PATHS:
        return None
    size = -1
    for name, value in scope["headers"]:
        if name == b"content-length":
            size = int(value) if value.isdigit() and len(value) < 9 else -1
        elif name == b"accept":
            if value not in _JSON_WILL_DO:
                return None
        elif name == b"content-type":
            if not _is_plain_json(value):
                return None
        elif name == b"content-encoding":
            return None
    if not 0 < size <= min(_MOST_BYTES, most_bytes):
        return None
    query = scope["query_string"]
    return _explain_in(query) if query else 0


@lru_cache(maxsize=64)
def _is_plain_json(content_type: bytes) -> bool:
    text = content_type.decode("latin-1")
    return ";" not in text and medium_of(text) == "json"


@lru_cache(maxsize=64)
def _explain_in(query: bytes) -> int | None:
    try:
        return parse_query(QueryParams(query), allowed=_PATHS["/score"]).explain
    except RequestError:
        return None


def _again(message: Message, receive: Receive) -> Receive:
    """Return what gives a message that was received already, and then the others."""
    held = [message]

    async def receive_again() -> Message:
        return held.pop() if held else await receive()

    return receive_again


def _resumed(begun: Generator[Any, Any, Message], held: Any, receive: Receive) -> Receive:
    """Return what gives a message that is waited for already, and then the others."""
    waited = [_Begun(begun, held)]

    async def receive_resumed() -> Message:
        return await waited.pop() if waited else await receive()

    return receive_resumed


@dataclass(frozen=True, slots=True)
class _Begun:
    """What was begun to be awaited, and what it waits for."""

    rest: Generator[Any, Any, Message]
    held: Any

    def __await__(self) -> Generator[Any, Any, Message]:
        try:
            yield self.held
        except BaseException as error:
            self.rest.throw(error)
            raise
        return (yield from self.rest)
