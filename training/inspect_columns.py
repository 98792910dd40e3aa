"""Looks at the values of the columns and says what the user may want to change; nothing is changed here."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.records import Columns
from models.schema import FeatureSchema, Kind
from training.findings import Finding, flag
from training.infer_schema import common_categories
from training.leaks import find_leaks
from training.sentinels import Sentinel, find_sentinels

_NEAR_CONSTANT: Final = 0.999
_MANY_COLUMNS: Final = 3  # with one sentinel: one flag for all
_MANY_RARE: Final = 0.5


def inspect_columns(
    schema: FeatureSchema, columns: Columns, is_anomaly: NDArray[np.bool_] | None
) -> tuple[Finding, ...]:
    """Say what was noticed about the columns of a table.

    Args:
        schema: The features.
        columns: Their values in n rows.
        is_anomaly: The labels `(n,)`, where there are some.
    """
    return (
        *_sentinels(schema, columns),
        *(() if is_anomaly is None else find_leaks(schema, columns, is_anomaly)),
        *_duplicates(columns),
        *_near_constants(columns),
        *_rare_categories(schema, columns),
    )


def number_text(value: float) -> str:
    """Return a number as a user would write it.

    Example:
        >>> number_text(-200.0), number_text(99.9)
        ('-200', '99.9')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _sentinels(schema: FeatureSchema, columns: Columns) -> list[Finding]:
    numeric = {column.name: columns[column.name] for column in schema.columns if column.kind is Kind.NUMERIC}
    found = find_sentinels(numeric)
    by_values: dict[tuple[float, ...], list[str]] = defaultdict(list)
    for name, sentinels in found.items():
        by_values[tuple(sentinel.value for sentinel in sentinels)].append(name)
    findings = []
    for values, names in by_values.items():
        texts = [number_text(value) for value in values]
        if len(names) >= _MANY_COLUMNS:
            what = f"{' and '.join(texts)} lies far outside the other numbers of each and may stand for a missing value"
            remedy = f"if so: {flag('--missing-values', *texts)}"
            findings.append(Finding(columns=tuple(names), what=what, remedy=remedy, warning=True))
            continue
        for name in names:
            remedy = f"if so: {flag('--missing-values', *(f'{name}={text}' for text in texts))}"
            findings.append(Finding(columns=(name,), what=_said_of(found[name]), remedy=remedy, warning=True))
    return findings


def _said_of(sentinels: tuple[Sentinel, ...]) -> str:
    values = " and ".join(f"{number_text(s.value)} ({s.rows:,} rows)" for s in sentinels)
    nearest = number_text(sentinels[0].nearest)
    return f"{values}, far outside the other numbers (the nearest is {nearest}), may stand for a missing value"


def _duplicates(columns: Columns) -> list[Finding]:
    first: dict[bytes, str] = {}
    findings = []
    for name, values in columns.items():
        original = first.setdefault(_digest(values), name)
        if original != name:
            what = f"equal to {original!r} in every row; kept, since a row in which they differ is an anomaly"
            findings.append(Finding(columns=(name,), what=what, remedy=f"else: {flag('--exclude', name)}"))
    return findings


def _digest(values: NDArray[Any]) -> bytes:
    if values.dtype == object:
        content = repr(values.tolist()).encode("utf-8", "surrogatepass")
    else:
        content = np.where(np.isnan(values), np.nan, values + 0.0).tobytes()  # one NaN, one zero
    return hashlib.blake2b(content).digest()


def _near_constants(columns: Columns) -> list[Finding]:
    names = tuple(name for name, values in columns.items() if _share_of_commonest(values) >= _NEAR_CONSTANT)
    what = f"one value in {_NEAR_CONSTANT:.1%} of the rows or more; kept, since another value is an anomaly"
    return [Finding(columns=names, what=what, remedy=f"else: {flag('--exclude', *names)}")] if names else []


def _share_of_commonest(values: NDArray[Any]) -> float:
    comparable = np.array(["" if v is None else f"={v}" for v in values]) if values.dtype == object else values
    _, counts = np.unique(comparable, return_counts=True)
    return float(counts.max() / len(values))


def _rare_categories(schema: FeatureSchema, columns: Columns) -> list[Finding]:
    findings = []
    for column in schema.columns:
        if column.kind is not Kind.CATEGORICAL:
            continue
        present = [value for value in columns[column.name] if value is not None]
        common, rare = common_categories(present)
        share = sum(count for _, count in rare) / len(present)
        if share >= _MANY_RARE:
            what = (
                f"{len(common) + len(rare):,} categories; {share:.0%} of the rows have a rare one, and these are told "
                f"apart from the {len(common):,} frequent ones only"
            )
            remedy = f"if that says nothing: {flag('--exclude', column.name)}"
            findings.append(Finding(columns=(column.name,), what=what, remedy=remedy))
    return findings
