from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schema import THOUSANDS, Column, Kind
from models.schema.cells import (
    BOOLEAN_WORDS,
    MISSING_TEXTS,
    parse_boolean,
    parse_category,
    parse_number,
    parse_timestamp,
    parser_of,
)
from models.schema.timestamps import TIME_LAYOUTS, timestamp_text, write_timestamp

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


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("thousands", THOUSANDS)
@given(st.integers(-(10**12), 10**12), st.integers(0, 99))
def test_thousands_separators_do_not_change_a_number(decimal, thousands, whole, cents):
    if decimal == thousands:
        return
    plain = f"{whole}{decimal}{cents:02d}"
    grouped = f"{whole:,}".replace(",", thousands) + f"{decimal}{cents:02d}"
    number = parse_number(plain, decimal=decimal)
    assert parse_number(grouped, decimal=decimal, thousands=thousands) == number
    assert parse_number(plain, decimal=decimal, thousands=thousands) == number


@pytest.mark.parametrize("text", ["12,34", "1,2345", "1,23", ",123", "1,234,", "1234,567", "1,234.567,890"])
def test_a_separator_that_is_not_between_thousands_is_refused(text):
    with pytest.raises(ValueError, match="a number with a decimal point and commas between thousands, such as"):
        parse_number(text, thousands=",")


@pytest.mark.parametrize(("text", "thousands"), [("1\u202f234", " "), ("1\u00a0234", " "), ("1’234", "'")])
def test_every_variant_of_a_separator_is_known(text, thousands):
    assert parse_number(text, thousands=thousands) == 1234


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


def test_a_spelling_of_unicode_makes_no_other_category():
    assert parse_category("caf\u00e9") == parse_category(" cafe\u0301 ") == "caf\u00e9"
    assert parse_category("Москва") != parse_category("Moskva")


def test_a_decimal_is_the_category_that_the_same_float_is():
    assert [parse_category(Decimal(text)) for text in ("3.00", "2.50", "1E+3")] == ["3", "2.5", "1000"]
    assert parse_category(Decimal("nan")) is None


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "number"),
    [
        ("1,200.50", ".", ",", 1200.5),
        ("-1,234,567", ".", ",", -1_234_567),
        ("1.200,50", ",", ".", 1200.5),
        ("1 200,5", ",", " ", 1200.5),
        ("1'200", ".", "'", 1200),
        ("950", ".", ",", 950),
        ("−5", ".", None, -5),
    ],
)
def test_grouped_digits_are_read_with_their_separators(text, decimal, thousands, number):
    assert parse_number(text, decimal=decimal, thousands=thousands) == number


@pytest.mark.parametrize("text", ["1,20", "1,2000", ",200", "12,34,56", "1,200,"])
def test_digits_that_are_not_grouped_up_to_the_last_three_are_no_number(text):
    with pytest.raises(ValueError, match="a number"):
        parse_number(text, thousands=",")


@given(FINITE)
def test_a_number_reads_the_same_with_its_unit_on_either_side_and_without(number):
    parse = parser_of(Column(name="c", kind=Kind.NUMERIC, unit="€", decimal="."))
    assert {parse(number), parse(repr(number)), parse(f"{number!r} €"), parse(f"€{number!r}")} == {number}


@pytest.mark.parametrize("text", ["5 km", "5 €€", "€ 5 €", "€", "5 eur"])
def test_another_unit_is_an_error_that_names_the_one_that_is_expected(text):
    with pytest.raises(ValueError, match="a number in €"):
        parser_of(Column(name="c", kind=Kind.NUMERIC, unit="€"))(text)


@pytest.mark.parametrize(
    ("column", "missing", "present"),
    [
        (Column(name="c", kind=Kind.NUMERIC, missing=("-200", "n.n.")), [-200, -200.0, "-200.0", " n.n. "], [200, "1"]),
        (Column(name="c", kind=Kind.NUMERIC, unit="°C", missing=("-200",)), ["-200 °C", -200], ["20 °C"]),
        (Column(name="c", kind=Kind.NUMERIC, missing=("inf", "-inf")), [math.inf, "-inf", "1e999", "∞"], [1e300]),
        (Column(name="c", kind=Kind.CATEGORICAL, missing=("none of these", "3")), ["none of these", 3, 3.0], ["4"]),
        (Column(name="c", kind=Kind.BOOLEAN, missing=("unknown",)), ["unknown"], [True, "no"]),
        (
            Column(name="c", kind=Kind.DATETIME, layout="day_first", missing=("01/01/1900", "0000")),
            ["01/01/1900", "1.1.1900 00:00", date(1900, 1, 1), "0000"],
            ["02/01/1900"],
        ),
    ],
)
def test_a_value_that_stands_for_none_is_missing_however_it_is_written(column, missing, present):
    parse = parser_of(column)
    assert {parse(value) for value in missing} == {None}
    assert None not in {parse(value) for value in present}


@pytest.mark.parametrize("value", [math.inf, "inf", "-1e999"])
def test_infinite_numbers_are_refused_unless_they_stand_for_none(value):
    with pytest.raises(ValueError, match="a finite number"):
        parser_of(Column(name="c", kind=Kind.NUMERIC, missing=("-200",)))(value)


def test_a_duration_is_read_from_its_seconds_and_from_texts():
    parse = parser_of(Column(name="c", kind=Kind.NUMERIC, layout="duration", missing=("-1",)))
    assert [parse(value) for value in (90, "90", "1m 30s", timedelta(seconds=90))] == [90] * 4
    assert parse("NA") is parse(-1) is None
    with pytest.raises(ValueError, match="a duration such as"):
        parse("soon")


def test_a_time_of_day_is_read_from_texts_and_from_times():
    parse = parser_of(Column(name="c", kind=Kind.DATETIME, layout="time"))
    assert parse("18:30") == parse(time(18, 30)) == 66_600
    for wrong in (datetime(2024, 1, 1, 18, 30), 66_600):
        with pytest.raises(ValueError, match="a time of day as text, such as"):
            parse(wrong)


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
def test_a_timestamp_reads_as_it_was_written_in_every_layout(layout, seconds):
    assert parse_timestamp(write_timestamp(float(seconds), layout=layout), layout=layout) == seconds


@given(WHOLE_SECONDS, st.integers(min_value=-12, max_value=14))
def test_a_timestamp_with_a_zone_is_the_same_moment_in_utc(seconds, hours):
    moment = datetime.fromtimestamp(seconds, tz=timezone(timedelta(hours=hours)))
    assert parse_timestamp(moment.isoformat(), layout="iso") == parse_timestamp(moment, layout="iso") == seconds


@given(WHOLE_SECONDS)
def test_a_timestamp_without_a_zone_is_taken_as_utc(seconds):
    naive = datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None)
    assert (
        parse_timestamp(naive, layout="iso") == parse_timestamp(timestamp_text(float(seconds)), layout="iso") == seconds
    )


def test_a_date_is_its_midnight():
    midnight = datetime(2024, 2, 29, tzinfo=UTC).timestamp()
    assert parse_timestamp(date(2024, 2, 29), layout="iso") == midnight
    assert parse_timestamp("29/02/2024", layout="day_first") == parse_timestamp("02/29/2024", layout="month_first")


@pytest.mark.parametrize("text", ["12", "yesterday", "2024-13-01", "24-01-01", "2024-02-30T00:00:00"])
def test_what_is_no_iso_timestamp_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="ISO 8601 date and time such as"):
        parse_timestamp(text, layout="iso")


@pytest.mark.parametrize(
    ("value", "layout"),
    [
        (1e15, "epoch_s"),
        (-1e300, "epoch_ms"),
        ("9999-12-31T23:59:59-05:00", "iso"),
        ("0001-01-01T00:00:00+02:00", "iso"),
    ],
)
def test_a_timestamp_that_no_calendar_shows_is_refused(value, layout):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        parse_timestamp(value, layout=layout)
