"""What the fitting rows teach: the encoding of each column, and the reference, a summary of each for the card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns, missing_mask
from models.encoders import (
    HOURS,
    WEEKDAYS,
    BooleanEncoding,
    CategoricalEncoding,
    Encoding,
    Mask,
    hours_of,
    weekdays_of,
)
from models.encoders.preprocessor import Encoded, Preprocessor
from models.schema import Column, FeatureSchema, Kind
from models.schema.timestamps import clock_text, timestamp_text, write_timestamp
from training.columns.infer_texts import MAX_CATEGORIES, common_categories
from training.columns.learn_dates import learn_datetime, with_gaps
from training.columns.learn_numbers import learn_numeric, novelty_penalty, present_values

_CHUNK_ROWS: Final = 65_536
_QUANTILES: Final = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_ALL: Final = slice(None)


def learn_preprocessor(schema: FeatureSchema, columns: Columns, rows: Mask | slice = _ALL) -> Preprocessor:
    """Learn the encoding of each column and the range of each feature from the rows of a mask `(n,)`."""
    alone = [_LEARNERS[column.kind](column, columns[column.name][rows]) for column in schema.columns]
    encodings = with_gaps(alone, columns, rows)
    width = sum(len(encoding.features) for encoding in encodings)
    unbounded = Preprocessor(encodings=encodings, limits=np.zeros((2, width), np.float32))
    ends = [(chunk.Z.min(axis=0), chunk.Z.max(axis=0)) for chunk in _encoded_chunks(unbounded, columns, rows)]
    lows, highs = zip(*ends, strict=True)
    return Preprocessor(encodings=encodings, limits=np.stack([np.min(lows, axis=0), np.max(highs, axis=0)]))


def encode(preprocessor: Preprocessor, columns: Columns, rows: Mask | slice = _ALL) -> Encoded:
    """Encode the rows of a mask `(n,)` in chunks: a copy of all in float64 would be larger than the result."""
    chunks = list(_encoded_chunks(preprocessor, columns, rows))
    Z = np.concatenate([chunk.Z for chunk in chunks])
    return Encoded(
        Z=Z,
        missing=_joined(chunks, "missing", Z.shape[1]),
        novelty_penalty=_joined(chunks, "novelty_penalty", len(preprocessor.encodings)),
    )


def _encoded_chunks(preprocessor: Preprocessor, columns: Columns, rows: Mask | slice) -> Iterator[Encoded]:
    indices = np.arange(len(next(iter(columns.values()))))[rows]
    for start in range(0, max(len(indices), 1), _CHUNK_ROWS):
        chunk = indices[start : start + _CHUNK_ROWS]
        yield preprocessor.transform({name: values[chunk] for name, values in columns.items()})


def _joined(chunks: list[Encoded], name: str, width: int) -> NDArray[Any] | None:
    """Concatenate an array of all chunks, with zeros for a chunk without it; None where no chunk has it."""
    arrays = [getattr(chunk, name) for chunk in chunks]
    if all(array is None for array in arrays):
        return None
    both = zip(chunks, arrays, strict=True)
    return np.concatenate([np.zeros((len(c), width), np.bool_) if array is None else array for c, array in both])


def reference_of(schema: FeatureSchema, columns: Columns, scores: NDArray[np.float64]) -> dict[str, Any]:
    """Summarise the fitting rows' columns, and the calibration rows' scores."""
    return {
        "columns": {column.name: _summary(column, columns[column.name]) for column in schema.columns},
        "anomaly_score": quantiles(scores),
    }


def quantiles(values: NDArray[Any]) -> dict[str, float]:
    """Return quantiles of values, by their shares as text."""
    return {f"{q:g}": float(v) for q, v in zip(_QUANTILES, np.quantile(values, _QUANTILES), strict=True)}


def _summary(column: Column, values: NDArray[Any]) -> dict[str, Any]:
    present = values[~missing_mask(values)]
    missing = {"missing": len(values) - len(present)}
    if column.kind is Kind.CATEGORICAL:
        common = dict(Counter(present.tolist()).most_common(MAX_CATEGORIES))
        others = len(present) - sum(common.values())
        return missing | {"counts": common, "others": others, "typical": next(iter(common), None)}
    if column.kind is Kind.BOOLEAN:
        true = int(present.sum())
        counts = {"true": true, "false": len(present) - true}
        return missing | {"counts": counts, "typical": 2 * true > len(present)}
    middle = float(np.quantile(present, 0.5, method="nearest"))
    if column.kind is Kind.NUMERIC:
        return missing | {"quantiles": quantiles(present), "mean": float(present.mean()), "typical": middle}
    text_of = clock_text if column.layout == "time" else timestamp_text
    first, last = (text_of(float(end)) for end in (present.min(), present.max()))
    typical = write_timestamp(middle, layout=column.layout or "iso", zone=column.zone)
    return missing | {"first": first, "last": last, "typical": typical} | _habits(column, present)


def _habits(column: Column, present: NDArray[Any]) -> dict[str, list[int]]:
    """Return how many timestamps are in each hour of the day and on each weekday, where the column says that."""
    if column.layout == "period":
        return {}
    has_hours = np.mod(present, 86_400.0).any()
    habits = {"hours": np.bincount(hours_of(present), minlength=HOURS).tolist()} if has_hours else {}
    weekdays = np.bincount(weekdays_of(present), minlength=WEEKDAYS).tolist()
    return habits if column.layout == "time" else habits | {"weekdays": weekdays}


def _learn_boolean(column: Column, values: NDArray[Any]) -> Encoding:
    present, gaps = present_values(values)
    return BooleanEncoding(name=column.name, share=float(present.mean()), **gaps)


def _learn_categorical(column: Column, values: NDArray[Any]) -> Encoding:
    present = [value for value in values if value is not None]
    common, rare = common_categories(present)
    n = len(values)
    return CategoricalEncoding(
        name=column.name,
        categories=tuple(name for name, _ in common),
        shares=tuple(count / n for _, count in common),
        rare_share=sum(count for _, count in rare) / n,
        rare=tuple(name for name, _ in rare),
        missing_share=1 - len(present) / n,
        novelty_penalty=novelty_penalty(n, singles=sum(count == 1 for _, count in rare)),
    )


_LEARNERS: Final = {
    Kind.NUMERIC: learn_numeric,
    Kind.BOOLEAN: _learn_boolean,
    Kind.CATEGORICAL: _learn_categorical,
    Kind.DATETIME: learn_datetime,
}
