"""Chunks that are worked on at once give the results and errors of sequential work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.files.pipeline import in_order

NAPS = st.lists(st.sampled_from([0.0, 0.0, 0.001]), max_size=30)


@settings(max_examples=40, deadline=None)
@given(naps=NAPS, threads=st.integers(1, 4))
def test_results_come_in_the_order_of_the_chunks_however_long_each_takes(naps: list[float], threads: int) -> None:
    def work(number: int, stopped: threading.Event) -> int:
        time.sleep(naps[number])
        return 2 * number

    assert list(in_order(range(len(naps)), work, threads=threads)) == [2 * number for number in range(len(naps))]


@settings(max_examples=40, deadline=None)
@given(
    naps=NAPS, broken=st.sets(st.integers(0, 30)), ends_after=st.none() | st.integers(0, 30), threads=st.integers(1, 4)
)
def test_the_first_error_is_that_of_sequential_work(
    naps: list[float], broken: set[int], ends_after: int | None, threads: int
) -> None:
    def chunks() -> Iterator[int]:
        for number in range(len(naps)):
            if number == ends_after:
                raise OSError("the file ends")
            yield number

    def work(number: int, stopped: threading.Event) -> int:
        time.sleep(naps[number])
        if number in broken:
            raise ValueError(number)
        return number

    def outcome(results: Iterator[int]) -> tuple[list[int], str]:
        got: list[int] = []
        try:
            for result in results:
                got.append(result)
        except (OSError, ValueError) as error:
            return got, repr(error)
        return got, ""

    assert outcome(in_order(chunks(), work, threads=threads)) == outcome(
        work(number, threading.Event()) for number in chunks()
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_few_chunks_exist_at_a_time(threads: int) -> None:
    taken, used, most = 0, 0, 0

    def chunks() -> Iterator[int]:
        nonlocal taken
        for number in range(200):
            taken += 1
            yield number

    for _ in in_order(chunks(), lambda number, stopped: number, threads=threads):
        most = max(most, taken - used)
        time.sleep(0.0005)
        used += 1
    assert used == 200
    assert most <= threads + 3


def test_an_iterator_that_is_closed_early_reads_no_more_and_leaves_no_thread() -> None:
    before, taken = threading.active_count(), []

    def chunks() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    with closing(in_order(chunks(), lambda number, stopped: number, threads=2)) as results:
        assert next(results) == 0
    assert threading.active_count() == before
    assert len(taken) <= 10


def test_an_interrupt_while_a_result_is_used_leaves_no_thread() -> None:
    before = threading.active_count()
    with (
        pytest.raises(KeyboardInterrupt),
        closing(in_order(iter(int, 1), lambda number, stopped: number, threads=2)) as results,
    ):
        for _ in results:
            raise KeyboardInterrupt
    assert threading.active_count() == before


def test_work_is_told_when_its_result_is_no_longer_needed() -> None:
    told: list[bool] = []
    begun = threading.Event()

    def work(number: int, stopped: threading.Event) -> int:
        if number:
            begun.set()
            told.append(stopped.wait(30))
        return number

    with closing(in_order(range(3), work, threads=2)) as results:
        assert next(results) == 0
        assert begun.wait(30)
    assert told
    assert all(told)


def test_chunks_are_read_while_others_are_worked_on() -> None:
    together = threading.Barrier(3, timeout=30)  # is passed only if two chunks and the next one are at hand at once

    def chunks() -> Iterator[int]:
        yield from (0, 1)
        together.wait()
        yield 2

    def work(number: int, stopped: threading.Event) -> int:
        if number < 2:
            together.wait()
        return number

    assert list(in_order(chunks(), work, threads=2)) == [0, 1, 2]
