from __future__ import annotations

import asyncio
import threading

from service.app import load_settings
from service.gate import Gate, Queue, Tick


def test_requests_are_refused_while_the_oldest_has_waited_too_long() -> None:
    queue = Queue(max_wait=2.0)
    queue.enter("first", 10.0)
    queue.enter("second", 11.0)
    assert not queue.is_overloaded(12.0)
    assert queue.is_overloaded(12.5)
    queue.leave("first")
    assert not queue.is_overloaded(12.5)
    queue.leave("second")
    assert not queue.is_overloaded(1e9)


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_not_refused_and_overload_ends_with_a_short_tick() -> None:
    clock = Clock()
    tick = Tick(2.0, clock)

    def refused_at(*seconds: float) -> list[bool]:
        found, start = [], clock.now
        tick.begin()
        for after in seconds:
            clock.now = start + after
            found.append(tick.is_overloaded())
        tick.end()
        return found

    assert refused_at(0.0, 7.9) == [False, False]
    assert refused_at(0.0, 8.1) == [False, False]
    assert refused_at(0.0, 1.9, 2.1) == [False, False, True]
    assert refused_at(0.0, 2.1) == [False, True]
    assert refused_at(1.9) == [False]
    assert refused_at(0.0, 7.9) == [False, False]


def test_in_overload_as_many_are_answered_in_a_tick_as_fit_into_the_wait() -> None:
    clock = Clock()
    tick = Tick(0.005, clock)
    for turn in range(20):
        began, answered = clock.now, 0
        tick.begin()
        for _ in range(512):
            refused = tick.is_overloaded()
            answered += not refused
            clock.now += 0.00002 if refused else 0.0002
        tick.end()
        assert turn == 0 or (25 <= answered <= 27 and clock.now - began < 0.016)


def test_a_large_request_that_has_its_thread_waits_no_longer() -> None:
    gate = Gate(load_settings(max_wait_seconds=1e-9))
    working, done = threading.Event(), threading.Event()

    def work() -> None:
        working.set()
        done.wait(20)

    async def alone() -> None:
        task = asyncio.create_task(gate.on_thread(work))
        await asyncio.to_thread(working.wait, 20)
        try:
            assert gate.admit_large() is None
        finally:
            done.set()
            await task

    asyncio.run(alone())
