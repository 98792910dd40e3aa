"""Decides on every column of a table: of which kind it is, or why it is left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.errors import ConfigError, TableError
from models.schema import Column, FeatureSchema, Kind
from models.tables import Table
from models.values import (
    BOOLEAN_WORDS,
    TIME_LAYOUTS,
    is_missing_text,
    parse_category,
    parse_instant,
    parse_number,
)

MAX_CATEGORIES: Final = 100
"""Categories of a column that get a level of their own, the most frequent first."""

_MIN_CATEGORY_ROWS: Final = 5
_MIN_CATEGORY_SHARE: Final = 0.0005
_MIN_COMMON_SHARE: Final = 0.5  # of the rows that must lie in common categories, or the column is text
_FREE_TEXT_WORDS: Final = 3.0
_MAX_STRAY_SHARE: Final = 0.1  # of the different values that may be no numbers in what was to be numbers
_MIN_ROWS_OF_IDENTIFIER: Final = 20
_ID_NAME: Final = re.compile(r"(^|[^a-z])(id|uuid|guid|key|no|nr|number)$|[a-z](Id|ID)$", re.ASCII)
_TIME_NAME: Final = re.compile(r"time|date|epoch|stamp|(^|_)(at|ts|ms)$", re.IGNORECASE)
_EPOCH_SECONDS: Final = (946_684_800.0, 4_102_444_800.0)  # 2000 to 2100


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What the user says about columns.

    Args:
        ids: Name a record; carried through.
        label: Says what is an anomaly.
        include: If not empty, only these are features.
        exclude: Are no features.
    """

    ids: tuple[str, ...] = ()
    label: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def infer_schema(table: Table, roles: Roles, *, fitting: NDArray[np.bool_]) -> FeatureSchema:
    """Decide on every column.

    Kinds come from all rows (so that no later row is a surprise); whether a column is constant or names its
    rows is judged on the fitting rows alone.

    Args:
        table: n rows.
        roles: What the user says about columns.
        fitting: The rows that will be learned from `(n,)`.

    Raises:
        ConfigError: A role names a column that is not there.
        TableError: No column is left.
    """
    _check_names(table.names, (*roles.ids, *roles.include, *roles.exclude))
    columns, dropped = [], {}
    for name in table.names:
        if name in roles.ids or name == roles.label:
            continue
        if name in roles.exclude:
            dropped[name] = "excluded (--exclude)"
        elif roles.include and name not in roles.include:
            dropped[name] = "not included (--include)"
        else:
            fate = _fate(
                name,
                table.data.column(name),
                fitting,
                decimal=table.decimal,
                thousands=table.thousands,
                wanted=name in roles.include,
            )
            if isinstance(fate, Column):
                columns.append(fate)
            else:
                dropped[name] = fate
    if not columns:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in dropped.items())
        raise TableError(f"No column is left to learn from ({reasons}). Name what must be used: --include COLUMN.")
    return FeatureSchema(columns=tuple(columns), ids=roles.ids, label=roles.label, dropped=dropped, header=table.header)


def common_categories(values: Collection[str]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return the categories that get a level of their own and the rare ones, each with its count."""
    ranked = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
    least = _least_rows(len(values))
    common = [pair for pair in ranked[:MAX_CATEGORIES] if pair[1] >= least]
    return common, ranked[len(common) :]


def _least_rows(rows: int) -> float:
    """Return how many of so many rows a category needs to be a common one."""
    return 1 if rows < 10 * _MIN_CATEGORY_ROWS else max(_MIN_CATEGORY_ROWS, _MIN_CATEGORY_SHARE * rows)


def _fate(
    name: str, cells: pa.ChunkedArray, fitting: NDArray[np.bool_], *, decimal: str, thousands: str, wanted: bool
) -> Column | str:
    """Return the column, or the reason for leaving it out; a wanted one is left out only if it says nothing."""
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    if pa.types.is_null(kind):
        return "empty"
    if pa.types.is_boolean(kind):
        return _unless_constant(Column(name=name, kind=Kind.BOOLEAN), cells, fitting)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numeric_fate(name, pc.cast(cells, pa.float64(), safe=False).to_numpy(), fitting, wanted=wanted)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _unless_constant(Column(name=name, kind=Kind.DATETIME, layout="iso"), cells, fitting)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _text_fate(name, cells.cast(pa.string()), fitting, decimal=decimal, thousands=thousands, wanted=wanted)
    return f"values of type {kind} are not supported"


def _numeric_fate(name: str, values: NDArray[Any], fitting: NDArray[np.bool_], *, wanted: bool) -> Column | str:
    learned = values[fitting]
    present = learned[~np.isnan(learned)]
    if len(present) == 0:
        return "empty"
    distinct = np.unique(present)
    if len(distinct) == 1 and len(present) == len(learned):
        return f"constant (always {distinct[0]:g})"
    everything = np.unique(values[~np.isnan(values)])
    whole = bool((everything == np.floor(everything)).all())
    if whole and _TIME_NAME.search(name):
        for layout in ("epoch_s", "epoch_ms"):
            unit = TIME_LAYOUTS[layout]
            seconds = everything / unit
            if _EPOCH_SECONDS[0] <= seconds[0] and seconds[-1] <= _EPOCH_SECONDS[1]:
                return Column(name=name, kind=Kind.DATETIME, layout=layout)
    if whole and not wanted and len(everything) == len(values) >= _MIN_ROWS_OF_IDENTIFIER:
        if everything[-1] - everything[0] == len(everything) - 1:
            return "identifier (counts the rows)"
        if _ID_NAME.search(name):
            return "identifier (every value is different)"
    return Column(name=name, kind=Kind.NUMERIC)


def _text_fate(
    name: str, cells: pa.ChunkedArray, fitting: NDArray[np.bool_], *, decimal: str, thousands: str, wanted: bool
) -> Column | str:
    distinct = [text for text in pc.unique(cells).to_pylist() if text is not None and not is_missing_text(text)]
    if not distinct:
        return "empty"
    if _all_parse(distinct, lambda text: parse_number(text, decimal=decimal, thousands=thousands)):
        numbers = {text: parse_number(text, decimal=decimal, thousands=thousands) for text in distinct}
        values = np.array([np.nan if (n := numbers.get(t)) is None else n for t in cells.to_pylist()], np.float64)
        return _numeric_fate(name, values, fitting, wanted=wanted)
    if {text.strip().lower() for text in distinct} <= BOOLEAN_WORDS.keys():  # words: 0 and 1 are numbers, like 2
        return _unless_constant(Column(name=name, kind=Kind.BOOLEAN), cells, fitting)
    layouts = [
        layout
        for layout in ("iso", "day_first", "month_first")
        if _all_parse(distinct, lambda text, layout=layout: parse_instant(text, layout=layout))
    ]
    if len(layouts) > 1:
        return f"day and month cannot be told apart (such as {distinct[0]!r})"
    if layouts:
        return _unless_constant(Column(name=name, kind=Kind.DATETIME, layout=layouts[0]), cells, fitting)
    return _category_fate(name, cells, fitting, decimal=decimal, thousands=thousands, wanted=wanted)


def _category_fate(
    name: str, cells: pa.ChunkedArray, fitting: NDArray[np.bool_], *, decimal: str, thousands: str, wanted: bool
) -> Column | str:
    learned = cells.filter(pa.array(fitting)).to_pylist()
    values = [c for text in learned if text is not None and (c := parse_category(text)) is not None]
    distinct = len(set(values))
    if not values:
        return "empty"
    if distinct == 1 and len(values) == len(learned):
        return f"constant (always {values[0]!r})"
    counts = Counter(values)
    least = _least_rows(len(values))
    if not wanted and sum(count for count in counts.values() if count >= least) < _MIN_COMMON_SHARE * len(values):
        several = f"({distinct:,} different values in {len(values):,} rows)"
        texts = [
            value
            for value in counts
            if not _all_parse([value], lambda text: parse_number(text, decimal=decimal, thousands=thousands))
        ]
        if len(texts) <= _MAX_STRAY_SHARE * distinct:
            return f"numbers, but for {', '.join(map(repr, texts[:3]))}: mend these, or leave them empty"
        if np.mean([len(value.split()) for value in values]) >= _FREE_TEXT_WORDS:
            return f"free text {several}"
        return f"identifier {several}"
    return Column(name=name, kind=Kind.CATEGORICAL)


def _unless_constant(column: Column, cells: pa.ChunkedArray, fitting: NDArray[np.bool_]) -> Column | str:
    learned = cells.filter(pa.array(fitting))
    values = {None if isinstance(v, str) and is_missing_text(v) else v for v in pc.unique(learned).to_pylist()}
    if values <= {None}:
        return "empty"
    if len(values) == 1:
        return f"constant (always {next(iter(values))})"
    return column


def _all_parse(texts: Collection[str], parse: Any) -> bool:
    try:
        for text in texts:
            parse(text)
    except ValueError:
        return False
    return True


def _check_names(names: Collection[str], wanted: Collection[str]) -> None:
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise ConfigError(f"There is no column {', '.join(map(repr, unknown))}. The columns are: {', '.join(names)}.")
