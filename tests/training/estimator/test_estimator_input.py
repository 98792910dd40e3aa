from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import machine_records

from models.errors import TableError
from training.estimator import AutoencoderDetector
from training.estimator.inputs import is_named, row_weights_of, table_of_input, text_names, weighted_rows

FRAME = pd.DataFrame(machine_records(250, seed=4)).drop(columns=["serial", "site"])
SETTINGS = {"epochs": 3, "alert_rate": 0.1, "activation": "elu", "hidden_units": (16,), "preset": "fast"}


@pytest.fixture(scope="module")
def on_frame():
    return AutoencoderDetector(**SETTINGS).fit(FRAME)


@pytest.fixture(scope="module")
def on_array():
    return AutoencoderDetector(**SETTINGS).fit(np.random.default_rng(0).normal(size=(200, 3)))


class OnlyInterchange:
    """A data frame of which nothing is known but the interchange protocol."""

    def __init__(self, frame):
        self._frame = frame

    def __dataframe__(self, *arguments, **more):
        return self._frame.__dataframe__(*arguments, **more)


FORMS = {
    "pandas": lambda frame: frame,
    "pandas, nullable": lambda frame: frame.convert_dtypes(),
    "pandas, categories": lambda frame: frame.astype({"mode": "category"}),
    "pandas, on Arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.from_pandas,
    "Arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "a record batch": lambda frame: pa.RecordBatch.from_pandas(frame, preserve_index=False),
    "a dict of columns": lambda frame: {name: frame[name].tolist() for name in frame},
    "the interchange protocol": lambda frame: OnlyInterchange(pa.Table.from_pandas(frame, preserve_index=False)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_data_frame_of_any_maker_scores_the_same(on_frame, form):
    rows = FRAME.iloc[::-1, ::-1]
    scores = on_frame.anomaly_score(FORMS[form](rows))
    np.testing.assert_allclose(
        scores, on_frame.anomaly_score(FRAME)[::-1], rtol=1e-6
    )  # threads round ELU by a row's place


def test_polars_fits_what_pandas_fits(on_frame):
    other = AutoencoderDetector(**SETTINGS).fit(pl.from_pandas(FRAME))
    assert other.feature_names_in_.tolist() == FRAME.columns.tolist()
    np.testing.assert_array_equal(other.anomaly_score(FRAME), on_frame.anomaly_score(FRAME))


def test_an_array_is_taken_by_place_where_names_were_fitted_and_a_warning_says_so(on_frame):
    with pytest.warns(UserWarning, match="X does not have valid feature names, but AutoencoderDetector was fitted"):
        scores = on_frame.anomaly_score(FRAME.to_numpy())
    np.testing.assert_allclose(scores, on_frame.anomaly_score(FRAME))


def test_names_are_left_alone_where_none_were_fitted_and_a_warning_says_so(on_array):
    X = np.random.default_rng(1).normal(size=(9, 3))
    with pytest.warns(UserWarning, match="X has feature names, but AutoencoderDetector was fitted without"):
        scores = on_array.anomaly_score(pd.DataFrame(X, columns=["c", "b", "a"]))
    np.testing.assert_array_equal(scores, on_array.anomaly_score(X))
    assert not hasattr(on_array, "feature_names_in_")


def test_an_estimator_that_was_fitted_on_names_and_then_on_an_array_knows_no_names():
    X = np.random.default_rng(0).normal(size=(60, 2))
    estimator = AutoencoderDetector(**SETTINGS | {"alert_rate": 0.2}).fit(pd.DataFrame(X, columns=["a", "b"]))
    assert estimator.feature_names_in_.tolist() == ["a", "b"]
    assert not hasattr(estimator.fit(X), "feature_names_in_")


@pytest.mark.parametrize("method", ["predict", "transform", "explain", "score"])
def test_an_array_of_another_width_is_refused_with_both_numbers(on_array, method):
    with pytest.raises(TableError, match="X has 2 features, but AutoencoderDetector is expecting 3 features as input"):
        getattr(on_array, method)(np.zeros((4, 2)))


def test_a_missing_column_of_a_data_frame_is_named(on_frame):
    with pytest.raises(TableError, match=r"Missing: 'heat'") as caught:
        on_frame.predict(FRAME.drop(columns="heat"))
    assert isinstance(caught.value, ValueError)


def test_columns_that_are_not_known_are_left_alone(on_frame):
    np.testing.assert_array_equal(on_frame.anomaly_score(FRAME.assign(more=1)), on_frame.anomaly_score(FRAME))


def test_a_column_of_integers_beyond_64_bits_stops_no_other(on_frame):
    rows = FRAME.assign(event=[90_000_000_000_000_000_000 + i for i in range(len(FRAME))])
    for more in (rows, pl.from_pandas(FRAME).with_columns(pl.Series("event", list(rows["event"]), dtype=pl.Int128))):
        np.testing.assert_allclose(on_frame.anomaly_score(more), on_frame.anomaly_score(FRAME), rtol=1e-6)


def test_no_rows_have_no_scores(on_frame, on_array):
    assert on_frame.predict(FRAME[:0]).shape == (0,)
    assert on_array.anomaly_score(np.zeros((0, 3))).shape == (0,)


REFUSED = {
    "one column": (FRAME["heat"], r"1D array instead: X is one column, a Series.*X\.to_frame\(\)"),
    "one column of polars": (pl.Series([1.0, 2.0]), r"X is one column, a Series.*X\.to_frame\(\)"),
    "one dimension": (np.zeros(3), r"got 1D array instead: X is of type ndarray and shape \(3,\).*Reshape your data"),
    "three dimensions": (np.zeros((3, 2, 1)), r"got 3D array instead.*shape \(3, 2, 1\)"),
    "rows of two lengths": ([[1, 2], [3]], "rows of X are not of one length"),
    "records": ([{"a": 1}, {"a": 2}], r"a list of dicts: give pandas\.DataFrame\(X\)"),
    "a text": ("rows.csv", "got 0D array instead: X is of type str"),
    "nothing": (None, "got 0D array instead: X is of type NoneType"),
    "complex numbers": (np.zeros((3, 2), complex), "Complex data not supported"),
    "names of two levels": (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([(1, 2), (1, 3)])), "2 levels"),
    "one name twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"more than one column 'a'\. Give each its own"),
    "names that read alike": (pd.DataFrame([[1, 2]], columns=[1, "1"]), "more than one column '1'"),
    "one name twice in Arrow": (pa.table([pa.array([1]), pa.array([2])], ["a", "a"]), "more than one column 'a'"),
    "no column": (np.zeros((5, 0)), r"0 feature\(s\) \(shape=\(5, 0\)\)"),
    "no column in a frame": (pd.DataFrame(index=range(5)), r"0 feature\(s\) \(shape=\(5, 0\)\)"),
    "units of time that Arrow has not": (np.zeros((3, 1), "M8[h]"), r"cells of type datetime64\[h\]"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_is_refused_in_one_line_that_says_what_it_is(case):
    X, message = REFUSED[case]
    with pytest.raises(TableError, match=message) as caught:
        AutoencoderDetector().fit(X)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)


def test_sparse_data_are_refused_as_a_type():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"Sparse data are not supported: give X\.toarray\(\)"):
        AutoencoderDetector().fit(sparse.csr_array(np.eye(5)))


def test_nan_among_texts_is_a_missing_value_and_numbers_among_texts_are_texts():
    X = np.array([["run", 1.5, True], [np.nan, "7", None], [pd.NA, 2, float("nan")], ["idle", None, False]], object)
    assert table_of_input(X).data.to_pydict() == {
        "x0": ["run", None, None, "idle"],
        "x1": ["1.5", "7", "2", None],
        "x2": [True, None, None, False],
    }


def test_a_list_of_texts_and_numbers_is_not_made_all_text():
    table = table_of_input([["a", 1.5, None], ["b", 2.5, datetime.date(2024, 1, 1)]])
    assert table.data.to_pydict() == {"x0": ["a", "b"], "x1": [1.5, 2.5], "x2": [None, datetime.date(2024, 1, 1)]}


def test_what_is_masked_in_an_array_is_missing():
    masked = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    assert table_of_input(masked).data.to_pydict() == {"x0": [1.0, 3.0], "x1": [None, 4.0]}


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "longdouble", ">f8", "i1", "u8", "?", "M8[ns]", "M8[D]", "m8[s]", "U3"]
)
def test_every_type_of_array_is_read(dtype):
    X = np.array([[0, 1], [1, 0]]).astype(dtype)
    assert len(table_of_input(np.asfortranarray(X))) == 2


def test_names_that_are_no_texts_are_no_feature_names():
    frame = pd.DataFrame(np.zeros((2, 2)))
    assert is_named(frame) and not text_names(frame)
    assert table_of_input(frame).names == ("0", "1")
    assert text_names(FRAME) and text_names(pl.from_pandas(FRAME)) and not text_names(np.zeros((2, 2)))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20).filter(any))
def test_rows_of_weight_zero_are_not_used(weights):
    table, kept = weighted_rows(table_of_input(np.arange(len(weights))[:, None]), weights)
    assert table.data["x0"].to_pylist() == [row for row, weight in enumerate(weights) if weight > 0]
    assert kept.tolist() == [weight for weight in weights if weight > 0]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], r"must have the shape \(3,\), one for each row of X, got \(2,\)"),
        ([[1, 2, 3]], r"got \(1, 3\)"),
        ([1, -2, 3], r"row 2: must be a finite number of at least 0, got -2\.0"),
        ([1, 2, np.nan], "row 3: must be a finite number"),
        ([0, 0, 0], "zero for every row"),
        (["a", "b", "c"], "must be numbers, one for each row"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weights, message):
    with pytest.raises(TableError, match=message):
        row_weights_of(weights, 3)


def test_one_weight_is_that_of_every_row():
    assert row_weights_of(2, 3).tolist() == [2.0, 2.0, 2.0]
    assert row_weights_of(None, 3) is None
