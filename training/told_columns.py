"""Which columns the others tell: only of those is what is expected worth saying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.encoders import Encoding, FloatMatrix
from models.schema import Kind
from models.scoring import Scorer

_ROWS: Final = 300
_CELLS: Final = 1 << 20  # of all rows that are looked at, once for each column
_LEAST_ROWS: Final = 20
_NEARER: Final = 0.5  # of the mean distance to the median
_OUTERMOST: Final = 0.02  # share of the distances that do not count: gross errors are among them
_MOSTLY_RIGHT: Final = 0.9
_BETTER: Final = 0.25  # of what the most frequent category gets wrong


def untold_columns(scorer: Scorer, columns: Columns) -> tuple[str, ...]:
    """Return the columns of which the others tell hardly more than the column's own median or most frequent value.

    Of a network that was fitted for a few epochs, that may be all of them. Dates are not among them: of these the part
    that is odd is said.

    Args:
        scorer: Expects the values.
        columns: The values of n fitting rows.
    """
    preprocessor = scorer.preprocessor
    n = len(next(iter(columns.values())))
    count = max(_LEAST_ROWS, min(_ROWS, _CELLS // (len(preprocessor.features) * len(preprocessor.encodings))))
    chosen = np.unique(np.linspace(0, n - 1, min(n, count)).astype(np.intp))
    some = {name: values[chosen] for name, values in columns.items()}
    Z = preprocessor.transform(some).Z
    untold = []
    for i, (encoding, features) in enumerate(zip(preprocessor.encodings, preprocessor.slices, strict=True)):
        if encoding.kind is Kind.DATETIME:
            continue
        expected = scorer.expected(Z, np.full(len(Z), i))[:, features]
        tells = _number_is_told if encoding.kind is Kind.NUMERIC else _category_is_told
        if not tells(encoding, some[encoding.name], Z[:, features], expected):
            untold.append(encoding.name)
    return tuple(untold)


def with_untold(reference: Mapping[str, Any], untold: tuple[str, ...]) -> dict[str, Any]:
    """Return a reference whose summaries say which columns the others do not tell."""
    columns = {
        name: {**summary, "untold": True} if name in untold else summary
        for name, summary in reference["columns"].items()
    }
    return {**reference, "columns": columns}


def _number_is_told(encoding: Encoding, values: NDArray[Any], Z: FloatMatrix, expected: FloatMatrix) -> bool:
    present = ~np.isnan(values)
    if not present.any():
        return True
    own, others = Z[present, 0], expected[present, 0]
    return _mean_distance(own - others) <= _NEARER * _mean_distance(own - np.median(own))


def _mean_distance(differences: NDArray[Any]) -> float:
    """Return the mean of differences `(n,)` without their signs, the outermost left out."""
    kept = len(differences) - int(_OUTERMOST * len(differences))
    return float(np.sort(np.abs(differences))[:kept].mean())


def _category_is_told(encoding: Encoding, values: NDArray[Any], Z: FloatMatrix, expected: FloatMatrix) -> bool:
    actual = [encoding.decode(row) for row in Z]  # rare categories are one
    right = np.mean([encoding.decode(row) == value for row, value in zip(expected, actual, strict=True)])
    most_frequent = max(map(actual.count, set(actual))) / len(actual)
    return bool(right >= min(_MOSTLY_RIGHT, most_frequent + _BETTER * (1 - most_frequent)))
