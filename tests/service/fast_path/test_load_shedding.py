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


def refused_in_tick(tick: Tick, clock: Clock, *seconds: float) -> list[bool]:
    """Return which of the requests of a tick are refused, by the seconds from its begin."""
    found, start = [], clock.now
    tick.begin()
    for after in seconds:
        clock.now = start + after
        found.append(tick.is_overloaded())
    tick.end()
    return found


def test_a_burst_is_not_refused_and_overload_ends_with_a_tick_without_refusals() -> None:
    clock = Clock()
    tick = Tick(2.0, clock)
    assert refused_in_tick(tick, clock, 0.0, 3.9) == [False, False]
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
