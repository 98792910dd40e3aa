"""Plants errors in a table: among the fitted rows and among the fresh ones, and keeps the truth."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted.kinds import KINDS
from benchmarks.planted.tables.table import TABLES, parts_of
from training.planting.columns import Columns, SeenRows
from training.planting.kinds import Change

if TYPE_CHECKING:
    import pandas as pd

PARTS: Final = ("fitted", "fresh")
"""Where errors are planted."""

MOST: Final = len(KINDS)
"""Most errors in one part: one of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """A planted error.

    Args:
        kind: A key of `KINDS`.
        row: Its row in the part.
        planted: The planted values by column.
        true: The true values of these columns.
        beside: Columns that contradict the planted one, and may be blamed as well.
        beyond: Whether a planted number or date is beyond all other fitted rows of its column, by half of their range.
        spread: Interquartile range of the column; None where not one number is planted.
    """

    kind: str
    row: int
    planted: Mapping[str, Any]
    true: Mapping[str, Any]
    beside: Columns = ()
    beyond: bool = False
    spread: float | None = None

    @property
    def columns(self) -> Columns:
        """The columns with planted values."""
        return tuple(self.planted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows with errors, and the truth.

    Args:
        rows: The rows.
        errors: What is planted in them, in the order of `KINDS`.
    """

    rows: pd.DataFrame
    errors: tuple[Error, ...]

    @property
    def is_planted(self) -> NDArray[np.bool_]:
        """A mask of the rows with errors `(n,)`."""
        mask = np.zeros(len(self.rows), np.bool_)
        mask[[error.row for error in self.errors]] = True
        return mask


def planted_parts(table: str, *, seed: int, errors: int = MOST, folder: Path | None = None) -> dict[str, Part]:
    """Return the rows to fit and the fresh rows of a table, errors planted in each.

    Args:
        table: A key of `TABLES`.
        seed: Seed of the table, and of what is planted where.
        errors: Number of errors in each part, of as many kinds; fewer where fewer kinds fit the table.
        folder: The folder of the real files.

    Raises:
        ConfigError: It is a real table, and there is no folder.
        TableError: Its file is not in the folder.
    """
    import pandas as pd

    clean = dict(zip(PARTS, parts_of(TABLES[table], seed=seed, folder=folder), strict=True))
    seen = SeenRows(pd.concat(clean.values(), ignore_index=True), TABLES[table].ids)
    first = 0
    parts = {}
    for name, rows in clean.items():
        draw = np.random.default_rng([seed, zlib.crc32(table.encode()), PARTS.index(name)])
        own = np.arange(first, first + len(rows))
        changes = _changes(seen, own, errors, draw)
        parts[name] = plant(rows, seen, changes, first=first)
        first += len(rows)
    fitted = clean["fitted"].loc[~parts["fitted"].is_planted]
    return {name: _with_beyond(part, fitted) for name, part in parts.items()}


def plant(rows: pd.DataFrame, seen: SeenRows, changes: Mapping[str, Change], *, first: int = 0) -> Part:
    """Return rows with changes, and the truth.

    Args:
        rows: The rows, without errors.
        seen: All rows of the table.
        changes: What is changed, by kind; rows count in `seen`.
        first: Index of the first of the rows in `seen`.
    """
    import pandas as pd

    changed = rows.copy()
    errors = []
    for kind, change in changes.items():
        row = change.row - first
        if change.source != change.row:
            changed.iloc[row] = seen.rows.iloc[change.source]
        for name, value in change.values.items():
            if isinstance(value, float) and not value.is_integer() and pd.api.types.is_integer_dtype(changed[name]):
                changed[name] = changed[name].astype(float)
            changed.loc[row, name] = value
        true = {name: seen.value(change.source, name) for name in change.values}
        one_number = len(true) == 1 and next(iter(true)) in seen.numbers
        errors.append(
            Error(
                kind=kind,
                row=row,
                planted=change.values,
                true=true,
                beside=change.beside,
                spread=seen.spread(next(iter(true))) if one_number else None,
            )
        )
    return Part(rows=changed, errors=tuple(errors))


def is_beyond(value: Any, others: pd.Series[Any]) -> bool:
    """Return whether a number or date lies beyond all others by half of their range or more."""
    low, high = others.min(), others.max()
    margin = (high - low) / 2
    return bool(value <= low - margin or value >= high + margin)


def _changes(seen: SeenRows, rows: NDArray[np.intp], errors: int, draw: np.random.Generator) -> dict[str, Change]:
    """Draw kinds, columns that have no error yet where there are such, and rows that have none."""
    changes: dict[str, Change] = {}
    used: set[str] = set()
    free = draw.permutation(rows)
    for kind in draw.permutation(list(KINDS)):
        if len(changes) == errors:
            break
        fitting = KINDS[kind].fits(seen)
        order = [fitting[i] for i in draw.permutation(len(fitting))]
        for columns in sorted(order, key=lambda names: len(used & set(names))):
            change = KINDS[kind].plant(seen, columns, free, draw)
            if change is not None:
                changes[str(kind)] = change
                used |= set(change.values)
                free = free[~np.isin(free, [change.row, change.source])]
                break
    return {kind: changes[kind] for kind in KINDS if kind in changes}


def _with_beyond(part: Part, fitted: pd.DataFrame) -> Part:
    from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

    def ordered(name: str) -> bool:
        return bool(is_numeric_dtype(fitted[name]) or is_datetime64_any_dtype(fitted[name]))

    errors = tuple(
        replace(
            error,
            beyond=any(ordered(name) and is_beyond(value, fitted[name]) for name, value in error.planted.items()),
        )
        for error in part.errors
    )
    return replace(part, errors=errors)
