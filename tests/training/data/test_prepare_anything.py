"""Whatever stands in a table: it is prepared, or refused in one line of ours."""

from __future__ import annotations

import string
from datetime import timedelta

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.columns.from_records import columns_of_records
from models.columns.from_tables import columns_of_table
from models.errors import DetectorError
from models.tables.table import Table
from training.columns.schema_file import read_schema_file, write_schema_file
from training.data.prepare import prepare
from training.settings.config import TrainConfig

ROWS = 80
TEXTS = {
    "numbers": st.floats(allow_nan=False).map(repr) | st.integers().map(str),
    "units": st.builds("{:.2f} {}".format, st.floats(-1e6, 1e6), st.sampled_from(["km", "°C", "%", ""])),
    "money": st.builds("{}{:,.2f}".format, st.sampled_from(["$", "-$", "€ "]), st.floats(0, 1e7)),
    "grouped": st.integers(0, 10**7).map("{:,} kg".format),
    "dates": st.dates().map(lambda day: day.strftime("%d/%m/%Y")),
    "short dates": st.dates().map(lambda day: day.strftime("%d.%m.%y")),
    "named months": st.dates().map(lambda day: day.strftime("%d-%b-%Y")),
    "instants": st.datetimes().map(lambda moment: moment.isoformat()),
    "clocks": st.times().map(lambda time: time.strftime("%H:%M")),
    "durations": st.builds("{}h {}m".format, st.integers(0, 99), st.integers(0, 59)),
    "compact": st.dates().map(lambda day: day.strftime("%Y%m%d")),
    "words": st.sampled_from(["yes", "No", "on", "t", "F", "0", "1", "maybe"]),
    "anything": st.text(max_size=6),
    "hostile": st.text(string.digits + ".,'-+eE:/ %$€°\u00a0−∞naif", max_size=8),
    "gaps": st.sampled_from(["", "NA", "-", "?", "nan", "inf", "-Infinity", "1e999"]),
}
ARROW = {
    "floats": st.floats(),
    "whole": st.integers(-(2**63), 2**63 - 1),
    "truth": st.booleans(),
    "bytes": st.binary(max_size=3),
    "lists": st.lists(st.integers(0, 3), max_size=2),
    "decimals": st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=2),
    "days": st.dates(),
    "times": st.times(),
    "spans": st.timedeltas(-timedelta(days=10**5), timedelta(days=10**5)),
    "moments": st.datetimes(),
}


@st.composite
def columns(draw):
    """Some values, repeated over all rows in an order of their own, now and then with one of another sort."""
    kind = draw(st.sampled_from([*TEXTS, *ARROW]))
    values = draw(st.lists(st.none() | (TEXTS | ARROW)[kind], min_size=1, max_size=12))
    if kind in TEXTS and draw(st.booleans()):
        values += draw(st.lists(TEXTS[draw(st.sampled_from([*TEXTS]))], max_size=2))
    order = np.random.default_rng(draw(st.integers(0, 99))).integers(0, len(values), ROWS)
    return pa.array([values[number] for number in order])


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(
    cells=st.lists(columns(), min_size=1, max_size=3),
    decimal=st.sampled_from([".", ","]),
    infinite=st.sampled_from(["refuse", "missing"]),
    order=st.sampled_from([(), ("day-first",)]),
)
def test_any_table_is_prepared_or_refused_in_one_line(tmp_path_factory, cells, decimal, infinite, order):
    names = ["a", "created_at", "call length"][: len(cells)]
    data = pa.table({"x": np.arange(ROWS) % 7 / 10} | dict(zip(names, cells, strict=True)))
    table = Table(data=data, decimal=decimal)
    try:
        prepared = prepare(table, TrainConfig(alert_rate=0.2, infinite=infinite, date_order=order))
    except DetectorError as error:
        assert "\n" not in str(error)
        return
    Z = prepared.preprocessor.transform(prepared.columns).Z
    assert np.isfinite(Z).all()
    assert all("\n" not in str(finding) for finding in prepared.findings)
    path = tmp_path_factory.mktemp("any") / "schema.toml"
    write_schema_file(path, prepared.schema)
    assert read_schema_file(path) == prepared.schema
    if decimal == "." and not any(pa.types.is_duration(column.type) for column in cells):
        records = data.to_pylist()  # durations are seconds in records
        again = columns_of_records(prepared.schema, records)
        for name, values in columns_of_table(prepared.schema, table).items():
            np.testing.assert_array_equal(again[name], values)
