from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from samples import sample_detector, sample_record, sample_schema

from models.calibration.rows import check_segments, segments_of
from models.columns.from_records import columns_of_records
from models.columns.from_tables import columns_of_table
from models.errors import ConfigError
from models.schema import FeatureSchema
from models.tables.table import table_of


def by(name: str) -> FeatureSchema:
    return replace(sample_schema(), threshold_by=name)


def segments(name, *values):
    records = [sample_record(**{name: value}) for value in values]
    return segments_of(by(name), columns_of_records(by(name), records)).tolist()


def test_a_detector_with_one_threshold_has_no_segments():
    assert segments_of(sample_schema(), {}) is None
    assert sample_detector().score_records([sample_record()]).segments is None


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("mode", ["run", " run ", None, "NA", "never seen"], ["run", "run", None, None, "never seen"]),
        ("flag", [True, "yes", 1, False, "no", None], ["true", "true", "true", "false", "false", None]),
        ("number", [3, 3.0, "3", 2.5, None], ["3", "3", "3", "2.5", None]),
        ("line", ["A", 7, 7.0, True, None, ""], ["A", "7", "7", "true", None, None]),  # no feature
    ],
)
def test_a_segment_is_the_text_of_the_value_as_it_was_parsed(name, values, expected):
    assert segments(name, *values) == expected


@pytest.mark.parametrize("name", ["mode", "flag", "number", "line", "serial"])
def test_records_and_tables_give_equal_segments(name):
    values = {"mode": ["run", None], "flag": [True, None], "number": [3.5, None]}.get(name, ["x", None])
    records = [sample_record(**{name: value}) for value in values]
    schema = by(name)
    columns = {key: [record.get(key) for record in records] for key in records[0]}
    table = columns_of_table(schema, table_of(pa.table(columns)))
    np.testing.assert_array_equal(segments_of(schema, table), segments_of(schema, columns_of_records(schema, records)))


@pytest.mark.parametrize(("name", "complaint"), [("at", "holds dates and times"), ("state", "is the label")])
def test_a_label_and_a_timestamp_are_no_segments(name, complaint):
    with pytest.raises(ConfigError, match=f"--threshold-by {name} {complaint}"):
        check_segments(replace(by(name), label="state"))
    check_segments(by("mode"))
    check_segments(sample_schema())
