from __future__ import annotations

import asyncio
import json
import threading

import pytest
from samples import sample_detector, sample_record
from wire import answer_from, request, wired

from service.app import load_settings
from service.budget import BUDGET, Budget
from service.cancellation import Cancellation
from service.fast_path.answering import Answer, SmallScores
from service.fast_path.micro_batching import Batcher, cells_of
from service.formats.exact_json import exact_records
from service.formats.json import records_in
from service.gate import Gate, Tick
from service.registry import Registry


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


def refused_in_tick(tick: Tick, clock: Clock, *seconds: float) -> list[bool]:
    """Return which of the requests of a tick are refused, by the seconds from its begin."""
    found, start = [], clock.now
    tick.begin()
    for after in seconds:
        clock.now = start + after
        found.append(tick.is_overloaded())
    tick.end()
    return found


def test_neither_a_burst_nor_a_halt_is_refused_and_overload_ends_with_a_tick_without_refusals() -> None:
    clock = Clock()
    tick = Tick(2.0, clock)
    assert refused_in_tick(tick, clock, 0.0, 3.9) == [False, False]
    assert refused_in_tick(tick, clock, 0.0, 4.1) == [False, False]
    assert refused_in_tick(tick, clock, 0.0, 3.9) == [False, False]
    assert refused_in_tick(tick, clock, 0.0, 4.1) == [False, False]
    assert refused_in_tick(tick, clock, 0.0, 4.1) == [False, False]
    assert refused_in_tick(tick, clock, 0.0, 0.1, 0.3, 1.0) == [False, False, True, True]
    assert refused_in_tick(tick, clock, 0.0, 0.9, 1.1) == [False, False, True]
    assert refused_in_tick(tick, clock, 0.9) == [False]
    assert refused_in_tick(tick, clock, 0.0, 3.9) == [False, False]


@pytest.mark.parametrize("load", [1.5, 3.0, 4.5])
def test_in_overload_answers_and_refusals_come_soon(load: float) -> None:
    clock, answer, refusal = Clock(), 0.00005, 0.000012
    tick = Tick(0.01, clock)
    waiting, answered, longest = 512.0, [], 0.0
    for _ in range(400):
        began = clock.now
        tick.begin()
        taken = 0
        for _ in range(int(waiting)):
            refused = tick.is_overloaded()
            taken += not refused
            clock.now += refusal if refused else answer
        tick.end()
        took = clock.now - began
        waiting = min(1024.0, waiting % 1 + load / answer * took)  # those that arrive meanwhile on so many connections
        answered.append(taken * answer / took)
        longest = max(longest, took)
    assert min(answered) > 0
    share = refusal / answer
    possible = (1 - load * share) / (1 - share)  # the share of the time that is left by the refusals
    assert sum(answered[200:]) / 200 > 0.9 * possible
    assert longest < 0.06


def test_what_is_left_of_an_earlier_tick_refuses_new_requests_and_begins_overload() -> None:
    clock = Clock()
    tick = Tick(2.0, clock)
    tick.begin()
    assert not tick.is_overloaded()
    tick.refuse()
    assert tick.is_overloaded()
    tick.end()
    assert refused_in_tick(tick, clock, 0.0, 2.1) == [False, True]


def test_a_burst_is_scored_in_several_ticks_in_order_and_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.fast_path.micro_batching.BUDGET", Budget(tick_seconds=1e-9))
    detector, batcher, done = sample_detector(), Batcher(), list[int]()
    exact = exact_records(detector.schema)
    body = json.dumps([sample_record()] * 200).encode()

    async def burst() -> list[tuple[int, bool]]:
        for index in range(5):
            rows = records_in(body, exact, most=1000)
            batcher.submit(rows, detector=detector, top=0, done=lambda _, index=index: done.append(index))
        found = []
        while len(done) < 5:
            await asyncio.sleep(0)
            found.append((len(done), batcher.is_behind))
        return found

    found = asyncio.run(burst())
    assert done == list(range(5))
    assert [count for count, _ in found] == [1, 2, 3, 4, 5]  # one micro-batch a tick
    assert [behind for _, behind in found] == [True] + [False] * 4  # four ticks are left, then three


def test_a_micro_batch_is_bounded_by_the_columns_that_are_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    detector, batcher, done = sample_detector(), Batcher(), list[int]()
    columns = len(detector.schema.read)
    assert [cells_of(7, detector, top) for top in (0, 1, 5)] == [7 * columns, 14 * columns, 42 * columns]
    limits = Budget(tick_seconds=1e-9, loop_cells=2 * cells_of(1, detector, 5))
    for module in ("micro_batching", "answering"):
        monkeypatch.setattr(f"service.fast_path.{module}.BUDGET", limits)

    async def burst(rows: int, top: int) -> list[int]:
        done.clear()
        one = records_in(json.dumps([sample_record()] * rows).encode(), exact_records(detector.schema), most=1000)
        for index in range(4):
            batcher.submit(one, detector=detector, top=top, done=lambda _, index=index: done.append(index))
        found = []
        while len(done) < 4:
            await asyncio.sleep(0)
            found.append(len(done))
        return found

    assert asyncio.run(burst(1, 5)) == [2, 4]
    assert asyncio.run(burst(1, 0)) == [4]
    assert asyncio.run(burst(12, 0)) == [1, 2, 3, 4]

    async def answered(rows: int, explain: int) -> bool:
        replies: list[Answer | None] = []
        settings = load_settings()
        small = SmallScores(Registry(detector), settings, Batcher(), Gate(settings))
        prepared = small.find(b"/score")
        assert prepared is not None
        small.answer(prepared, json.dumps([sample_record()] * rows).encode(), explain, replies.append)
        await asyncio.sleep(0.01)
        return replies != [None]  # None: the routes have to

    for rows, explain, expected in ((2, 5, True), (3, 5, False), (12, 0, True), (13, 0, False), (2, 10_000, True)):
        assert asyncio.run(answered(rows, explain)) == expected


def test_new_connections_are_accepted_many_in_a_tick() -> None:
    with wired(sample_detector()) as wire:
        ports = {own.getsockname()[1] for server in wire.server.servers for own in server.sockets}
        assert (ports, len(wire.server.servers)) == ({wire.port}, BUDGET.accepts_in_tick)
        request_of = request(json.dumps(sample_record()).encode())
        assert {status for status, _, _ in wire.together([request_of] * 40)} == {200}


def test_large_requests_are_refused_while_one_waits_too_long_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.gate.allowed_threads", lambda: 1)
    gate = Gate(load_settings(max_wait_seconds=1e-9))
    working, done = threading.Event(), threading.Event()

    def work() -> None:
        working.set()
        done.wait(20)

    async def alone_then_crowded() -> None:
        tasks = [asyncio.create_task(gate.on_thread(work, cancellation=Cancellation()))]
        await asyncio.to_thread(working.wait, 20)
        try:
            assert gate.admit_large() is None  # one that has its thread waits no longer
            tasks.append(asyncio.create_task(gate.on_thread(work, cancellation=Cancellation())))
            await asyncio.sleep(0.01)
            refusal = gate.admit_large()
            assert refusal is not None
            assert refusal.status_code == 503
        finally:
            done.set()
            await asyncio.gather(*tasks)
        assert gate.admit_large() is None

    asyncio.run(alone_then_crowded())


ON_THE_LOOP = {
    "the detector": b"GET /detector HTTP/1.1\r\n\r\n",
    "a query that is refused": b"GET /detector?x=1 HTTP/1.1\r\n\r\n",
    "a query of scores that is refused": b"POST /score?x=1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "no such address": b"GET /none HTTP/1.1\r\n\r\n",
    "no such method": b"DELETE /detector HTTP/1.1\r\n\r\n",
    "the interface": b"GET /openapi.json HTTP/1.1\r\n\r\n",
    "scores as CSV": b"POST /score HTTP/1.1\r\nAccept: text/csv\r\nContent-Length: 2\r\n\r\n{}",
    "scores": b"POST /score HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "a large request": b"POST /score HTTP/1.1\r\nContent-Length: 99999\r\n\r\n",
}


@pytest.mark.parametrize("name", ON_THE_LOOP)
def test_all_that_is_answered_on_the_event_loop_is_shed_at_overload_but_probes(name: str, fast_path: bool) -> None:
    content = ON_THE_LOOP[name]
    with wired(sample_detector(), fast_path=fast_path, max_wait_seconds=1e-9) as wire:  # overload after two requests
        for path in ("/none", "/none", *["/healthz", "/readyz"] * 2):
            with wire.connect() as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
                status = answer_from(connection)[0]
            assert path == "/none" or status == 200
        with wire.connect() as connection:
            connection.sendall(content)
            status, headers, _ = answer_from(connection)
    assert (status, headers["retry-after"]) == (503, "1")
    assert ("connection" in headers) == (name == "a large request")  # whose body is not read


def test_what_is_shed_is_answered_again_when_overload_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    gate = Gate(load_settings(max_wait_seconds=100))  # a second on the event loop
    monkeypatch.setattr(gate, "_tick", Tick(1.0, clock))

    async def asked(*, busy: float) -> list[int]:
        """Return the status of two requests in one tick of so many seconds."""
        first = gate.admit_to_routes("GET", [])
        clock.now += busy
        found = [first, gate.admit_to_routes("GET", [])]
        await asyncio.sleep(0)
        return [200 if refusal is None else refusal.status_code for refusal in found]

    async def load() -> list[list[int]]:
        return [await asked(busy=seconds) for seconds in (2.1, 2.1, 2.1, 0.05, 0.05)]

    assert asyncio.run(load()) == [[200, 200], [200, 200], [200, 503], [200, 200], [200, 200]]


def test_a_tick_of_requests_of_some_milliseconds_each_is_bounded_even_in_a_burst(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    gate = Gate(load_settings(max_wait_seconds=100))  # a second on the event loop
    monkeypatch.setattr(gate, "_tick", Tick(1.0, clock))

    async def burst() -> list[bool]:
        found = []
        for _ in range(12):
            found.append(gate.admit_to_routes("GET", []) is None)
            clock.now += 1.01
        return found

    assert asyncio.run(burst()) == [True] * 10 + [False] * 2


@pytest.mark.parametrize("path", ["/detector", "/score", "/score/stream", "/healthz", "/none"])
def test_a_query_without_end_is_refused_before_it_is_parsed(path: str, fast_path: bool) -> None:
    method = "POST" if "score" in path else "GET"
    with wired(sample_detector(), fast_path=fast_path) as wire:
        for many, expected in ((BUDGET.query_parameters + 1, 414), (BUDGET.query_parameters, None)):
            query = "&".join(f"p{index}=" for index in range(many))
            with wire.connect() as connection:
                connection.sendall(f"{method} {path}?{query} HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode())
                status, _, body = answer_from(connection)
            if expected is None:
                assert status != 414
            else:
                assert (status, b"parameters" in body) == (expected, True)


def test_one_request_of_tensors_a_tick_is_answered_on_the_event_loop_while_all_else_is_idle() -> None:
    gate, go_on = Gate(load_settings()), threading.Event()

    async def taken() -> list[bool]:
        found = [gate.take_when_idle(), gate.take_when_idle()]
        await asyncio.sleep(0.01)
        found.append(gate.take_when_idle())
        large = asyncio.create_task(gate.on_thread(go_on.wait, cancellation=Cancellation()))
        await asyncio.sleep(0.01)
        found.append(gate.take_when_idle())
        go_on.set()
        await large
        await asyncio.sleep(0.01)
        return [*found, gate.take_when_idle()]

    assert asyncio.run(taken()) == [True, False, True, False, True]
