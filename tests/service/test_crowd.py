from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.fast_path.load_shedding import Crowd


def turn(crowd: Crowd, *, start: float, requests: int, answer: float, refuse: float = 0.0) -> tuple[list[bool], float]:
    """Let requests come at once; return which were refused, and when all of them are done."""
    refused, now = [], start
    for _ in range(requests):
        refused.append(crowd.refuses(now))
        now += refuse if refused[-1] else answer
    crowd.next_turn()
    return refused, now


def test_many_that_take_long_are_a_crowd_and_the_others_of_them_refused() -> None:
    refused, _ = turn(Crowd(100), start=5.0, requests=300, answer=0.001)
    assert refused == [False] * 100 + [True] * 200


def test_a_burst_that_is_over_soon_is_no_crowd() -> None:
    refused, _ = turn(Crowd(100), start=5.0, requests=1000, answer=0.00001)
    assert not any(refused)


def test_few_that_take_long_are_no_crowd() -> None:
    refused, _ = turn(Crowd(100), start=5.0, requests=100, answer=1.0)
    assert not any(refused)


def test_in_a_crowd_no_more_are_taken_than_take_a_short_while() -> None:
    crowd = Crowd(100)
    _, now = turn(crowd, start=5.0, requests=300, answer=0.001)
    for _ in range(50):
        refused, end = turn(crowd, start=now, requests=300, answer=0.001, refuse=0.00002)
        assert 0.001 <= end - now < 0.02
        assert refused.index(True) >= 1
        now = end


def test_where_refusals_alone_take_most_of_the_time_so_few_are_taken_that_nobody_waits_for_long() -> None:
    crowd, waiting, now, turns = Crowd(100), 300, 5.0, []
    for _ in range(300):
        answered_before = now
        refused, now = turn(crowd, start=now, requests=waiting, answer=0.0002, refuse=0.00003)
        turns.append((now - answered_before, refused.count(False)))
        waiting = max(1, round(25_000 * turns[-1][0]))  # those that came meanwhile: refusing all takes three quarters
    assert max(seconds for seconds, _ in turns[50:]) < 0.015
    assert min(taken for _, taken in turns[50:]) >= 2


def test_a_crowd_is_over_when_none_was_refused_for_some_time() -> None:
    crowd = Crowd(100)
    _, now = turn(crowd, start=5.0, requests=101, answer=0.001)
    refused, now = turn(crowd, start=now, requests=50, answer=0.001)
    assert any(refused)
    refused, _ = turn(crowd, start=now + 0.2, requests=50, answer=0.001)
    assert not any(refused)


def test_a_crowd_after_quiet_times_is_met_as_the_first_one_was() -> None:
    def taken_by_crowd(start: float) -> tuple[list[int], float]:
        taken, now = [], start
        for _ in range(3):
            refused, now = turn(crowd, start=now, requests=300, answer=0.0011, refuse=0.00002)
            taken.append(refused.count(False))
        return taken, now

    crowd = Crowd(100)
    first, now = taken_by_crowd(5.0)
    for _ in range(50):
        _, now = turn(crowd, start=now + 0.1, requests=1, answer=0.001)
    assert taken_by_crowd(now + 0.1)[0] == first


@given(
    st.lists(st.tuples(st.integers(1, 600), st.floats(0, 0.01), st.floats(0, 0.1)), max_size=20), st.integers(1, 300)
)
def test_the_first_of_those_that_came_at_once_is_always_answered(
    turns: list[tuple[int, float, float]], most: int
) -> None:
    crowd, now = Crowd(most), 5.0
    for requests, answer, pause in turns:
        refused, now = turn(crowd, start=now + pause, requests=requests, answer=answer)
        assert not refused[0]
