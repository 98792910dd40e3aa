"""Plants errors into copies of held-out rows: how well a network finds them needs no labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.schema import FeatureSchema, Kind
from training.data.prepare import Prepared
from training.planting.columns import SeenRows
from training.planting.kinds import KINDS, Change

if TYPE_CHECKING:
    import pandas as pd

ROWS_OF_A_KIND: Final = 60
"""Most rows that are planted of one kind."""

_SEEN_ROWS: Final = 10_000  # of which ranges and pairs are known
_EACH: Final = 3  # tries at a row of one kind before its columns are given up


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedRows:
    """m copies of rows, each with one planted error.

    Args:
        columns: Their cells, by name, as `Prepared.columns` has them.
        kinds: The kind of each error, a key of `KINDS` `(m,)`.
        changed: The columns with planted values, for each row.
        sources: The row of the table whose other cells each has `(m,)`.
    """

    columns: dict[str, NDArray[Any]]
    kinds: tuple[str, ...]
    changed: tuple[tuple[str, ...], ...]
    sources: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.kinds)


def planted_rows(prepared: Prepared, held_out: NDArray[np.intp], *, seed: int) -> PlantedRows:
    """Return copies of held-out rows with errors of every kind that fits the table.

    Ranges, and which categories meet, are those of the rows that are held out or learned from; rows that are labelled
    anomalies do not count. The columns that a kind fits take turns.

    Args:
        prepared: The table.
        held_out: Indices of the rows that may be changed.
        seed: Seed of the draws.
    """
    chosen = _seen_rows(prepared, held_out)
    cells = {name: prepared.columns[name][chosen] for name in prepared.schema.names}
    seen = SeenRows(frame_of(prepared.schema, cells))
    rows = np.flatnonzero(np.isin(chosen, held_out)).astype(np.intp)
    changes = [
        (name, change)
        for i, name in enumerate(KINDS)
        for change in _changes(seen, name, rows, np.random.default_rng([seed, i]))
    ]
    sources = np.array([change.source for _, change in changes], np.intp)
    return PlantedRows(
        columns=_with_changes({name: values[sources] for name, values in cells.items()}, [one for _, one in changes]),
        kinds=tuple(name for name, _ in changes),
        changed=tuple(tuple(change.values) for _, change in changes),
        sources=chosen[sources],
    )


def frame_of(schema: FeatureSchema, columns: Columns) -> pd.DataFrame:
    """Return columns as a frame: whole numbers as integers, timestamps as dates; without those that are yes or no."""
    import pandas as pd

    frame: dict[str, Any] = {}
    for column in schema.columns:
        values = columns[column.name]
        if column.kind is Kind.DATETIME:
            frame[column.name] = pd.to_datetime(pd.Series(values), unit="s")
        elif column.kind is Kind.CATEGORICAL:
            frame[column.name] = pd.Series(values, dtype=object)
        elif column.kind is Kind.NUMERIC:
            is_whole = column.name in schema.whole and np.abs(values).max(initial=0) < 2**53  # a NaN is not
            frame[column.name] = values.astype(np.int64) if is_whole else values
    return pd.DataFrame(frame)


def _seen_rows(prepared: Prepared, held_out: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the held-out rows and as many others, at most, that are learned from, in the order of the table."""
    learned = prepared.split.fitting | prepared.split.validation
    if prepared.is_anomaly is not None:
        learned = learned & ~prepared.is_anomaly
    others = np.flatnonzero(learned)
    if len(others) > _SEEN_ROWS:
        others = np.sort(np.random.default_rng(0).choice(others, _SEEN_ROWS, replace=False))
    return np.union1d(others, held_out).astype(np.intp)


def _changes(seen: SeenRows, kind: str, rows: NDArray[np.intp], draw: np.random.Generator) -> list[Change]:
    """Return errors of one kind: its columns take turns, and so do the rows."""
    fitting = list(KINDS[kind].fits(seen))
    order = [fitting[i] for i in draw.permutation(len(fitting))]
    changes: list[Change] = []
    for tried in range(_EACH * ROWS_OF_A_KIND):
        if not order or len(changes) == min(ROWS_OF_A_KIND, len(rows)):
            break
        columns = order[tried % len(order)]
        change = KINDS[kind].plant(seen, columns, draw.permutation(rows), draw)
        if change is None:
            order.remove(columns)
        else:
            changes.append(change)
    return changes


def _with_changes(columns: dict[str, NDArray[Any]], changes: Sequence[Change]) -> dict[str, NDArray[Any]]:
    for i, change in enumerate(changes):
        for name, value in change.values.items():
            columns[name][i] = _cell(value)
    return columns


def _cell(value: Any) -> Any:
    """Return a planted value as columns have it: a date as seconds since 1970."""
    return value.timestamp() if hasattr(value, "timestamp") else value
