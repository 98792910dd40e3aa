"""Columns that only grow, such as counters: every later value is beyond all that training saw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.errors import Set
from models.messages import phrase
from models.schema import FeatureSchema, Kind
from models.schema.timestamps import TIME_LAYOUTS, moment_of
from training.columns.infer_schema import Finding
from training.columns.number_layouts import EPOCHS, MIN_VALUES, OF_INSTANTS, are_within, is_sorted, is_time_name

_YEARS_2000_TO_2040: Final = (946_684_800.0, 2_208_988_800.0)
_MIN_CATEGORIES: Final = 5
_NUMBER: Final = re.compile(r"\d+", re.ASCII)


def find_growing(schema: FeatureSchema, columns: Columns) -> list[Finding]:
    """Return findings about columns that only grow, and about numbers that may be timestamps."""
    findings, counters = [], []
    for column in schema.columns:
        values = columns[column.name]
        if column.kind is Kind.NUMERIC:
            if layout := _possible_layout(column.name, values):
                ends = [
                    moment_of(TIME_LAYOUTS[layout].seconds_of(end)) for end in (np.nanmin(values), np.nanmax(values))
                ]
                what = phrase(
                    "may be {times} ({first} to {last}), and later ones lie beyond all that is learned",
                    times=EPOCHS[layout],
                    first=ends[0],
                    last=ends[1],
                )
                remedy = phrase("if so: {setting}", setting=Set("kind", f"{column.name}={Kind.DATETIME}"))
                findings.append(Finding(columns=(column.name,), what=what, remedy=remedy, warning=True))
            elif is_sorted(values) or _is_stepped(values):
                counters.append(column.name)
        elif column.kind is Kind.CATEGORICAL and _are_counted([value for value in values if value is not None]):
            counters.append(column.name)
    if counters:
        what = phrase(
            "only grows or falls from row to row; if it goes on so, later rows have values that training never saw"
        )
        remedy = phrase("to leave it out: {setting}", setting=Set("exclude", tuple(counters)))
        findings.append(Finding(columns=tuple(counters), what=what, remedy=remedy, warning=True))
    return findings


def _is_stepped(values: NDArray[Any]) -> bool:
    """Return True if numbers `(n,)` rise from row to row in equal steps, such as years, or do not change."""
    steps = np.diff(values[np.isfinite(values)])
    rises = steps[steps != 0]
    return len(rises) >= _MIN_CATEGORIES - 1 and bool(rises[0] > 0 and (rises == rises[0]).all())


def _possible_layout(name: str, values: NDArray[Any]) -> str | None:
    """Return the layout that numbers may have: of instants in any order, of days if their name or order tells it."""
    present = np.unique(values[np.isfinite(values)])
    if len(present) < MIN_VALUES:
        return None
    layouts = tuple(EPOCHS) if is_sorted(values) or is_time_name(name) else OF_INSTANTS
    return next((layout for layout in layouts if are_within(present, layout, _YEARS_2000_TO_2040)), None)


def _are_counted(values: Sequence[str]) -> bool:
    """Return True if texts differ only by numbers in them that grow from row to row, such as versions and batches."""
    order = list(dict.fromkeys(values))  # as they first come
    if len(order) < _MIN_CATEGORIES or len({_NUMBER.sub("#", value) for value in order}) > 1:
        return False
    numbers = [tuple(map(int, _NUMBER.findall(value))) for value in order]
    position = {value: i for i, value in enumerate(order)}
    seen = np.array([position[value] for value in values])
    return numbers == sorted(numbers) and bool((np.diff(seen) >= 0).all())
