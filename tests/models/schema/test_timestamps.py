from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schema.calendar_words import month_number
from models.schema.cells import parse_timestamp
from models.schema.timestamps import (
    TIME_LAYOUTS,
    clock_text,
    has_two_digit_year,
    looks_like_date,
    parse_timestamp_text,
    timestamp_text,
    write_timestamp,
)

FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC).timestamp()
SECONDS_OF_A_DAY = st.integers(min_value=0, max_value=86_399)


@pytest.mark.parametrize("layout", TIME_LAYOUTS)
def test_the_example_of_every_layout_is_the_same_timestamp_as_far_as_it_says(layout):
    seconds = parse_timestamp(TIME_LAYOUTS[layout].example, layout=layout)
    whole = datetime(2024, 2, 26, 1, 50, 7, tzinfo=UTC).timestamp()
    expected = {"time": 6607.0, "compact": whole - 6607.0, "period": FEBRUARY}.get(layout, whole)
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
        ("26-feb-2024 18:30:00.000", "day_month_name"),
        ("26. Februar 2024 18:30", "day_month_name"),
        ("26 févr. 2024 18:30", "day_month_name"),
        ("26 fe\u0301vrier 2024 18:30", "day_month_name"),
        ("26 de fevereiro de 2024 18:30", "day_month_name"),
        ("Montag, 26 Februar 2024 18:30", "day_month_name"),
        ("lun. 26 feb 2024 18:30", "day_month_name"),
        ("Mon, 26 Feb 2024 18:30:00 GMT", "day_month_name"),
        ("26/Feb/2024:18:30:00 +0000", "day_month_name"),
        ("26-Feb-2024 19:30 CET", "day_month_name"),
        ("Mon Feb 26 18:30:00 2024", "month_name_day"),
        ("Mon Feb 26 20:30:00 MESZ 2024", "month_name_day"),
        ("Monday, February 26, 2024 6:30 PM", "month_name_day"),
        ("Mo 26.02.2024 18:30", "day_first"),
        ("26.02.2024 18:30 Uhr", "day_first"),
        ("2024年02月26日 18:30", "year_first"),
        ("26.02.2024 13:30 EST", "day_first"),
        ("2024-02-26 19:30 CET", "year_first"),
        ("2024-02-26T19:30:00+01:00[Europe/Berlin]", "iso"),
    ],
)
def test_a_date_may_have_dots_names_halves_of_the_day_and_zones(text, layout):
    assert parse_timestamp(text, layout=layout) == datetime(2024, 2, 26, 18, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("names", "month"),
    [
        ("gen ene janv jan janeiro Jänner", 1),
        ("feb fev fév févr Feber", 2),
        ("mar Mär Mrz März março maart mars", 3),
        ("apr abr avr avril", 4),
        ("mag may mai maio mei", 5),
        ("giu jun juin Juni junho", 6),
        ("lug jul juil luglio", 7),
        ("ago aug août AOÛT Agosto", 8),
        ("set sep Sept settembre setembro", 9),
        ("ott oct Okt out outubro", 10),
        ("nov Novembre", 11),
        ("dic dez Dez déc dec dezembro", 12),
        ("jui ma xyz Monday", 0),
    ],
)
def test_months_are_known_by_name_and_its_first_letters_in_several_languages(names, month):
    assert {month_number(name) for name in names.split()} == {month}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-01", (2024, 1, 1)),
        ("2024/03", (2024, 3, 1)),
        ("12/2024", (2024, 12, 1)),
        ("2024M07", (2024, 7, 1)),
        ("2024Q1", (2024, 1, 1)),
        ("2024-Q4", (2024, 10, 1)),
        ("Q3 2024", (2024, 7, 1)),
        ("2Q24", (2024, 4, 1)),
        ("H2 2024", (2024, 7, 1)),
        ("Mar-24", (2024, 3, 1)),
        ("Dez '98", (1998, 12, 1)),
        ("MAY24", (2024, 5, 1)),
        ("août 2024", (2024, 8, 1)),
        ("2024-Feb", (2024, 2, 1)),
        ("2024W05", (2024, 1, 29)),
        ("KW 5/2024", (2024, 1, 29)),
        ("2024-W05", (2024, 1, 29)),
    ],
)
def test_a_month_a_quarter_or_a_week_is_its_first_day(text, day):
    assert parse_timestamp(text, layout="period") == datetime(*day, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text", ["2024-13", "2024Q5", "1/4000", "2024W54", "Abc-24", "March", "24-03", "FY2024", "v24"]
)
def test_what_is_no_month_quarter_or_week_is_refused(text):
    with pytest.raises(ValueError, match="a month, quarter or week such as 2024-02"):
        parse_timestamp(text, layout="period")


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("2024-02-25 24:00", "iso"),
        ("2024-02-25T24:00:00Z", "iso"),
        ("2024-02-25T24:00:00.000+00:00", "iso"),
        ("20240225T2400", "iso"),
        ("25.02.2024 24:00", "day_first"),
        ("2024/02/25 24:00:00", "year_first"),
        ("25-Feb-2024 24.00", "day_month_name"),
    ],
)
def test_the_end_of_a_day_is_the_begin_of_the_next(text, layout):
    assert parse_timestamp(text, layout=layout) == datetime(2024, 2, 26, tzinfo=UTC).timestamp()


def test_a_time_of_day_may_be_24_00():
    assert parse_timestamp("24:00", layout="time") == parse_timestamp("00:00", layout="time") == 0.0


@pytest.mark.parametrize(("text", "is_one"), [("20-kwi-2016 03:00:00", True), ("1.2.3", False), ("10.0.0.1", False)])
def test_what_looks_like_a_date_of_an_unknown_form_is_seen(text, is_one):
    assert looks_like_date(text) is is_one


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
        ("24:01", "time"),
        ("25:00", "time"),
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


@pytest.mark.parametrize(
    ("text", "is_one"), [("26.02.24", True), ("2/6/24 10:00", True), ("26-FEB-24", True), ("26/02/2024", False)]
)
def test_years_of_two_digits_are_seen(text, is_one):
    assert has_two_digit_year(text) is is_one


def test_milliseconds_are_written_only_where_there_are_some():
    assert timestamp_text(0.5) == "1970-01-01T00:00:00.500"
    assert timestamp_text(1.0) == "1970-01-01T00:00:01"
