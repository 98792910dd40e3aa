from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schema.durations import duration_parts, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h 30m", 5400),
        ("1 hour, 30 minutes", 5400),
        ("36:10:02", 130_202),
        ("00:10:02.5", 602.5),
        ("10:02", 36_120),
        ("2 days 03:00:00", 183_600),
        ("PT1H30M", 5400),
        ("P1DT2H", 93_600),
        ("-00:00:10", -10),
        ("90 sec", 90),
        ("250ms", 0.25),
        ("-1 days +23:59:50", -10),  # pandas, of −10 seconds
        ("-1 day, 23:59:50", -10),  # Python
        ("P-1DT23H59M50S", -10),  # pandas
        ("P-2D", -172_800),
        ("1 day, 0:00:10", 86_410),
        ("1 day -02:00:00", 79_200),  # PostgreSQL
        ("-1 days 02:00:00", -93_600),
        ("−PT3M12S", -192),
    ],
)
def test_a_duration_is_its_seconds(text, seconds):
    assert parse_duration(f" {text} ") == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "5 km", "1h 2h", "30m 1h", "1:70", "P1M", "P1Y", "1h 30", "soon"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="a duration such as 1h 30m"):
        parse_duration(text)


@given(st.integers(0, 999), st.integers(0, 59), st.integers(0, 59))
def test_hours_minutes_and_seconds_are_the_same_with_colons_and_with_units(hours, minutes, seconds):
    clock = f"{hours}:{minutes:02d}:{seconds:02d}"
    assert parse_duration(clock) == parse_duration(f"{hours}h {minutes}m {seconds}s")
    assert len(duration_parts(clock)) == 4
