"""What the fitting rows teach: the encoding of each column, and the reference, a summary of each for the card."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns, missing_mask
from models.encoders import (
    CYCLES,
    HOURS,
    WEEKDAYS,
    BooleanEncoding,
    CategoricalEncoding,
    Encoding,
    Mask,
    NumericEncoding,
    TimestampEncoding,
    cycle_phase,
    hours_of,
    weekdays_of,
)
from models.encoders.preprocessor import Encoded, Preprocessor
from models.errors import Set, TableError
from models.schema import Column, FeatureSchema, Kind
from models.schema.timestamps import clock_text, timestamp_text, write_timestamp
from training.columns.infer_texts import MAX_CATEGORIES, common_categories

_HEAVY_TAIL: Final = 20.0  # deviations: a column with rows so far out is put on a logarithm
_FEW_ROWS: Final = 0.001  # if so few of the rows have more than half of its variance, or half of the rows one value
_MIN_TWO_VALUED_SCALE: Final = 0.03  # of the distance of two values: that of a flag of 0.1 % of the rows
_FAR: Final = 1.5  # interquartile ranges from the middle half, as in box plots
_LARGEST: Final = 1e300
_ROUNDING: Final = 8 * math.ulp(1.0)  # of the largest value: a smaller spread is the rounding of float64
_SCALE_OF_CONSTANTS: Final = 1.0
_MIN_PHASE_SPREAD: Final = 1e-3
_CHUNK_ROWS: Final = 65_536
_RARE_SHARE: Final = 0.005  # of the rows: hours and weekdays that have no more between them are rare
_LEAST_ROWS_OF_HABITS: Final = 50  # fewer rows leave out many hours by chance
_QUANTILES: Final = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_ALL: Final = slice(None)


def learn_preprocessor(schema: FeatureSchema, columns: Columns, rows: Mask | slice = _ALL) -> Preprocessor:
    """Learn the encoding of each column and the range of each feature from the rows of a mask `(n,)`."""
    encodings = tuple(_LEARNERS[column.kind](column, columns[column.name][rows]) for column in schema.columns)
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


def _has_heavy_tail(values: NDArray[Any], center: float, scale: float) -> bool:
    distances = np.sort(np.abs(values - center) / scale)[::-1]
    if distances[0] <= _HEAVY_TAIL:
        return False
    squares = np.square(distances)
    of_few_rows = squares[: math.ceil(_FEW_ROWS * len(values))].sum() > squares.sum() / 2
    return bool(of_few_rows or (values == np.median(values)).mean() > 0.5)


def _learn_numeric(column: Column, values: NDArray[Any]) -> Encoding:
    present, gaps = _present(values)
    if np.abs(present).max() > _LARGEST:
        largest = present[np.abs(present).argmax()]
        what = f"Column {column.name!r} has the value {largest:g}, beyond {_LARGEST:g}: nothing can be learned from it."
        raise TableError(what, " Fix it or leave it empty, or say ", Set("exclude", column.name), ".")
    center, scale = _center_and_scale(present)
    origin, unit = 0.0, None
    if scale is not None and len(np.unique(present)) <= 2:
        scale = max(scale, _MIN_TWO_VALUED_SCALE * float(np.ptp(present)))
    elif scale is not None and _has_heavy_tail(present, center, scale):
        origin = float(np.median(present))
        distances = np.abs(present - origin)
        unit = float(np.median(distances[distances > 0]))
        center, scale = _center_and_scale(np.sign(present - origin) * np.log1p(distances / unit))
    return NumericEncoding(
        name=column.name,
        center=center,
        scale=scale or _SCALE_OF_CONSTANTS,
        low=float(present.min()),
        high=float(present.max()),
        whole=bool((present == np.floor(present)).all()),
        origin=origin,
        unit=unit,
        **gaps,
    )


def _learn_boolean(column: Column, values: NDArray[Any]) -> Encoding:
    present, gaps = _present(values)
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
        novelty_penalty=_novelty_penalty(n, singles=sum(count == 1 for _, count in rare)),
    )


def _learn_datetime(column: Column, values: NDArray[Any]) -> Encoding:
    present, gaps = _present(values)
    _, scale = _center_and_scale(present)
    clock = column.layout == "time"
    length = float(np.ptp(present))
    cycles = tuple(
        cycle
        for cycle, cycle_length in CYCLES.items()
        if (cycle == "year" or column.layout != "period")
        and length >= 2 * cycle_length
        and np.ptp(cycle_phase(present, cycle)) > _MIN_PHASE_SPREAD
    )
    cycles = ("day",) if clock else cycles
    return TimestampEncoding(
        name=column.name,
        start=_start(present),
        scale=scale or _SCALE_OF_CONSTANTS,
        cycles=cycles,
        clock=clock,
        hours=_rare_parts(np.bincount(hours_of(present), minlength=HOURS), near=0.5) if "day" in cycles else (),
        weekdays=_rare_parts(np.bincount(weekdays_of(present), minlength=WEEKDAYS)) if "week" in cycles else (),
        **gaps,
    )


def _start(present: NDArray[Any]) -> float:
    """Return the first timestamp; of all but a few that lie far before the others, by half of the usual range or so."""
    quarter, three_quarters = np.quantile(present, [0.25, 0.75])
    usual = present >= quarter - _FAR * (three_quarters - quarter)
    few = np.count_nonzero(~usual) <= _FEW_ROWS * len(present)
    return float(present[usual].min() if few else present.min())


def _rare_parts(counts: NDArray[np.intp], *, near: float = 0.0) -> tuple[float, ...]:
    """Return the novelty penalty of each part of a cycle, from the number of rows in each; empty where none is rare.

    A part is rare if few rows are in it and in all that are no more usual. The rows of its neighbours count by `near`:
    minutes before the first usual hour are not odd.
    """
    n = int(counts.sum())
    usual = counts + near * (np.roll(counts, 1) + np.roll(counts, -1))
    limit = max(_RARE_SHARE, 1 / (n + 1)) if n >= _LEAST_ROWS_OF_HABITS else 0.0
    least = max(1, int((counts == 1).sum())) / (n + 1)
    shares = [max(float(usual[usual <= part].sum() / usual.sum()), least) for part in usual]
    penalties = tuple(_penalty_of(share) if share <= limit else 0.0 for share in shares)
    return penalties if any(penalties) else ()


_LEARNERS: Final = {
    Kind.NUMERIC: _learn_numeric,
    Kind.BOOLEAN: _learn_boolean,
    Kind.CATEGORICAL: _learn_categorical,
    Kind.DATETIME: _learn_datetime,
}


def _present(values: NDArray[Any]) -> tuple[NDArray[Any], dict[str, float]]:
    """Return the present values, and what an encoding says of missing ones."""
    missing = np.isnan(values)
    gaps = {"missing_share": float(missing.mean()), "novelty_penalty": _novelty_penalty(len(values))}
    return values[~missing], gaps


def _center_and_scale(values: NDArray[Any]) -> tuple[float, float | None]:
    """Return mean and standard deviation; None for a constant, which carries no information.

    The unit does not matter: a spread is small only beside the values themselves.
    """
    largest = float(np.abs(values).max()) or 1.0
    shares = values / largest  # squares of 1e160 would overflow
    center = float(shares.mean()) * largest
    spread = float((shares - center / largest).std())  # of the centred values: exact for 1e12 ± 1, too
    return center, max(spread * largest, math.ulp(0.0)) if spread > _ROUNDING else None


def _novelty_penalty(n: int, *, singles: int = 1) -> float:
    """Return the novelty penalty: squared deviations that a normal variable exceeds as often as a new value occurs.

    After n rows, that is once in n + 1 times; more often where many rows have a value of their own, since their
    share is about that of new values (I. J. Good, 1953).
    """
    return _penalty_of(max(1.0 / (n + 1), singles / (n + 1)))


def _penalty_of(share: float) -> float:
    return NormalDist().inv_cdf(1 - 0.5 * share) ** 2
