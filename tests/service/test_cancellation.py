"""Work on threads ends early: when its client has left, when it takes too long, when the service ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bodies import WRITTEN
from numpy.typing import NDArray
from samples import half_of, sample_detector, sample_record
from starlette.requests import ClientDisconnect
from wire import Wire, answer_from, request, wired

from models.detector import Detector
from models.tables.read_options import CHUNK_ROWS
from service.app import load_settings
from service.budget import BUDGET, Budget
from service.cancellation import Cancellation, CancelledWorkError
from service.formats.answers import AnswerSpec, answer_body
from service.formats.formats import FORMATS
from service.formats.rows import BodySpec
from service.gate import Gate
from service.operations import OPERATIONS
from service.web.problems import RequestError

RECORDS = [sample_record(number=40.0 + row) for row in range(100)]


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


def wait_for(what: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.002)


class BlockedEngine:
    """A network that waits at its first call."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, Z: NDArray[Any]) -> NDArray[Any]:
        self.calls += 1
        self.begun.set()
        assert self.go_on.wait(60)
        return half_of(Z)


@pytest.fixture
def blocked() -> Iterator[BlockedEngine]:
    engine = BlockedEngine()
    yield engine
    engine.go_on.set()


def specs(detector: Detector, form: str, answered: str, cancellation: Cancellation) -> tuple[BodySpec, AnswerSpec]:
    body = BodySpec(
        schema=detector.schema,
        max_rows=100_000,
        max_bytes=1 << 25,
        format_name=form,
        coding="gzip",
        cancellation=cancellation,
    )
    answer = AnswerSpec(
        operation=OPERATIONS["score"], detector=detector, format_name=answered, cancellation=cancellation
    )
    return body, answer


def test_work_that_takes_too_long_is_refused_with_what_to_do() -> None:
    clock = Clock()
    cancellation = Cancellation(2.0, clock)
    clock.now = 50.0  # it waited for a thread
    cancellation.begin()
    clock.now = 52.0
    assert list(cancellation.checked([1, 2])) == [1, 2]
    clock.now = 52.1
    with pytest.raises(RequestError, match="Send fewer records a request") as found:
        cancellation.check()
    assert found.value.status == 413
    cancellation.begin()  # the next part of a stream
    cancellation.check()


@pytest.mark.parametrize("answered", FORMATS)
@pytest.mark.parametrize("form", FORMATS)
def test_every_reader_and_writer_looks_at_the_cancellation(form: str, answered: str, tmp_path: Path) -> None:
    content = gzip.compress(WRITTEN[form](RECORDS, tmp_path))
    asked: list[str] = []

    def score(Z: NDArray[Any]) -> NDArray[Any]:
        asked.append("score")
        return half_of(Z)

    detector, cancellation = sample_detector(reconstruct=score), Cancellation()
    cancellation.check = lambda: asked.append("check")  # type: ignore[method-assign]
    answer_body(content, *specs(detector, form, answered, cancellation))
    assert asked.index("score") > 0  # looked at before scoring, and so between two chunks
    assert asked[asked.index("score") - 1] == "check"
    cancelled = Cancellation()
    cancelled.cancel()
    with pytest.raises(CancelledWorkError):
        answer_body(content, *specs(detector, form, answered, cancelled))


@pytest.mark.parametrize("answered", FORMATS)
def test_explaining_ends_within_a_chunk(answered: str) -> None:
    calls, cancellation = 0, Cancellation()

    def reconstruct(Z: NDArray[Any]) -> NDArray[Any]:
        nonlocal calls
        calls += 1
        if calls == 2:  # the first piece that is explained
            cancellation.cancel()
        return half_of(Z)

    body, answer = specs(sample_detector(reconstruct=reconstruct), "json", answered, cancellation)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(CancelledWorkError):
        patch.setattr("models.detector._CELLS_AT_ONCE", 1)
        answer_body(gzip.compress(json.dumps(RECORDS).encode()), body, replace(answer, top=5))
    assert calls == 2


def test_looking_for_problems_ends_with_the_cancellation(tmp_path: Path) -> None:
    cancellation, looks = Cancellation(), 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == 4:  # while the problems are listed
            raise CancelledWorkError

    cancellation.check = check  # type: ignore[method-assign]
    content = gzip.compress(json.dumps([{"number": "x"}] * 10).encode())
    with pytest.raises(CancelledWorkError):
        answer_body(content, *specs(sample_detector(), "json", "json", cancellation))


def test_a_client_that_leaves_is_not_waited_for_and_its_thread_is_free_when_the_work_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.gate.allowed_threads", lambda: 1)
    gate, ended = Gate(load_settings()), threading.Event()
    begun, go_on = threading.Event(), threading.Event()
    cancellation = Cancellation()

    def work() -> None:
        begun.set()
        assert go_on.wait(60)
        try:
            cancellation.check()
        finally:
            ended.set()

    async def receive() -> dict[str, str]:
        while not begun.is_set():
            await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def leave() -> None:
        with pytest.raises(ClientDisconnect):
            await gate.on_thread(work, cancellation=cancellation, receive=receive)
        following = asyncio.create_task(gate.on_thread(ended.is_set, cancellation=Cancellation()))
        await asyncio.sleep(0.01)
        assert not following.done()  # no more threads than there are CPUs
        go_on.set()
        assert await following

    asyncio.run(leave())
    with pytest.raises(CancelledWorkError):
        cancellation.check()


def test_a_client_that_leaves_while_it_waits_for_a_thread_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.gate.allowed_threads", lambda: 1)
    gate, begun, go_on = Gate(load_settings(max_wait_seconds=1e-9)), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go_on.wait(60)

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def leave() -> None:
        first = asyncio.create_task(gate.on_thread(work, cancellation=Cancellation()))
        await asyncio.to_thread(begun.wait, 60)
        with pytest.raises(ClientDisconnect):
            await gate.on_thread(pytest.fail, cancellation=Cancellation(), receive=receive)
        await asyncio.sleep(0.01)
        assert gate.admit_large() is None  # nobody waits
        go_on.set()
        await first

    asyncio.run(leave())


def served(wire: Wire) -> int:
    return len(wire.server.server_state.tasks)


@pytest.mark.parametrize("size", ["large", "small"])
def test_the_service_waits_for_no_work_whose_client_has_left(
    blocked: BlockedEngine, size: str, fast_path: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So SIGTERM is not held by it either: draining waits for tasks and connections."""
    monkeypatch.setattr("service.gate.allowed_threads", lambda: 1)
    rows = 3 * CHUNK_ROWS
    if size == "small":
        rows = 2
        for module in ("service.api.routes", "service.fast_path.answering"):
            monkeypatch.setattr(f"{module}.BUDGET", Budget(loop_cells=0))  # answered on a thread
    content = request(json.dumps([sample_record()] * rows).encode())
    with wired(sample_detector(reconstruct=blocked), fast_path=fast_path) as wire:
        with wire.connect() as connection:
            connection.sendall(content)
            assert blocked.begun.wait(60)
        wait_for(lambda: not wire.server.server_state.connections)
        wait_for(lambda: not served(wire))
        assert not blocked.go_on.is_set()
        blocked.go_on.set()
        calls = []
        for _ in range(2):
            with wire.connect() as connection:
                connection.sendall(content)
                assert answer_from(connection)[0] == 200
            calls.append(blocked.calls)
    whole, chunks = calls[1] - calls[0], len(range(0, rows, CHUNK_ROWS))
    assert calls[0] - whole <= whole / chunks + 1  # only the chunk that was being scored when the client left


def test_a_request_within_the_time_of_a_thread_is_answered_and_a_longer_one_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = request(json.dumps([sample_record()] * 2 * CHUNK_ROWS).encode())
    assert BUDGET.thread_seconds >= 10  # what is usual is never refused
    monkeypatch.setattr(Cancellation.__init__, "__defaults__", (0.0, time.thread_time))
    with wired(sample_detector()) as wire, wire.connect() as connection:
        connection.sendall(content)
        status, headers, body = answer_from(connection)
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert b"CPU time" in body
