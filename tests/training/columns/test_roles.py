from __future__ import annotations

import pytest

from models.errors import ConfigError
from models.schema import Kind
from training.columns.roles import DATE_ORDERS, Roles, split_assignments

NAMES = ["load", "a=b", "at"]


def test_the_name_of_a_column_with_a_kind_may_have_an_equals_sign():
    said = split_assignments("kind", ("load=boolean", "a=b=datetime"), NAMES)
    assert said == [("load", "boolean"), ("a=b", "datetime")]


def test_a_date_order_is_for_all_columns_or_for_one():
    said = split_assignments("date_order", ("day-first", "at=month-first"), NAMES)
    assert said == [("*", "day-first"), ("at", "month-first")]
    assert list(DATE_ORDERS) == ["day-first", "month-first"]


def test_missing_values_are_for_all_columns_or_for_one_and_may_be_many():
    said = split_assignments("missing_values", ("-200", "load=-999", "load=off", "*=x=y", "a=b=c"), NAMES)
    assert said == [("*", "-200"), ("load", "-999"), ("load", "off"), ("*", "x=y"), ("a=b", "c")]


@pytest.mark.parametrize(
    ("setting", "value"), [("kind", "numeric"), ("date_order", "day-first"), ("missing_values", "3")]
)
def test_a_column_that_is_not_there_is_refused_with_the_columns(setting, value):
    with pytest.raises(ConfigError, match=r"there is no column 'lod'\. Did you mean 'load'\? The columns are: load"):
        split_assignments(setting, (f"lod={value}",), NAMES)


def test_missing_values_of_a_column_and_of_all_are_missing_in_it():
    roles = Roles(missing_values={"load": ("-1",), "*": ("-9", "-1")}, infinite="missing")
    assert roles.missing_of("load", Kind.NUMERIC) == ("-1", "-9", "inf", "-inf")
    assert roles.missing_of("at", Kind.DATETIME) == ("-9", "-1")
