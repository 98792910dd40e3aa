"""A bundle that the command line trained on a file, loaded as an estimator, takes the data frame of the same file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from samples import machine_records, with_anomalies

from models.bundle import load_detector
from models.schema import Column, FeatureSchema, Kind
from models.tables.files import read_table
from models.tables.table import table_of
from training.estimator import AutoencoderDetector
from training.estimator.names import named_as_in_file
from training.train import main as train

QUICK = ("--preset", "fast", "--epochs", "2", "--hidden-units", "8", "--alert-rate", "0.1", "--quiet")


@pytest.fixture(scope="module")
def of_a_file(tmp_path_factory):
    """A file with an index, a label, an id, a constant, amounts as texts and odd names; and what was trained on it."""
    folder = tmp_path_factory.mktemp("of_a_file")
    frame = pd.DataFrame(with_anomalies(machine_records(260, seed=3), every=10))
    frame = frame.assign(price=[f"{1000 + 7.5 * n:,.2f}" for n in range(260)], gone=None)
    frame = frame.rename(columns={"pressure": " pressure ", "heat": "flow"})  # two are called flow
    frame.to_csv(folder / "rows.csv", na_rep="")
    command = (folder / "rows.csv", "--id", "serial", "--label", "state", *QUICK, "--output", folder / "pumps" / "1")
    assert train([str(argument) for argument in command]) == 0
    return folder / "rows.csv", folder / "pumps" / "1"


def test_it_takes_the_frame_of_the_very_file(of_a_file):
    file, bundle = of_a_file
    detector = AutoencoderDetector.load(bundle)
    expected = load_detector(bundle).score_table(read_table([file])).anomaly_score
    whole = pd.read_csv(file)
    frames = {
        "pandas": whole,
        "all texts": pd.read_csv(file, dtype=str),
        "in another order": whole[whole.columns[::-1]],
        "without label and id": whole.drop(columns=["serial", "state"]),
        "with a column more": whole.assign(more=1),
        "polars": pl.read_csv(file, null_values="").rename({"": "Unnamed: 0", "flow_duplicated_0": "flow.1"}),
    }
    for name, frame in frames.items():
        np.testing.assert_allclose(detector.anomaly_score(frame), expected, rtol=1e-6, err_msg=name)
    roles = detector.columns_.set_index("name")["role"]
    assert roles[["serial", "state", "site", "gone", "pressure", "flow_2"]].tolist() == [
        "id",
        "label",
        "dropped",
        "dropped",
        "feature",
        "feature",
    ]


def schema_of(*names, header=None):
    return FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in names), header=header)


@pytest.mark.parametrize(
    ("given", "schema", "names"),
    [
        (["a ", " b"], schema_of("a", "b"), ["a", "b"]),
        (["a", "a.1", "a.2"], schema_of("a", "a_2", "a_3"), ["a", "a_2", "a_3"]),
        (["a.1", " a"], schema_of("a", "a_2"), ["a.1", " a"]),  # no column is called as the first one would be again
        (["b", "a.1", "a"], schema_of("b", "a", "a_2"), ["b", "a_2", "a"]),
        (["Unnamed: 0", "b"], schema_of("column_1", "b"), ["column_1", "b"]),
        (["a", "a.1"], schema_of("a", "a.1"), ["a", "a.1"]),  # that is its name
        (["0", "1"], schema_of("x", "y", header=("x", "y")), ["x", "y"]),
        (["0", "1"], schema_of("x", "y"), ["0", "1"]),
        (["a ", "c"], schema_of("a", "b"), ["a ", "c"]),  # other columns: their names stay for the error
    ],
)
def test_a_name_is_spelt_as_the_file_spells_it_only_where_all_columns_are_found(given, schema, names):
    table = table_of(pd.DataFrame([[1.0] * len(given)], columns=given))
    assert list(named_as_in_file(table, schema).names) == names


def test_a_file_without_header_line_is_taken_with_the_numbers_that_pandas_gives(tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(200, 3)).round(3)
    file = tmp_path / "rows.csv"
    pd.DataFrame(rows).to_csv(file, header=False, index=False)
    command = (file, "--column-names", "x", "y", "z", *QUICK, "--output", tmp_path / "n" / "1")
    assert train([str(argument) for argument in command]) == 0
    detector = AutoencoderDetector.load(tmp_path / "n" / "1")
    named = pd.DataFrame(rows, columns=["x", "y", "z"])
    np.testing.assert_array_equal(detector.anomaly_score(pd.read_csv(file, header=None)), detector.anomaly_score(named))
