from __future__ import annotations

import asyncio
import threading

from service.app import load_settings
from service.fast_path.load_shedding import Queue
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


def test_a_ticket_keeps_the_time_of_the_first_request_under_it() -> None:
    queue = Queue(max_wait=2.0)
    queue.enter("tick", 10.0)
    queue.enter("tick", 12.0)
    assert queue.is_overloaded(12.5)


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
