from __future__ import annotations

import asyncio
import threading

from service.app import load_settings
from service.fast_path.load_shedding import Queue, Tick
from service.gate import Gate


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


def test_requests_of_a_tick_that_takes_too_long_are_refused_if_the_tick_before_did() -> None:
    tick = Tick(max_wait=2.0)
    tick.begin(10.0)
    assert not tick.is_overloaded(13.0), "a burst is over soon"
    tick.end(13.0)
    tick.begin(13.1)
    assert not tick.is_overloaded(15.0)
    assert tick.is_overloaded(15.2)
    tick.end(15.3)
    tick.begin(15.4)
    tick.end(16.0)
    tick.begin(16.1)
    assert not tick.is_overloaded(19.0), "the tick before was short"


def test_a_long_tick_a_while_ago_is_forgotten() -> None:
    tick = Tick(max_wait=2.0)
    tick.begin(10.0)
    tick.end(13.0)
    tick.begin(15.5)
    assert not tick.is_overloaded(18.0)


def test_in_overload_as_many_are_answered_in_a_tick_as_fit_into_the_wait() -> None:
    tick, now = Tick(max_wait=0.02), 5.0
    for turn in range(20):
        tick.begin(now)
        began, answered = now, 0
        for _ in range(512):
            refused = tick.is_overloaded(now)
            answered += not refused
            now += 0.00002 if refused else 0.0002
        tick.end(now)
        assert turn == 0 or (100 <= answered <= 102 and now - began < 0.03)


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
