"""The input of `fit` and `predict` as tables: data frames, Arrow tables, arrays and lists.

Columns of data frames keep their names, and a named index of pandas is one of them; those of an array are called x0, x1
and so on.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.interchange
from numpy.typing import NDArray

from models.errors import TableError
from models.schema import FeatureSchema
from models.schema.cells import parse_category
from models.tables.table import Table, table_of
from training.estimator.errors import InputTypeError
from training.estimator.names import named_as_in_file


def is_named(X: object) -> bool:
    """Return whether the columns of `X` have names: a data frame, an Arrow table, a dict of columns."""
    return isinstance(X, (dict, pa.Table, pa.RecordBatch)) or any(
        hasattr(X, protocol) for protocol in ("__arrow_c_stream__", "__arrow_c_array__", "__dataframe__", "iloc")
    )


def text_names(X: Any) -> bool:
    """Return whether all names are texts: only then they are scikit-learn's feature names."""
    return is_named(X) and all(isinstance(name, str) for name in getattr(X, "columns", ()))


def table_of_input(X: Any, *, names: Sequence[str] = ()) -> Table:
    """Return the rows of `X` as a table; the names of the fitted columns, where there are some, help its errors.

    Raises:
        TableError: `X` has not two dimensions, or two columns of one name.
        InputTypeError: `X` is of a type that cannot be used.
    """
    if type(X).__module__.startswith("scipy.sparse") or hasattr(X, "tocsr"):
        raise InputTypeError("Sparse data are not supported: give X.toarray(), or a data frame.")
    if hasattr(X, "to_frame"):
        raise TableError(_advice_for_series(X, names))
    table = _table_of_frame(X) if is_named(X) else _table_of_array(X)
    if not table.names:
        rows = len(X) if hasattr(X, "__len__") else len(table)
        raise TableError(f"X has 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required.")
    return table


def known_table(X: Any, names: Sequence[str], schema: FeatureSchema, *, by_name: bool, estimator: str) -> Table:
    """Return `X` as a table with the names of the fitted columns; without names, columns are matched by position.

    Args:
        X: n rows.
        names: Names of the fitted columns.
        schema: What they were fitted as.
        by_name: The fitted columns had names.
        estimator: What the errors and warnings call it.

    Raises:
        TableError: `X` cannot be used, or has another number of columns without names.
    """
    if not by_name and hasattr(X, "iloc") and hasattr(X, "reset_index"):
        X = X.reset_index(drop=True)  # an array had no index
    table, named = table_of_input(X, names=names), is_named(X)
    if named and by_name:
        return named_as_in_file(table, schema)
    if len(table.names) != len(names):
        raise TableError(
            f"X has {len(table.names)} features, but {estimator} is expecting {len(names)} features as input."
        )
    if named != by_name:
        warnings.warn(
            f"X has feature names, but {estimator} was fitted without feature names"
            if named
            else f"X does not have valid feature names, but {estimator} was fitted with feature names",
            UserWarning,
            stacklevel=4,
        )
    return replace(table, data=table.data.rename_columns(list(names)))


def require_rows(table: Table) -> None:
    """Check that there is more than one row to fit on.

    Raises:
        TableError: There is not.
    """
    if len(table) < 2:
        raise TableError(
            f"X has {len(table)} sample(s) (n_samples={len(table)}), at least 2 are required, and enough to learn "
            "from, stop and calibrate on: see the parameter least_rows."
        )


def weighted_rows(table: Table, sample_weight: Any) -> tuple[Table, NDArray[np.float64] | None]:
    """Return the rows with a weight above 0, with their weights; None for equal weights.

    Raises:
        TableError: The weights cannot be used.
    """
    weights = row_weights_of(sample_weight, len(table))
    if weights is None:
        return table, None
    counts = weights > 0
    return replace(table, data=table.data.filter(pa.array(counts))), weights[counts]


def row_weights_of(sample_weight: Any, n: int) -> NDArray[np.float64] | None:
    """Return the weights of n rows `(n,)`; None for equal weights.

    Raises:
        TableError: They are not n finite numbers of at least 0, one of them above 0.
    """
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(sample_weight, np.float64)
    except (TypeError, ValueError) as error:
        raise TableError(f"sample_weight must be numbers, one for each row: {error}.") from error
    if weights.ndim == 0:
        weights = np.full(n, weights)
    if weights.shape != (n,):
        raise TableError(f"sample_weight must have the shape ({n},), one for each row of X, got {weights.shape}.")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise TableError(
            f"sample_weight, row {wrong[0] + 1}: must be a finite number of at least 0, got {weights[wrong[0]]}."
        )
    if not weights.any():
        raise TableError("sample_weight is zero for every row: no row is left to learn from.")
    return weights


def _advice_for_series(X: Any, names: Sequence[str]) -> str:
    """Return what to give in the place of a Series, which is one column of a frame or one row of it."""
    one, kind = "Expected 2D array, got 1D array instead: X is one", type(X).__name__
    if set(names).intersection(getattr(X, "index", ())):
        return f"{one} row, a {kind}. Reshape your data: give X.to_frame().T, or frame.iloc[[i]] for row i of a frame."
    row = "; for row i of a frame, frame.iloc[[i]] in the place of frame.iloc[i]" if hasattr(X, "iloc") else ""
    return f"{one} column, a {kind}. Reshape your data: give a data frame, such as X.to_frame(){row}."


def rows_of_series(row: Any) -> Any:
    """Return a pandas Series that is one row as a frame of one row; anything else as it is."""
    return row.to_frame().T.infer_objects() if isinstance(row, pd.Series) else row


def _table_of_frame(X: Any) -> Table:
    if getattr(getattr(X, "columns", None), "nlevels", 1) > 1:
        raise TableError(
            f"The columns of X have names of {X.columns.nlevels} levels (a MultiIndex). Give each column one name: "
            "X.columns = ['_'.join(map(str, name)) for name in X.columns]."
        )
    if not isinstance(X, dict) and hasattr(X, "columns") and not isinstance(X, (pa.Table, pa.RecordBatch)):
        _require_own_names([str(name) for name in X.columns])
    if not hasattr(X, "__arrow_c_stream__") and not hasattr(X, "iloc") and hasattr(X, "__dataframe__"):
        return table_of(pa.interchange.from_dataframe(X))
    table = table_of(X)
    _require_own_names(table.names)
    return table


def _require_own_names(names: Any) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise TableError(f"X has more than one column {', '.join(map(repr, twice))}. Give each its own name.")


def _table_of_array(X: Any) -> Table:
    if isinstance(X, np.ma.MaskedArray):
        X = np.where(np.ma.getmaskarray(X), np.array(None), X.data.astype(object))  # else what is masked would count
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise TableError(f"The rows of X are not of one length: {error}.") from error
    if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
        array = np.asarray(X, object)  # numbers among texts stay numbers
    if array.dtype.kind == "c":
        raise TableError(
            f"Complex data not supported: give the real and the imaginary part, or other numbers, got {array.dtype}."
        )
    if array.ndim != 2:
        raise TableError(
            f"Expected 2D array, got {array.ndim}D array instead: X is {_described(X, array)}. It must have two "
            "dimensions, rows and columns. Reshape your data: X.reshape(-1, 1) for one column, X.reshape(1, -1) for "
            "one row."
        )
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)  # Arrow has no longer ones
    array = array.astype(array.dtype.newbyteorder("="), copy=False)  # nor any of another byte order
    names = [f"x{number}" for number in range(array.shape[1])]
    return Table(data=pa.table([_arrow_column(column) for column in array.T], names))


def _described(X: Any, array: NDArray[Any]) -> str:
    kind = type(X).__name__
    if array.ndim == 1 and array.dtype == object and len(array) and isinstance(array[0], dict):
        return "a list of dicts: give pandas.DataFrame(X)"
    return f"of type {kind}" if array.ndim == 0 else f"of type {kind} and shape {array.shape}"


def _arrow_column(values: NDArray[Any]) -> pa.Array:
    """Return a column of an array; NaN among objects is a missing value."""
    try:
        return pa.array(np.ascontiguousarray(values), from_pandas=values.dtype == object)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        if values.dtype != object:
            raise TableError(f"X has cells of type {values.dtype}, which are not read ({error}).") from error
        # Texts and numbers in one column: read as texts, as in a file; what they mean is decided as for a file.
        return pa.array([_text_of(value) for value in values.tolist()], pa.string())


def _text_of(value: Any) -> str | None:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    try:
        return value if isinstance(value, str) else parse_category(value)
    except ValueError:
        return str(value)
