from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schema import Column, Kind
from models.schema.cells import parser_of
from models.schema.number_parsing import expected_number, parse_number_text

MARKS = [(".", ","), (".", "'"), (".", " "), (",", "."), (",", " "), (".", ""), (",", "")]


@pytest.mark.parametrize(
    ("text", "marks", "unit", "expected"),
    [
        (
            "1,234.50 €",
            (",", "."),
            "€",
            "a number in € with a decimal comma and points between thousands, such as 1.234,50 €",
        ),
        (
            "€1,234.50",
            (",", "."),
            "€",
            "a number in € with a decimal comma and points between thousands, such as €1.234,50",
        ),
        ("1234.5", (",", "."), "€", "a number in € with a decimal comma and points between thousands, such as 1234,5"),
        ("$1.50", (",", "."), "€", "a number in €, not in '$'"),
        ("hot", (",", "."), "€", "a number in €"),
        (
            "1.234,50 €",
            (".", ""),
            None,
            "a number with a decimal point and no other mark, without '€', such as 1234.50",
        ),
        (
            "48.17469 N",
            (".", ""),
            None,
            "a number without 'N', such as 48.17469; of a coordinate, north and east are positive, south and west "
            "negative",
        ),
        (
            "33,9°S",
            (",", ""),
            None,
            "a number without '°S', such as 33,9; of a coordinate, north and east are positive, south and west "
            "negative: -33,9",
        ),
        (
            "-33.9 S",
            (".", ""),
            None,
            "a number without 'S', such as -33.9; of a coordinate, north and east are positive, south and west "
            "negative",
        ),
        (
            "12°01'19.0\"S",
            (".", ""),
            None,
            "a number; of a coordinate, north and east are positive, south and west negative",
        ),
        ("5 kN", (".", ""), None, "a number without 'kN', such as 5"),
        ("12 €", (".", ""), None, "a number without '€', such as 12"),
        ("6,152.12", (".", ""), None, "a number with a decimal point and no other mark, such as 6152.12"),
        ("1,234", (".", ""), None, "a number with a decimal point and no other mark, such as 1234 or 1.234"),
        ("1.234", (",", ""), None, "a number with a decimal comma, such as 1234 or 1,234"),
        (
            "850\u00a0773,59",
            (".", ","),
            None,
            "a number with a decimal point and commas between thousands, such as 850,773.59",
        ),
        (
            "(1,234.50)",
            (",", "."),
            None,
            "a number with a decimal comma and points between thousands, such as -1.234,50",
        ),
        ("1,2,345", (".", ","), None, "a number with a decimal point and commas between thousands, such as 1,234.5"),
        ("2024-01-05", (",", "."), None, "a number"),
        ("1_000", (".", ""), None, "a number"),
        ("9" * 1000 + ",5", (".", ""), None, "a number"),
    ],
)
def test_a_text_that_is_no_number_is_answered_with_the_number_in_it_as_it_is_written_here(text, marks, unit, expected):
    decimal, thousands = marks
    assert expected_number(text, decimal=decimal, thousands=thousands, unit=unit) == expected
    column = Column(name="c", kind=Kind.NUMERIC, unit=unit)
    with pytest.raises(ValueError, match="a number") as caught:
        parser_of(column, decimal=decimal, thousands=thousands)(text)
    assert str(caught.value) == expected


@given(
    st.integers(0, 10**9), st.none() | st.integers(0, 99), st.sampled_from(MARKS), st.sampled_from(MARKS), st.booleans()
)
def test_the_number_that_was_meant_is_among_the_examples_and_they_are_read(whole, cents, written, here, negative):
    (mark, group), (decimal, thousands) = written, here
    text = "-" * negative + f"{whole:,}".replace(",", group) + ("" if cents is None else f"{mark}{cents:02d}")
    meant = (-1 if negative else 1) * (whole + (cents or 0) / 100)
    try:
        parse_number_text(text, decimal=decimal, thousands=thousands)
    except ValueError as error:
        _, _, examples = str(error).partition("such as ")
        found = [parse_number_text(e, decimal=decimal, thousands=thousands) for e in examples.split(" or ")]
        assert pytest.approx(meant) in found
