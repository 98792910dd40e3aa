from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.instants import TIME_LAYOUTS, instant_text, write_instant
from models.schema import Column, Kind
from models.values import (
    BOOLEAN_WORDS,
    MISSING_TEXTS,
    parse_boolean,
    parse_category,
    parse_instant,
    parse_number,
    parser_of,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WHOLE_SECONDS = st.integers(min_value=0, max_value=4_000_000_000)  # 1970 to 2096


def all_parsers():
    kinds = [Column(name="c", kind=kind) for kind in Kind]
    layouts = [Column(name="c", kind=Kind.DATETIME, layout=layout) for layout in TIME_LAYOUTS]
    return [parser_of(column) for column in (*kinds, *layouts)]


@given(FINITE)
def test_a_number_and_its_text_are_the_same_number(number):
    assert parse_number(number) == number
    assert parse_number(f" {number!r} ") == number


@given(FINITE)
def test_a_decimal_comma_reads_as_a_decimal_point(number):
    assert parse_number(repr(number).replace(".", ","), decimal=",") == number


@pytest.mark.parametrize("text", ["1,5", "1_000", "0x10", "1e", "--1", "1 2", "½", "e5", "."])
def test_a_text_that_is_no_plain_number_is_refused(text):
    with pytest.raises(ValueError, match="a number"):
        parse_number(text)


@pytest.mark.parametrize("value", [math.inf, -math.inf, "1e999", "-1e999", "inf", "-Infinity"])
def test_an_infinite_number_is_refused(value):
    with pytest.raises(ValueError, match="a finite number"):
        parse_number(value)


def test_an_integer_beyond_floats_is_refused():
    with pytest.raises(ValueError, match=r"below 1\.8e308"):
        parse_number(10**400)


@pytest.mark.parametrize("value", [True, [1], {}, date(2024, 1, 1)])
def test_what_is_no_number_is_refused_as_one(value):
    with pytest.raises(ValueError, match="a number"):
        parse_number(value)


def test_nan_and_every_missing_text_mean_that_there_is_no_value_in_every_kind_of_column():
    assert parse_number(math.nan) is parse_number(Decimal("nan")) is parse_boolean(math.nan) is None
    assert parse_category(math.nan) is None
    for parse in all_parsers():
        assert {parse(f" {text} ") for text in MISSING_TEXTS} == {None}


@pytest.mark.parametrize(("word", "truth"), BOOLEAN_WORDS.items())
def test_words_for_truth_values_are_read_in_any_case(word, truth):
    assert parse_boolean(word.upper()) is parse_boolean(f" {word.capitalize()}") is truth


def test_zero_and_one_are_truth_values_and_two_is_not():
    assert [parse_boolean(value) for value in (0, 1, 0.0, 1.0, Decimal(1))] == [False, True, False, True, True]
    for wrong in (2, 0.5, "maybe", []):
        with pytest.raises(ValueError, match="true or false"):
            parse_boolean(wrong)


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
def test_a_whole_number_is_the_same_category_as_integer_float_and_text(number):
    assert parse_category(number) == parse_category(float(number)) == parse_category(str(number)) == str(number)


def test_a_list_is_no_category():
    with pytest.raises(ValueError, match="a text, a number or a truth value"):
        parse_category(["a"])


@pytest.mark.parametrize("layout", [layout for layout in TIME_LAYOUTS if layout != "time"])
@given(seconds=WHOLE_SECONDS)
def test_an_instant_reads_as_it_was_written_in_every_layout(layout, seconds):
    assert parse_instant(write_instant(float(seconds), layout=layout), layout=layout) == seconds


@given(WHOLE_SECONDS, st.integers(min_value=-12, max_value=14))
def test_an_instant_with_a_zone_is_the_same_moment_in_utc(seconds, hours):
    moment = datetime.fromtimestamp(seconds, tz=timezone(timedelta(hours=hours)))
    assert parse_instant(moment.isoformat(), layout="iso") == parse_instant(moment, layout="iso") == seconds


@given(WHOLE_SECONDS)
def test_an_instant_without_a_zone_is_taken_as_utc(seconds):
    naive = datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None)
    assert parse_instant(naive, layout="iso") == parse_instant(instant_text(float(seconds)), layout="iso") == seconds


def test_a_date_is_its_midnight():
    midnight = datetime(2024, 2, 29, tzinfo=UTC).timestamp()
    assert parse_instant(date(2024, 2, 29), layout="iso") == midnight
    assert parse_instant("29/02/2024", layout="day_first") == parse_instant("02/29/2024", layout="month_first")


@pytest.mark.parametrize("text", ["12", "yesterday", "2024-13-01", "24-01-01", "2024-02-30T00:00:00"])
def test_what_is_no_iso_instant_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="ISO 8601 date and time such as"):
        parse_instant(text, layout="iso")


def test_milliseconds_are_shown_only_where_there_are_some():
    assert instant_text(0.5) == "1970-01-01T00:00:00.500"
    assert instant_text(1.0) == "1970-01-01T00:00:01"


@pytest.mark.parametrize(
    ("value", "layout"),
    [
        (1e15, "epoch_s"),
        (-1e300, "epoch_ms"),
        ("9999-12-31T23:59:59-05:00", "iso"),
        ("0001-01-01T00:00:00+02:00", "iso"),
    ],
)
def test_an_instant_that_no_calendar_shows_is_refused(value, layout):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        parse_instant(value, layout=layout)
