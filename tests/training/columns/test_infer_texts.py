from __future__ import annotations

import pytest

from models.errors import TableError
from models.schema import DURATION, Column, Kind
from training.columns.infer_texts import text_column, too_many_categories
from training.columns.roles import Roles


def column(*texts, name="c", decimal=".", **roles):
    return text_column(name, texts, Roles(**roles), decimal=decimal)


def said(kind):
    return {"kinds": {"c": kind}}


@pytest.mark.parametrize(
    ("texts", "decimal", "expected"),
    [
        (["12.5 °C", "-3 °C"], ".", {"unit": "°C", "decimal": "."}),
        (["12,5 °C", "-3 °C"], ",", {"unit": "°C", "decimal": ","}),
        (["12,5 °C", "-3,25 °C"], ".", {"unit": "°C", "decimal": ","}),
        (["45%", "3 %"], ".", {"unit": "%", "decimal": "."}),
        (["$1,200.50", "-$3.00", "$ 4"], ".", {"unit": "$", "decimal": ".", "thousands": ","}),
        (["EUR 3", "EUR 1.200,50"], ".", {"unit": "EUR", "decimal": ",", "thousands": "."}),
        (["1 200,50 €", "3 €"], ".", {"unit": "€", "decimal": ",", "thousands": " "}),
        (["1'200 CHF", "3.50 CHF"], ".", {"unit": "CHF", "decimal": ".", "thousands": "'"}),
        (["$1,200", "$950", "$12,000"], ".", {"unit": "$", "decimal": ".", "thousands": ","}),
        (["1.200 €", "950 €"], ".", {"unit": "€", "decimal": ",", "thousands": "."}),
        (["1,234 kg", "12,345 kg"], ",", None),
        (["1.2k", "3k"], ".", {"unit": "k", "decimal": "."}),
        (["5 m3", "6.5 m3"], ".", {"unit": "m3", "decimal": "."}),
        (["1e-3 mol/l", "2e-3 mol/l"], ".", {"unit": "mol/l", "decimal": "."}),
    ],
)
def test_numbers_with_one_unit_are_numbers_in_it(texts, decimal, expected):
    found = column(*texts, decimal=decimal)
    if expected is None:
        assert "may have a decimal mark or grouped digits" in found
        assert "X['c'].str.replace(" in found
    else:
        assert found == Column(name="c", kind=Kind.NUMERIC, **expected)


@pytest.mark.parametrize(
    ("texts", "unit"),
    [(["0.046 kg", "0.291 kg"], "kg"), (["0.743%", "1.091%"], "%"), (["€0.847", "€1.475"], "€")],
)
def test_a_number_that_begins_with_a_zero_has_no_grouped_digits(texts, unit):
    assert column(*texts) == Column(name="c", kind=Kind.NUMERIC, unit=unit, decimal=".")
    commas = [text.replace(".", ",") for text in texts]
    assert column(*commas) == Column(name="c", kind=Kind.NUMERIC, unit=unit, decimal=",")


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ((".", None), {"decimal": "."}),
        ((None, ""), {"decimal": "."}),
        ((".", ""), {"decimal": "."}),
        ((None, "."), {"decimal": ",", "thousands": "."}),
        ((",", "."), {"decimal": ",", "thousands": "."}),
    ],
)
def test_the_marks_that_the_user_names_settle_what_numbers_with_units_are(marks, expected):
    texts = ("1.741%", "1.509%")
    asked = text_column("c", texts, Roles(), decimal=".", said=(None, None))
    assert str(asked).endswith("grouped digits: say which: --decimal . or --thousands .")
    found = text_column("c", texts, Roles(), decimal=marks[0] or ".", said=marks)
    assert found == Column(name="c", kind=Kind.NUMERIC, unit="%", **expected)


def test_marks_that_the_user_names_are_no_hindrance_to_a_column_that_has_others():
    found = text_column("c", ["3,25 €", "1,5 €"], Roles(), decimal=".", said=(".", None))
    assert found == Column(name="c", kind=Kind.NUMERIC, unit="€", decimal=",")


def test_groups_of_two_behind_the_first_three_digits_are_read_as_in_india():
    found = column("₹ 6,09,943.50", "₹ 39,19,760.50", "₹ 950")
    assert found == Column(name="c", kind=Kind.NUMERIC, unit="₹", decimal=".", thousands=",")


@pytest.mark.parametrize("units", [("kWh", "kwh"), ("°C", "°c"), ("KG", "kg"), ("kWh", "KWH", "kwh")])
def test_a_unit_in_another_case_is_another_unit(units):
    texts = [f"{number}.5 {unit}" for number, unit in enumerate(units)]
    assert column(*texts) == f"numbers in several units ({', '.join(map(repr, units))}): bring them to one"


def test_letters_behind_house_numbers_are_no_units():
    assert column("12 a", "12 c", "14 e") == Column(name="c", kind=Kind.CATEGORICAL)


def test_several_units_in_a_column_are_a_reason_against_it():
    assert column("5 km", "300 m") == "numbers in several units ('km', 'm'): bring them to one"
    assert column("$5", "€ 3") == "numbers in several units ('$', '€'): bring them to one"


def test_numbers_without_a_unit_beside_some_with_one_are_asked_about():
    assert column("1.2 kg", "900") == (
        "numbers in 'kg', but '900' has no unit: write it behind every number, or say --kind c=numeric if it goes "
        "without saying"
    )
    assert column("1.2 kg", "900", **said(Kind.NUMERIC)) == Column(name="c", kind=Kind.NUMERIC, unit="kg", decimal=".")


def test_thousands_written_as_k_are_never_mixed_with_plain_numbers():
    reason = "numbers with and without 'k', such as '900': write all of them out"
    assert column("1.2k", "900") == column("1.2k", "900", **said(Kind.NUMERIC)) == reason


@pytest.mark.parametrize(
    "texts",
    [
        ["M14860", "L47181"],
        ["shop 17", "shop 18"],
        ["1st-4th", "11th"],
        ["1.2.3", "1.2.4"],
        ["10-20", "20-30"],
        ["5 large", "3 small"],
        ["192.168.0.1", "10.0.0.1"],
        ["07:30-08:30"],
        ["Москва", "東京"],
    ],
)
def test_codes_versions_and_ranges_are_no_numbers(texts):
    assert column(*texts) == Column(name="c", kind=Kind.CATEGORICAL)


@pytest.mark.parametrize(
    "texts", [["yes", "No"], ["on", "off"], ["T", "f"], ["y", "N"], ["true", "1"], ["yes"], ["TRUE", "no"]]
)
def test_words_for_true_and_false_are_truth_values(texts):
    assert column(*texts) == Column(name="c", kind=Kind.BOOLEAN)


@pytest.mark.parametrize("texts", [["f"], ["on"], ["F", "M"], ["n"], ["y", "x"]])
def test_a_letter_is_a_truth_value_beside_its_opposite_only(texts):
    assert column(*texts) == Column(name="c", kind=Kind.CATEGORICAL)


@pytest.mark.parametrize(
    ("texts", "layout"),
    [
        (["26-Feb-2024", "1 Mar 2024"], "day_month_name"),
        (["Feb 26, 2024", "March 1, 2024"], "month_name_day"),
        (["2024/02/26", "2024/3/1"], "year_first"),
        (["13/02/2024", "03/04/2024"], "day_first"),
        (["02/13/2024", "03/04/2024"], "month_first"),
        (["20-apr-2016 00:00:00.400", "01-mag-2016 03:00:00.400"], "day_month_name"),
        (["2024-01", "2024-12"], "period"),
        (["2024Q1", "2024Q3"], "period"),
        (["2024/03", "2024/04"], "period"),
        (["Mar-24", "Apr-24"], "period"),
        (["2024-W05", "2024-W06"], "iso"),
        (["2024-03-01 23:00", "2024-03-01 24:00"], "iso"),
        (["23:00", "24:00"], "time"),
        (["18:30", "7:05"], "time"),
        (["18.30.00", "19.00.00"], "time"),
    ],
)
def test_dates_and_times_are_timestamps_in_their_layout(texts, layout):
    assert column(*texts) == Column(name="c", kind=Kind.DATETIME, layout=layout, zone=False)


def test_dates_beside_which_some_are_iso_are_read_in_both_ways():
    assert column("26/02/2024", "2024-02-28", "27/02/2024").layout == "day_first"
    assert column("2024-02-26", "2024-02-28").layout == "iso"
    with pytest.raises(TableError, match="day and month cannot be told apart"):
        column("01/02/2024", "2024-02-28")


def test_seasons_are_no_months():
    assert column("2007/08", "2008/09", "2009/10").kind is Kind.CATEGORICAL
    assert column("2007/08", "2008/08", "2009/10").layout == "period"


def test_dates_of_no_known_form_are_named_as_such():
    dates = [f"{day:02d}-kwi-2016 {hour:02d}:00" for day in range(1, 29) for hour in (3, 9)]
    assert "dates of no known form, such as '01-kwi-2016 03:00'" in too_many_categories(dates)


def test_an_order_for_one_column_goes_before_that_for_all():
    texts = ["03/04/2024", "05/06/2024"]
    orders = {"c": "day_first", "*": "month_first"}
    assert column(*texts, date_orders=orders).layout == "day_first"
    assert column(*texts, date_orders={"other": "day_first", "*": "month_first"}).layout == "month_first"


def test_dates_that_show_their_order_need_no_order_for_all():
    assert column("13/02/2024", "03/04/2024", date_orders={"*": "month_first"}).layout == "day_first"


def test_years_of_two_digits_are_a_reason_against_a_column():
    reason = "dates with two-digit years, such as '26/02/24': write the year with four digits"
    assert column("26/02/24", "03/04/24") == reason


@pytest.mark.parametrize("texts", [["1h 30m", "45m"], ["36:10:02", "01:00:00"], ["PT1H", "PT9M"], ["5 min", "300 s"]])
def test_durations_are_numbers(texts):
    assert column(*texts) == Column(name="c", kind=Kind.NUMERIC, layout=DURATION)


def test_minutes_or_metres_are_no_duration_but_a_unit():
    assert column("5 m", "7 m") == Column(name="c", kind=Kind.NUMERIC, unit="m", decimal=".")


def test_what_may_be_a_time_of_day_or_a_duration_is_asked_where_the_name_says_so():
    with pytest.raises(TableError, match=r"--kind call_length=datetime for times of day, or --kind .*=numeric"):
        column("00:10:02", "00:12:00", name="call_length")
    kinds = {"call_length": Kind.NUMERIC}
    assert column("00:10:02", name="call_length", kinds=kinds).layout == DURATION
    kinds = {"call_length": Kind.DATETIME}
    assert column("00:10:02", name="call_length", kinds=kinds).layout == "time"


def test_what_the_user_says_goes_before_what_the_texts_look_like():
    assert column("1", "2", **said(Kind.CATEGORICAL)) == Column(name="c", kind=Kind.CATEGORICAL)
    assert column("1", "0", **said(Kind.BOOLEAN)) == Column(name="c", kind=Kind.BOOLEAN)
    assert column("yes", "no", **said(Kind.CATEGORICAL)) == Column(name="c", kind=Kind.CATEGORICAL)


@pytest.mark.parametrize("strays", [("ERR",), ("error", "n.n.")])
def test_a_few_texts_among_many_numbers_are_asked_about_and_make_no_categories(strays):
    numbers = [str(number / 10) for number in range(60)]
    reason = column(*numbers, *strays)
    assert reason.startswith(f"numbers, but for {', '.join(map(repr, strays))}: fix these, or say --missing-values c=")
    assert "--kind c=categorical" in reason
    assert column(*numbers, *strays, **said(Kind.CATEGORICAL)).kind is Kind.CATEGORICAL


def test_a_line_of_totals_makes_no_categories_of_dates():
    days = [f"2024-01-{day:02d}" for day in range(1, 32)]
    assert column(*days, "Total").startswith("dates or times (iso), but for 'Total': fix these")


def test_few_texts_of_which_some_are_numbers_are_categories():
    assert column("1", "2", "3", "A").kind is Kind.CATEGORICAL
    assert (
        column(*map(str, range(20)), "red", "blue", "green", "black", "white").kind is Kind.CATEGORICAL
    )  # a fifth is not few
