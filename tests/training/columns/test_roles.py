from __future__ import annotations

import pytest

from models.errors import ConfigError
from models.schema import Kind
from training.columns.roles import DATE_ORDERS, Roles, parse_date_orders, parse_kinds, parse_missing_values

NAMES = ["load", "a=b", "at"]


def test_the_name_of_a_column_with_a_kind_may_have_an_equals_sign():
    assert parse_kinds(("load=boolean", "a=b=datetime"), NAMES) == {"load": Kind.BOOLEAN, "a=b": Kind.DATETIME}


def test_a_date_order_is_for_all_columns_or_for_one():
    assert parse_date_orders(("day-first", "at=month-first"), NAMES) == {"*": "day_first", "at": "month_first"}
    assert list(DATE_ORDERS) == ["day-first", "month-first"]


def test_missing_values_are_for_all_columns_or_for_one_and_may_be_many():
    said = parse_missing_values(("-200", "load=-999", "load=off", "*=x=y", "a=b=c"), NAMES)
    assert said == {"*": ("-200", "x=y"), "load": ("-999", "off"), "a=b": ("c",)}


@pytest.mark.parametrize("said", [parse_kinds, parse_missing_values, parse_date_orders])
def test_a_column_that_is_not_there_is_refused_with_the_columns(said):
    value = {"parse_kinds": "numeric", "parse_date_orders": "day-first"}.get(said.__name__, "3")
    with pytest.raises(ConfigError, match=r"there is no column 'lod'\. The columns are: load, a=b, at\."):
        said((f"lod={value}",), NAMES)


def test_missing_values_of_a_column_and_of_all_are_missing_in_it():
    roles = Roles(missing_values={"load": ("-1",), "*": ("-9", "-1")}, infinite="missing")
    assert roles.missing_of("load", Kind.NUMERIC) == ("-1", "-9", "inf", "-inf")
    assert roles.missing_of("at", Kind.DATETIME) == ("-9", "-1")
