from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schema.cells import parse_timestamp
from models.schema.timestamps import (
    TIME_LAYOUTS,
    clock_text,
    has_two_digit_year,
    parse_timestamp_text,
    timestamp_text,
    write_timestamp,
)

SECONDS_OF_A_DAY = st.integers(min_value=0, max_value=86_399)


@pytest.mark.parametrize("layout", TIME_LAYOUTS)
def test_the_example_of_every_layout_is_the_same_timestamp_as_far_as_it_says(layout):
    seconds = parse_timestamp(TIME_LAYOUTS[layout].example, layout=layout)
    whole = datetime(2024, 2, 26, 1, 50, 7, tzinfo=UTC).timestamp()
    expected = {"time": 6607.0, "compact": whole - 6607.0}.get(layout, whole)
    assert seconds == expected


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("26/02/2024 18:30", "day_first"),
        ("26.2.2024 18.30.00", "day_first"),
        ("26-02-2024T18:30:00.000", "day_first"),
        ("02/26/2024 6:30 PM", "month_first"),
        ("2/26/2024, 6:30:00 p.m.", "month_first"),
        ("2024/02/26 18:30", "year_first"),
        ("2024-02-26 18.30.00", "year_first"),
        ("2024.2.26 20:30 +02:00", "year_first"),
        ("26-Feb-2024 18:30", "day_month_name"),
        ("26 February 2024 18:30Z", "day_month_name"),
        ("26feb2024 18:30", "day_month_name"),
        ("Feb 26, 2024 6:30pm", "month_name_day"),
        ("February 26th 2024 18:30", "month_name_day"),
        ("20240226 18:30", "compact"),
        ("20240226T18:30:00", "compact"),
    ],
)
def test_a_date_may_have_dots_names_halves_of_the_day_and_zones(text, layout):
    assert parse_timestamp(text, layout=layout) == datetime(2024, 2, 26, 18, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("18:30", 66_600), ("18.30.00", 66_600), ("6:30 pm", 66_600), ("12:00 AM", 0), ("00:00:00.25", 0.25)],
)
def test_a_time_of_day_is_seconds_since_midnight(text, seconds):
    assert parse_timestamp(text, layout="time") == seconds


@given(SECONDS_OF_A_DAY)
def test_a_time_of_day_reads_as_it_was_written(seconds):
    text = write_timestamp(float(seconds), layout="time")
    assert text == clock_text(float(seconds))
    assert parse_timestamp(text, layout="time") == seconds


@given(st.integers(min_value=0, max_value=4_000_000_000), st.integers(min_value=-12, max_value=14))
def test_a_zone_behind_a_date_shifts_it(seconds, hours):
    there = datetime.fromtimestamp(seconds, tz=timezone(timedelta(hours=hours)))
    sign, size = ("-", -hours) if hours < 0 else ("+", hours)
    text = there.strftime("%d/%m/%Y %H:%M:%S") + f"{sign}{size:02d}00"
    assert parse_timestamp_text(text, layout="day_first").timestamp() == seconds


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("24:00", "time"),
        ("18:3", "time"),
        ("13:30 PM", "time"),
        ("2024-02-26T18:30:00", "time"),
        ("26/02/24", "day_first"),
        ("26/02.2024", "day_first"),
        ("26/02/2024x", "day_first"),
        ("02/26/2024", "day_first"),
        ("30/02/2024", "day_first"),
        ("26-Fob-2024", "day_month_name"),
        ("26 M 2024", "day_month_name"),
        ("20241301", "compact"),
        ("20240226 1800x", "compact"),
        ("26/02/2024 10:00+99:00", "day_first"),
    ],
)
def test_what_is_no_timestamp_of_a_layout_is_refused_with_an_example(text, layout):
    with pytest.raises(ValueError, match="such as"):
        parse_timestamp(text, layout=layout)


@pytest.mark.parametrize("layout", [name for name in TIME_LAYOUTS if name != "time"])
@pytest.mark.parametrize("text", ["2024-02-26T18:30:00", "2024-02-26 18:30", "2024-02-26T20:30+02:00"])
def test_iso_is_read_beside_every_layout_but_that_of_times_of_day(text, layout):
    assert parse_timestamp(text, layout=layout) == datetime(2024, 2, 26, 18, 30, tzinfo=UTC).timestamp()


def test_a_typed_time_is_read_where_the_detector_learned_from_numbers():
    assert parse_timestamp(datetime(2024, 2, 26, tzinfo=UTC), layout="epoch_ms") == 1_708_905_600


def test_a_number_is_a_compact_date_only_if_it_is_one():
    assert parse_timestamp(20240226, layout="compact") == parse_timestamp(20240226.0, layout="compact")
    assert parse_timestamp(20240226, layout="compact") == parse_timestamp("2024-02-26", layout="iso")
    assert write_timestamp(parse_timestamp(20240226, layout="compact"), layout="compact") == 20240226
    for wrong in (20240226.5, 20241301, 12, True):
        with pytest.raises(ValueError, match="such as"):
            parse_timestamp(wrong, layout="compact")


@pytest.mark.parametrize(("text", "is_one"), [("26.02.24", True), ("2/6/24 10:00", True), ("26/02/2024", False)])
def test_years_of_two_digits_are_seen(text, is_one):
    assert has_two_digit_year(text) is is_one


def test_milliseconds_are_written_only_where_there_are_some():
    assert timestamp_text(0.5) == "1970-01-01T00:00:00.500"
    assert timestamp_text(1.0) == "1970-01-01T00:00:01"
