"""Cells of Arrow's columns: brought to few types, and numbers and timestamps read all at once.

What cannot be read at once exactly as `models/schema/cells.py` reads each cell is left to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.schema import Column
from models.schema.cells import MISSING_TEXTS
from models.schema.numbers import AMBIGUOUS_POINT, SEPARATOR_VARIANTS, grouped_number
from models.schema.timestamps import TIME_LAYOUTS, pointed_dates
from models.tables.arrow.dictionaries import runs_of, used_codes

_PER_SECOND: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_PLAIN_EXTENSIONS: Final = frozenset(["arrow.bool8", "arrow.json"])
_MAX_SECONDS: Final = 9e9  # the years 1685 to 2255: there every count of microseconds is a float
_WITHOUT_ZONE: Final = pa.timestamp("us")
_WITH_ZONES: Final = pa.timestamp("us", "UTC")


def plain_cells(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return cells in the few types that are read: texts as one type, durations in seconds, at most microseconds."""
    kind = cells.type
    if pa.types.is_run_end_encoded(kind):
        return plain_cells(pa.chunked_array([pc.run_end_decode(chunk) for chunk in cells.chunks], kind.value_type))
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name in _PLAIN_EXTENSIONS:
        return plain_cells(pa.chunked_array([chunk.storage for chunk in cells.chunks], kind.storage_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return cells.cast(pa.string())
    if is_duration(kind):
        cells = cells.cast(kind.value_type) if pa.types.is_dictionary(kind) else cells
        kind = cells.type
        return pc.divide(cells.cast(pa.int64()).cast(pa.float64(), safe=False), _PER_SECOND[kind.unit])
    if (pa.types.is_timestamp(kind) or pa.types.is_time(kind)) and kind.unit == "ns":  # Python has no nanoseconds
        return cells.cast(pa.time64("us") if pa.types.is_time(kind) else pa.timestamp("us", kind.tz), safe=False)
    return cells


def is_duration(kind: pa.DataType) -> bool:
    """Return whether cells are durations by their type, which are read in seconds."""
    return bool(pa.types.is_duration(kind.value_type if pa.types.is_dictionary(kind) else kind))


def python_values(cells: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return cells as Python has them; one that Python cannot hold, such as a day in the year 300,000, as a text."""
    if pa.types.is_dictionary(cells.type):
        chunks = cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])
        coded = ((codes.tolist(), [*values, None]) for codes, values in coded_values(chunks))
        return [values[code] for codes, values in coded for code in codes]
    try:
        values: list[Any] = cells.to_pylist()
    except UnicodeDecodeError:
        raise
    except (ArithmeticError, ValueError):
        values = [_python_value(cell) for cell in cells]
    return values


def coded_values(cells: pa.ChunkedArray) -> Iterator[tuple[NDArray[np.int64], list[Any]]]:
    """Yield parts of a column of dictionaries: a code of each cell `(n,)`, −1 for a missing one, and their values.

    A dictionary may have any number of entries: only those that occur are made Python's values.
    """
    for run in runs_of(cells):
        codes, used = used_codes(*run)
        yield codes, python_values(used)


def floats_of(numbers: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return n numbers of Arrow's type double, NaN where missing, read-only; without pandas, which Arrow would import.

    Example:
        >>> floats_of(pa.chunked_array([[1.5, None], [2.0]]))
        array([1.5, nan, 2. ])
    """
    chunks = [_floats_of_chunk(chunk) for chunk in numbers.chunks if len(chunk)]
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks or [np.empty(0)])


def numbers_at_once(
    column: Column, cells: pa.ChunkedArray, *, decimal: str, thousands: str
) -> NDArray[np.float64] | None:
    """Return numbers `(n,)`, NaN where missing; None where a cell has to be parsed by itself."""
    kind = cells.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return floats_of(cells if pa.types.is_float64(kind) else pc.cast(cells, pa.float64(), safe=False))
    if pa.types.is_string(kind) and column.unit is None and column.layout is None:
        return numbers_of_texts(cells, decimal=column.decimal or decimal, thousands=column.thousands or thousands)
    return None


def numbers_of_texts(cells: pa.ChunkedArray, *, decimal: str, thousands: str) -> NDArray[np.float64] | None:
    """Return texts as finite numbers, NaN where missing; None where one has to be parsed by itself."""
    if decimal == "." and not thousands:
        numbers = _finite_numbers(cells)
        if numbers is not None:
            return numbers
    texts = _without_missing(cells)
    if thousands:
        texts = _ungrouped(texts, decimal, thousands)
    if decimal == ",":
        if not thousands and pc.any(pc.match_substring_regex(texts, f"^({AMBIGUOUS_POINT.pattern})$")).as_py():
            return None
        texts = pc.replace_substring(texts, ",", ".", max_replacements=1)
    numbers = _finite_numbers(texts)
    if numbers is not None:
        return numbers
    well_formed = pc.match_substring_regex(texts, r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")
    if not pc.all(well_formed, min_count=0).as_py():
        return None
    try:
        return floats_of(pc.cast(pc.utf8_ltrim(texts, "+"), pa.float64()))
    except pa.ArrowInvalid:
        return None


def timestamps_at_once(column: Column, cells: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return seconds since 1970-01-01 UTC `(n,)`, NaN where missing; None where a cell has to be parsed by itself."""
    layout = column.layout or "iso"
    if column.missing or layout == "time" or TIME_LAYOUTS[layout].per_second is not None:
        return None
    if pa.types.is_date(cells.type) and not column.zone:
        return _seconds(cells.cast(pa.timestamp("ms")))
    if pa.types.is_timestamp(cells.type) and column.zone in (None, cells.type.tz is not None):
        return _seconds(cells)
    if pa.types.is_string(cells.type) and layout == "iso":
        timestamps = None if column.zone else _timestamps(cells, _WITHOUT_ZONE)
        if timestamps is None:
            texts = _without_missing(cells)
            timestamps = None if column.zone else _timestamps(texts, _WITHOUT_ZONE)
            if timestamps is None and column.zone is not False:
                timestamps = _timestamps(texts, _WITH_ZONES)
        return None if timestamps is None else _seconds(timestamps)
    return None


def count_pointed_dates(column: Column, cells: pa.ChunkedArray) -> int:
    """Return how many cells of a column of timestamps are texts such as 26.02.2024, where it was learned otherwise."""
    pointed = pointed_dates(column.layout or "iso")
    cells = plain_cells(cells)
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    if pointed is None or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return 0
    found = pc.match_substring_regex(cells.cast(pa.string()), f"^{pointed.pattern}")
    return int(pc.sum(found).as_py() or 0)


def _python_value(cell: pa.Scalar) -> Any:
    try:
        return cell.as_py()
    except (ArithmeticError, ValueError):
        return f"{getattr(cell, 'value', '…')} of type {cell.type}"


def _floats_of_chunk(numbers: pa.Array) -> NDArray[np.float64]:
    plain = pc.fill_null(numbers, float("nan")) if numbers.null_count else numbers
    return np.frombuffer(plain.buffers()[1], np.float64, count=len(plain), offset=8 * plain.offset)


def _without_missing(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return trimmed texts, null where one stands for a missing value."""
    trimmed = pc.utf8_trim_whitespace(texts)
    missing = pc.is_in(trimmed, value_set=pa.array(sorted(MISSING_TEXTS), pa.string()))
    return pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)


def _finite_numbers(texts: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return texts as numbers; None where one is no number, an infinite one or Arrow's "nan"."""
    try:
        numbers = pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return None
    return floats_of(numbers) if pc.all(pc.is_finite(numbers), min_count=0).as_py() else None


def _ungrouped(texts: pa.ChunkedArray, decimal: str, thousands: str) -> pa.ChunkedArray:
    """Remove thousands separators; a text with one elsewhere becomes no number."""
    for variant, separator in SEPARATOR_VARIANTS.items():
        texts = pc.replace_substring(texts, chr(variant), separator)
    grouped = pc.match_substring_regex(texts, f"^{grouped_number(decimal, thousands)}$")
    plain = pc.if_else(grouped, pc.replace_substring(texts, thousands, ""), texts)
    return pc.replace_substring(plain, thousands, "no number")


def _seconds(timestamps: pa.ChunkedArray) -> NDArray[np.float64] | None:
    counts = floats_of(pc.cast(timestamps.cast(pa.int64()), pa.float64(), safe=False))
    seconds: NDArray[np.float64] = counts / _PER_SECOND[timestamps.type.unit]
    return None if (np.abs(seconds) > _MAX_SECONDS).any() else seconds


def _timestamps(texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return None
