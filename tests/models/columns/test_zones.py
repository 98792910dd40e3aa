"""A detector knows whether its times had a zone, and refuses the others at every door (second collection, 17)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from models.columns.from_records import columns_of_records
from models.columns.from_tables import columns_of_table
from models.errors import DataError
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import parser_of
from models.schema.timestamps import TIME_LAYOUTS, write_timestamp
from models.tables.table import Table, table_of
from training.columns.infer_schema import infer_schema
from training.columns.roles import Roles

KOLKATA = timezone(timedelta(hours=5, minutes=30))
HOURS = [datetime(2024, 1, 1) + timedelta(hours=7 * i) for i in range(60)]
ZONED = [moment.replace(tzinfo=KOLKATA) for moment in HOURS]


def learned(times):
    table = Table(data=pa.table({"at": times, "load": np.arange(60) % 7 + 0.5}))
    schema, findings = infer_schema(table, Roles(), fitting=np.ones(60, bool))
    return schema, [finding for finding in findings if finding.columns == ("at",)]


def texts(moments, layout="%Y-%m-%dT%H:%M:%S%z"):
    return [moment.strftime(layout) for moment in moments]


def read_everywhere(schema, moment):
    """Return functions that read a time from records, a column of texts, an Arrow column and a frame of pandas."""
    text = moment.isoformat()
    zone = None if moment.tzinfo is None else "+05:30"
    tables = [
        Table(data=pa.table({"at": [text], "load": ["1"]})),
        Table(data=pa.table({"at": pa.array([moment], pa.timestamp("us", zone)), "load": [1.0]})),
        table_of(pd.DataFrame({"at": [pd.Timestamp(moment)], "load": [1.0]})),
    ]
    return [
        lambda: columns_of_records(schema, [{"at": text, "load": 1.0}]),
        lambda: columns_of_records(schema, [{"at": moment, "load": 1.0}]),
        *(lambda table=table: columns_of_table(schema, table) for table in tables),
    ]


@pytest.mark.parametrize("times", [texts(ZONED), texts(ZONED, "%d.%m.%Y %H:%M%z"), pa.array(ZONED)])
def test_a_time_without_a_zone_is_refused_where_all_had_one(times):
    schema, findings = learned(times)
    assert schema.columns[0].zone is True
    assert findings == [] or "day comes first" in str(findings[0])
    for door in read_everywhere(schema, ZONED[5]):
        assert door()["at"][0] == ZONED[5].timestamp()
    for door in read_everywhere(schema, HOURS[5]):
        with pytest.raises(DataError, match="a time with its zone, as in training"):
            door()


@pytest.mark.parametrize("times", [texts(HOURS), texts(HOURS, "%d.%m.%Y %H:%M"), pa.array(HOURS)])
def test_a_time_of_another_zone_is_refused_where_none_had_one(times):
    schema, _ = learned(times)
    assert schema.columns[0].zone is False
    for moment in (HOURS[5], HOURS[5].replace(tzinfo=UTC)):
        text = columns_of_records(schema, [{"at": moment.isoformat(), "load": 1.0}])
        assert text["at"][0] == HOURS[5].replace(tzinfo=UTC).timestamp()
    for door in read_everywhere(schema, ZONED[5]):
        with pytest.raises(DataError, match="without a zone, as in training, or in UTC"):
            door()


def test_times_of_which_some_have_a_zone_are_noted_and_both_are_read():
    schema, [finding] = learned([*texts(ZONED[:40]), *texts(HOURS[40:])])
    assert schema.columns[0].zone is None
    assert finding.warning
    assert "some have none; these are taken as UTC" in str(finding)
    for moment in (HOURS[5], ZONED[5]):
        for door in read_everywhere(schema, moment):
            door()


@pytest.mark.parametrize("layout", [name for name in TIME_LAYOUTS if name not in ("time", "period")])
@pytest.mark.parametrize("zone", [True, False, None])
def test_a_typical_time_is_written_so_that_its_column_reads_it(layout, zone):
    column = Column(name="at", kind=Kind.DATETIME, layout=layout, zone=zone)
    assert parser_of(column)(write_timestamp(1_708_905_600.0, layout=layout, zone=zone)) == 1_708_905_600.0


def test_the_zone_is_kept_in_the_schema():
    schema, _ = learned(texts(ZONED))
    assert FeatureSchema.from_json(schema.to_json()) == schema
    with pytest.raises(ValueError, match="zone is for datetime columns"):
        Column(name="load", kind=Kind.NUMERIC, zone=True)
