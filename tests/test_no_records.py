"""Lines of a file that are no records: blank ones, the header again, units, totals. No row may be lost in silence."""

from __future__ import annotations

import numpy as np
import pytest
from in_process import in_process
from samples import FakeEngine, numbers_preprocessor

from models.calibration import Calibration
from models.detector import Detector
from models.schema import Column, FeatureSchema, Kind
from models.scoring import Scorer
from models.tables.files import iter_table, read_table
from models.tables.read_options import ReadOptions
from models.tables.source import Source

ONE_COLUMN = "a\n1.5\n\n2.5\n\n3.5\n"
VALUES = [1.5, None, 2.5, None, 3.5]


def source(content):
    return Source(name="rows.csv", content=content.encode())


def numbers_detector(*names):
    """A detector of columns of numbers, whose network answers half of what it is given."""
    preprocessor = numbers_preprocessor(*[1.0] * len(names))
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in names))
    return Detector(
        name="numbers",
        version="1",
        schema=schema,
        scorer=Scorer(preprocessor=preprocessor, engine=FakeEngine(lambda Z: 0.5 * Z)),
        calibration=Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05),
    )


# --- blank lines of a file of one column (cases/second, 10) ------------------------------------------------


@pytest.mark.parametrize("said", [{}, {"numbers": frozenset("a")}, {"comment": "#"}], ids=["fast", "numbers", "exact"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_blank_line_of_one_column_is_a_missing_value(said, end):
    [table] = iter_table(source(ONE_COLUMN.replace("\n", end)), ReadOptions(**said), format="csv")
    assert [float(cell) if cell else None for cell in table.data["a"].to_pylist()] == VALUES
    assert table.repairs == ("blank lines are missing values, as there is one column",)


def test_blank_lines_far_below_the_first_are_counted_too():
    table = read_table([source("a\n" + "1.5\n" * 1000 + "\n\n" + "2.5\n")], format="csv")
    assert len(table) == 1003
    assert table.repairs == ("2 rows hold no value at all",)


def test_blank_lines_above_the_header_and_between_several_columns_are_no_rows():
    assert read_table([source("\n\na\n1.5\n")], format="csv").data.to_pydict() == {"a": ["1.5"]}
    several = read_table([source("a,b\n1,2\n\n3,4\n")], format="csv")
    assert several.data.to_pydict() == {"a": ["1", "3"], "b": ["2", "4"]}


def test_blank_lines_of_one_column_are_scored_in_a_request():
    with in_process(numbers_detector("a")) as client:
        found = client.post(ONE_COLUMN, content_type="text/csv").json()["results"]
        expected = client.post("[" + ",".join(f'{{"a": {"null" if v is None else v}}}' for v in VALUES) + "]").json()
    assert [item["anomaly_score"] for item in found] == [item["anomaly_score"] for item in expected["results"]]
