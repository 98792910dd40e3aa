from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from models.limits import Interval, complaint_about, complaints_about


@pytest.mark.parametrize(
    ("interval", "words", "inside", "outside"),
    [
        (Interval(1), "at least 1", [1, 1e300], [0.999, math.inf, math.nan]),
        (Interval(0, ends="(]"), "above 0", [5e-324], [0, -1, math.inf]),
        (Interval(0, 1, "[)"), "in [0, 1)", [0, 0.999], [1, -5e-324]),
        (Interval(0, 0.5, "(]"), "in (0, 0.5]", [0.5], [0, 0.51, math.nan]),
    ],
)
def test_an_interval_has_ends_that_are_in_it_or_not_and_holds_finite_numbers_alone(interval, words, inside, outside):
    assert str(interval) == words
    assert all(value in interval for value in inside)
    assert not any(value in interval for value in outside)


def test_a_value_that_is_not_given_keeps_to_every_limit():
    assert complaint_about("epochs", None, Interval(1)) is None


def test_of_several_values_each_has_to_keep_to_the_limit():
    assert complaint_about("hidden_units", (8, 4), Interval(1)) is None
    assert complaint_about("hidden_units", (8, 0), Interval(1)) == "hidden_units must be at least 1 each, got (8, 0)."


def test_every_attribute_outside_its_limit_is_a_sentence():
    settings = SimpleNamespace(seeds=0, mode="slow", jobs=2)
    limits = {"seeds": Interval(1), "mode": {"fast": "…"}, "jobs": Interval(1)}
    assert list(complaints_about(settings, limits)) == [
        "seeds must be at least 1, got 0.",
        "mode must be one of fast, got 'slow'.",
    ]
