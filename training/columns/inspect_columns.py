"""Inspection of the columns' values: findings that the user may want to act on; nothing is changed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.errors import Message, Set
from models.messages import listed, phrase
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import number_text
from models.schema.timestamps import write_timestamp
from training.columns.growing import find_growing
from training.columns.infer_schema import Finding
from training.columns.infer_texts import common_categories
from training.columns.leaks import find_labels, find_leaks

_NEAR_CONSTANT: Final = 0.999
_MANY_COLUMNS: Final = 3  # with one sentinel: one flag for all
_MANY_RARE: Final = 0.5
_MIN_REPEATS: Final = 5
_MIN_SHARE: Final = 0.001  # of the rows that have a number
_MIN_OTHERS: Final = 10  # rows
_MIN_DISTINCT_OTHERS: Final = 10  # below, the numbers are codes or counts, and an extreme one is a level
_MOST_AT_AN_END: Final = 3  # such as 997, 998 and 999
_FAR: Final = 5.0  # times the extent of the others on that side
_FAR_FOR_A_CODE: Final = 1.0  # where the number is one that people choose for this, or is so in another column
_FAR_FOR_A_COMPANION: Final = 0.3  # where it is far in several other columns
_FAR_FOR_ANY_MEASUREMENT: Final = 1e9  # a number so far out is as good as a code, such as 1e30
_COMPANIONS: Final = 2
_LIMITS: Final = frozenset(
    float(sign * (2**bits) - less) for bits in (15, 16, 31, 32) for sign in (-1, 1) for less in (0, 1)
)
_END_OF_YEAR_1: Final = datetime(2, 1, 1, tzinfo=UTC).timestamp()
_YEAR_9999: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def inspect_columns(
    schema: FeatureSchema, columns: Columns, is_anomaly: NDArray[np.bool_] | None
) -> tuple[Finding, ...]:
    """Return findings about the columns of n rows, with labels `(n,)` where there are some."""
    return (
        *_sentinels(schema, columns),
        *(find_labels(schema, columns) if schema.label is None else ()),
        *(() if is_anomaly is None else find_leaks(schema, columns, is_anomaly)),
        *_duplicates(columns),
        *_near_constants(columns),
        *_rare_categories(schema, columns),
        *find_growing(schema, columns),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """A number that may stand for a missing value.

    Args:
        nearest: The nearest other number of the column.
        others: How many other numbers the column has.
        gap: Distance to the nearest one, in extents of the others on that side of their median.
    """

    value: float
    rows: int
    nearest: float
    others: int
    gap: float


def find_sentinels(columns: Mapping[str, NDArray[Any]]) -> dict[str, tuple[Sentinel, ...]]:
    """Find the numbers that may stand for a missing value, by column of numbers or of timestamps in seconds.

    A candidate is repeated, is the smallest or largest value of its column, and the gap to the next one is
    large against the extent of the others on that side of their median. How large it has to be depends on
    other evidence: a number that people choose for this (all nines, a limit of a type), or the same
    number in several columns.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # numbers near the largest there is
        candidates = {name: _candidates(values) for name, values in columns.items()}
    far: dict[float, set[str]] = defaultdict(set)
    for name, found in candidates.items():
        for one in found:
            code = _is_code(one.value) or one.gap >= _FAR_FOR_ANY_MEASUREMENT
            if one.gap >= (_FAR_FOR_A_CODE if code else _FAR) and (code or one.others >= _MIN_DISTINCT_OTHERS):
                far[one.value].add(name)
    kept = {
        name: tuple(s for s in found if name in far[s.value] or len(far[s.value]) >= _COMPANIONS)
        for name, found in candidates.items()
    }
    return {name: sentinels for name, sentinels in kept.items() if sentinels}


def _candidates(values: NDArray[Any]) -> list[Sentinel]:
    """Return repeated numbers at the ends, with a gap that is large enough for a companion."""
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return [*_at_the_low_end(distinct, counts, sign=1.0), *_at_the_low_end(-distinct[::-1], counts[::-1], sign=-1.0)]


def _at_the_low_end(distinct: NDArray[Any], counts: NDArray[Any], *, sign: float) -> list[Sentinel]:
    least = max(_MIN_REPEATS, _MIN_SHARE * counts.sum())
    for length in range(1, min(_MOST_AT_AN_END, len(distinct) - 1) + 1):
        others, other_counts = distinct[length:], counts[length:]
        if counts[length - 1] < least or other_counts.sum() < _MIN_OTHERS or len(others) < 2:
            return []
        median = others[np.searchsorted(np.cumsum(other_counts), other_counts.sum() / 2)]
        extent = max(median - others[0], 0.1 * (others[-1] - others[0]))
        if others[0] - distinct[length - 1] >= _FAR_FOR_A_COMPANION * extent:
            return [
                Sentinel(
                    value=float(sign * distinct[i]),
                    rows=int(counts[i]),
                    nearest=float(sign * others[0]),
                    others=len(others),
                    gap=float((others[0] - distinct[i]) / extent),
                )
                for i in range(length)
            ]
    return []


def _is_code(value: float) -> bool:
    """Return True if people choose a number for this: all nines (-999, 99.9), or a limit of a type."""
    digits = f"{abs(value):g}".replace(".", "")
    return (len(digits) >= 2 and set(digits) == {"9"}) or value in _LIMITS


def _sentinels(schema: FeatureSchema, columns: Columns) -> list[Finding]:
    ordered = [column for column in schema.columns if column.kind in (Kind.NUMERIC, Kind.DATETIME)]
    found = find_sentinels({column.name: columns[column.name] for column in ordered})
    for column in ordered:
        if column.kind is Kind.DATETIME and (ends := _calendar_ends(columns[column.name])):
            others = (s for s in found.get(column.name, ()) if s.value not in {end.value for end in ends})
            found[column.name] = (*others, *ends)
    by_texts: dict[tuple[str, ...], list[Column]] = defaultdict(list)
    for column in ordered:
        if column.name in found:
            by_texts[tuple(_text_of(column, sentinel.value) for sentinel in found[column.name])].append(column)
    findings = []
    for texts, same in by_texts.items():
        names = tuple(column.name for column in same)
        if len(names) >= _MANY_COLUMNS:
            what = phrase(
                "{values} lies far outside the other values of each and may stand for a missing one",
                values=listed(texts),
            )
            remedy = phrase("if so: {setting}", setting=Set("missing_values", texts))
            findings.append(Finding(columns=names, what=what, remedy=remedy, warning=True))
            continue
        for name, column in zip(names, same, strict=True):
            setting = Set("missing_values", tuple(f"{name}={text}" for text in texts))
            remedy = phrase("if so: {setting}", setting=setting)
            what = _describe(column, found[name])
            findings.append(Finding(columns=(name,), what=what, remedy=remedy, warning=True))
    return findings


def _calendar_ends(timestamps: NDArray[Any]) -> list[Sentinel]:
    """Return the timestamps in the first and the last year of the calendar, which stand for no begin and no end."""
    distinct, counts = np.unique(timestamps[~np.isnan(timestamps)], return_counts=True)
    is_end = (distinct < _END_OF_YEAR_1) | (distinct >= _YEAR_9999)
    others = distinct[~is_end]
    if not len(others):
        return []
    return [
        Sentinel(
            value=float(end),
            rows=int(count),
            nearest=float(others[0] if end < others[0] else others[-1]),
            others=len(others),
            gap=float("inf"),
        )
        for end, count in zip(distinct[is_end], counts[is_end], strict=True)
    ]


def _text_of(column: Column, value: float) -> str:
    """Return a value as `--missing-values` takes it."""
    if column.kind is Kind.NUMERIC:
        return number_text(value)
    return str(write_timestamp(value, layout=column.layout or "iso"))


def _describe(column: Column, sentinels: tuple[Sentinel, ...]) -> Message:
    values = [phrase("{value} ({rows:,} rows)", value=_text_of(column, s.value), rows=s.rows) for s in sentinels]
    return phrase(
        "{values}, far outside the other values (the nearest is {nearest}), may stand for a missing one",
        values=listed(values),
        nearest=_text_of(column, sentinels[0].nearest),
    )


def _duplicates(columns: Columns) -> list[Finding]:
    first: dict[bytes, str] = {}
    findings = []
    for name, values in columns.items():
        original = first.setdefault(_digest(values), name)
        if original != name:
            what = phrase(
                "equal to {column!r} in every row; kept, since a row in which they differ is an anomaly",
                column=original,
            )
            remedy = phrase("else: {setting}", setting=Set("exclude", name))
            findings.append(Finding(columns=(name,), what=what, remedy=remedy))
    return findings


def _digest(values: NDArray[Any]) -> bytes:
    if values.dtype == object:
        content = repr(values.tolist()).encode("utf-8", "surrogatepass")
    else:
        content = np.where(np.isnan(values), np.nan, values + 0.0).tobytes()  # one NaN, one zero
    return hashlib.blake2b(content).digest()


def _near_constants(columns: Columns) -> list[Finding]:
    names = tuple(name for name, values in columns.items() if _share_of_commonest(values) >= _NEAR_CONSTANT)
    what = phrase(
        "one value in {share:.1%} of the rows or more; kept, since another value is an anomaly", share=_NEAR_CONSTANT
    )
    remedy = phrase("else: {setting}", setting=Set("exclude", names))
    return [Finding(columns=names, what=what, remedy=remedy)] if names else []


def _share_of_commonest(values: NDArray[Any]) -> float:
    """Return the share of the commonest value or of missing ones; where that is below a half, of any value."""
    if values.dtype == object:
        return max(Counter(values.tolist()).values()) / len(values)
    missing = np.isnan(values)
    present = values[~missing]
    middle = np.partition(present, len(present) // 2)[len(present) // 2] if len(present) else np.nan
    return max(int(missing.sum()), int((values == middle).sum())) / len(values)


def _rare_categories(schema: FeatureSchema, columns: Columns) -> list[Finding]:
    findings = []
    for name in (column.name for column in schema.columns if column.kind is Kind.CATEGORICAL):
        present = [value for value in columns[name] if value is not None]
        common, rare = common_categories(present)
        share = sum(count for _, count in rare) / len(present)
        if share >= _MANY_RARE:
            what = phrase(
                "{categories:,} categories; {share:.0%} of the rows have a rare one, and these are told apart from the "
                "{frequent:,} frequent ones only",
                categories=len(common) + len(rare),
                share=share,
                frequent=len(common),
            )
            remedy = phrase("if that says nothing: {setting}", setting=Set("exclude", name))
            findings.append(Finding(columns=(name,), what=what, remedy=remedy))
    return findings
