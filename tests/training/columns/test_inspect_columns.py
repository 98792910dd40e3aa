from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from models.errors import TableError
from models.schema import Column, FeatureSchema, Kind
from models.tables.table import Table
from training.columns.infer_schema import Finding
from training.columns.inspect_columns import inspect_columns
from training.data.prepare import prepare
from training.settings.config import TrainConfig

N = 2000
RNG = np.random.default_rng(0)


def findings(**columns):
    kinds = {name: Kind.CATEGORICAL if values.dtype == object else Kind.NUMERIC for name, values in columns.items()}
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=kind) for name, kind in kinds.items()))
    return inspect_columns(schema, columns, None)


def replaced(values, value, rows):
    return np.where(np.arange(len(values)) < rows, value, values)


def test_a_sentinel_is_one_line_with_the_flag_that_mends_it():
    [finding] = findings(x=replaced(RNG.normal(20, 5, N), -200, 30), y=RNG.normal(size=N))
    assert finding == Finding(
        columns=("x",),
        what=finding.what,
        remedy="if so: --missing-values x=-200",
        warning=True,
    )
    assert finding.what.startswith("-200 (30 rows), far outside the other values (the nearest is ")


def test_a_sentinel_of_many_columns_is_one_line_for_all():
    [finding] = findings(**{name: replaced(RNG.normal(20, 5, N), -200, 30) for name in ("a", "b", "c d")})
    assert (finding.columns, finding.remedy) == (("a", "b", "c d"), "if so: --missing-values -200")


def test_two_sentinels_of_a_column_are_one_line():
    [finding] = findings(x=replaced(replaced(RNG.normal(20, 5, N), 999, 60), -999, 30))
    assert finding.remedy == "if so: --missing-values x=-999 x=999"


def test_a_date_that_stands_for_none_is_found_like_a_number_and_its_flag_mends_it():
    days = [f"{1 + i % 28:02d}/{1 + i % 12:02d}/2024" if i % 20 else "01/01/1900" for i in range(N)]
    table = Table(data=pa.table({"day": days, "x": RNG.normal(size=N)}))
    [_, finding] = prepare(table, TrainConfig()).findings
    assert finding.remedy == "if so: --missing-values 'day=01/01/1900 00:00:00'"
    fixed = prepare(table, TrainConfig(missing_values=("day=01/01/1900 00:00:00",)))
    assert np.isnan(fixed.columns["day"]).sum() == N / 20
    assert len(fixed.findings) == 1


@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_a_column_that_is_equal_to_another_is_named_and_kept(kind):
    values = RNG.normal(size=N) if kind == "numbers" else RNG.choice(np.array(["a", "b", None], object), N)
    other = values.copy()
    other[5] = 7.0 if kind == "numbers" else "c"
    [finding] = findings(a=values, b=values.copy(), c=other)
    assert finding.columns == ("b",)
    assert "equal to 'a' in every row" in finding.what
    assert finding.remedy == "else: --exclude b"


def test_gaps_and_the_sign_of_zero_make_no_column_different():
    a, b = np.array([0.0, np.nan, 1.0] * 9), np.array([-0.0, -np.nan, 1.0] * 9)
    assert [finding.columns for finding in findings(a=a, b=b)] == [("b",)]


def test_columns_that_hardly_ever_change_are_one_line():
    [finding] = findings(x=replaced(np.zeros(N), 1, 1), v=replaced(np.zeros(N), 1, 2), z=replaced(np.zeros(N), 1, 3))
    assert (finding.columns, finding.remedy) == (("x", "v"), "else: --exclude x v")


def test_merchants_of_whom_most_are_rare_are_kept_with_a_finding():
    merchants = np.array([f"shop {i}" for i in RNG.zipf(1.5, N) % 400], object)
    many = np.array([f"shop {i % 900}" for i in range(N)], object)
    assert findings(merchant=merchants) == ()
    [finding] = findings(merchant=many)
    assert finding.what.startswith("900 categories; 100% of the rows have a rare one")


def test_merchants_that_come_again_are_categories_and_those_that_do_not_name_their_row():
    rows = 6000
    often = [f"shop {i}" for i in RNG.zipf(1.3, rows) % 2000]
    seldom = [f"shop {i}" for i in RNG.permutation(rows) // 3]
    table = Table(data=pa.table({"often": often, "seldom": seldom, "x": RNG.normal(size=rows)}))
    prepared = prepare(table, TrainConfig())
    assert prepared.schema.names == ("often", "x")
    assert prepared.schema.dropped["seldom"].startswith("identifier")


def test_usual_columns_are_not_worth_a_word():
    assert findings(x=RNG.normal(size=N), mode=RNG.choice(np.array(["a", "b"], object), N)) == ()


def test_what_was_noticed_is_kept_with_what_was_prepared():
    table = Table(data=pa.table({"x": [f"{v:.2f} °C" for v in RNG.normal(20, 5, N)], "y": RNG.normal(size=N)}))
    [finding] = prepare(table, TrainConfig()).findings
    assert str(finding) == "'x': numbers in '°C' (decimal mark '.'); if they are categories: --kind x=categorical"


def test_an_infinite_number_is_refused_with_its_row_unless_it_counts_as_missing():
    table = Table(data=pa.table({"x": replaced(RNG.normal(size=N), np.inf, 1), "y": RNG.normal(size=N)}))
    with pytest.raises(TableError, match=r"Column 'x', row 1: .* got inf\. .*--infinite missing"):
        prepare(table, TrainConfig())
    prepared = prepare(table, TrainConfig(infinite="missing"))
    assert prepared.schema.columns[0].missing == ("inf", "-inf")
    assert np.isnan(prepared.columns["x"][0])


@pytest.mark.parametrize("rows", [1, 30, 1500])
@pytest.mark.parametrize("end", ["9999-12-31", "0001-01-01", "9999-12-31T23:59:59"])
def test_the_ends_of_the_calendar_are_noted_as_what_may_stand_for_a_missing_value(end, rows):
    days = np.datetime64("2024-01-01", "s") + RNG.integers(0, 300, N).astype("timedelta64[D]")
    moments = replaced(days, np.datetime64(end, "s"), rows)
    for cells in (moments, [str(moment).replace("T", " ") for moment in moments], moments.astype("datetime64[us]")):
        table = Table(data=pa.table({"valid_to": cells, "y": RNG.normal(size=N)}))
        [finding] = [found for found in prepare(table, TrainConfig()).findings if "missing" in str(found)]
        flag = str(finding).split("--missing-values ")[1]
        assert f"({rows:,} rows), far outside" in str(finding)
        assert flag.startswith(f"valid_to={end}")
        prepared = prepare(table, TrainConfig(missing_values=(flag,)))
        assert np.isnan(prepared.columns["valid_to"]).sum() == rows
        assert not [found for found in prepared.findings if "missing" in str(found)]


def test_a_missing_value_that_no_cell_has_is_noted():
    table = Table(data=pa.table({"x": RNG.normal(size=N), "mode": RNG.choice(["a", "b"], N)}))
    said = ("x=-999", "mode=n/k", "mode=a", "-1")
    findings = prepare(table, TrainConfig(missing_values=said)).findings
    assert [str(finding) for finding in findings] == [
        "'x': no value is '-999', which --missing-values names",
        "'mode': no value is 'n/k', which --missing-values names",
    ]


def test_missing_values_for_all_columns_are_missing_in_every_column():
    x = replaced(RNG.normal(20, 5, N), -200, 30)
    mode = np.where(RNG.random(N) < 0.1, "n/k", RNG.choice(["a", "b"], N))
    table = Table(data=pa.table({"x": x, "mode": mode}))
    prepared = prepare(table, TrainConfig(missing_values=("-200", "mode=n/k")))
    assert np.isnan(prepared.columns["x"]).sum() == 30
    assert sum(value is None for value in prepared.columns["mode"]) == (mode == "n/k").sum()
    assert not [finding for finding in prepared.findings if finding.columns]
