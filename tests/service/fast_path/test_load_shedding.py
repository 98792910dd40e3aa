from __future__ import annotations

import asyncio
import threading

import pytest

from service.app import load_settings
from service.gate import Gate, Tick


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


def test_large_requests_are_refused_while_one_waits_too_long_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.gate.allowed_threads", lambda: 1)
    gate = Gate(load_settings(max_wait_seconds=1e-9))
    working, done = threading.Event(), threading.Event()

    def work() -> None:
        working.set()
        done.wait(20)

    async def alone_then_crowded() -> None:
        tasks = [asyncio.create_task(gate.on_thread(work))]
        await asyncio.to_thread(working.wait, 20)
        try:
            assert gate.admit_large() is None  # one that has its thread waits no longer
            tasks.append(asyncio.create_task(gate.on_thread(work)))
            await asyncio.sleep(0.01)
            refusal = gate.admit_large()
            assert refusal is not None
            assert refusal.status_code == 503
        finally:
            done.set()
            await asyncio.gather(*tasks)
        assert gate.admit_large() is None

    asyncio.run(alone_then_crowded())
