"""Numbers that are timestamps: seconds since 1970, days of spreadsheets, dates (20240226) and months (202402)."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.messages import phrase
from models.schema.cells import parse_timestamp
from models.schema.timestamps import TIME_LAYOUTS
from training.columns.infer_texts import all_parse

EPOCHS: Final = {
    "epoch_s": phrase("seconds since 1970"),
    "epoch_ms": phrase("milliseconds since 1970"),
    "epoch_us": phrase("microseconds since 1970"),
    "epoch_ns": phrase("nanoseconds since 1970"),
    "spreadsheet_days": phrase("days of a spreadsheet (since 1899-12-30)"),
    "julian_days": phrase("Julian days"),
}
"""Layouts of timestamps that are numbers, and what their numbers are."""

OF_INSTANTS: Final = ("epoch_s", "epoch_ms", "epoch_us", "epoch_ns")
"""Those whose numbers are hardly ever anything else."""

_TIME_NAME: Final = re.compile(
    r"time|date|epoch|stamp|created|updated|recorded|zeit|datum|fecha|hora|horodat|heure|istante|instant|momento"
    r"|(^|_)(at|ts|ms|us|ns|t)$",
    re.IGNORECASE,
)
_YEARS_2000_TO_2100: Final = (946_684_800.0, 4_102_444_800.0)
_COMPACT: Final = (19000101.0, 21001231.0)
_MONTHS: Final = (190001.0, 210012.0)
_MIN_MONTHS: Final = 6  # different ones: of other numbers every eighth could be a month
_MIN_SECONDS: Final = 60.0
_OPEN_END: Final = 99991231.0  # a date for "no end"
MIN_VALUES: Final = 20
"""Different ones that are enough to tell what numbers are where the name says nothing."""


def layout_of_numbers(name: str, values: NDArray[Any], *, given: bool = False) -> str | None:
    """Return the layout of numbers `(n,)` in the rows' order that are timestamps, or None.

    They are if all are instants of 2000 to 2100, in a unit since 1970, and the column's name says so or they only
    grow (or only fall) from row to row, over a minute or more (ids of 19 digits may lie in the same range); or if all
    are dates such as 20240226, or months such as 202402. Where the user says so (`given`), they may also be days.
    """
    present = np.unique(values[np.isfinite(values)])
    if len(present) == 0:
        return None
    named = given or is_time_name(name)
    if named or is_sorted(values):
        for layout in EPOCHS if given else OF_INSTANTS:
            seconds = TIME_LAYOUTS[layout].seconds_of
            spans = named or abs(seconds(present[-1]) - seconds(present[0])) >= _MIN_SECONDS
            if spans and are_within(present, layout, _YEARS_2000_TO_2100):
                return layout
    if (named or _may_be_months(values, present)) and _are_months(present):
        return "period"
    present = present[present != _OPEN_END]
    if len(present) >= (1 if named else MIN_VALUES) and _COMPACT[0] <= present[0] and present[-1] <= _COMPACT[1]:
        dates = [f"{number:.12g}" for number in present]
        return "compact" if all_parse(dates, partial(parse_timestamp, layout="compact")) else None
    return None


def _are_months(present: NDArray[Any]) -> bool:
    within = _MONTHS[0] <= present[0] and present[-1] <= _MONTHS[1]
    return bool(within and np.isin(present % 100, np.arange(1, 13)).all())


def _may_be_months(values: NDArray[Any], present: NDArray[Any]) -> bool:
    """Return True if numbers are of several years or in order: the codes 200001 to 200010 are no months."""
    if len(present) < _MIN_MONTHS:
        return False
    return len(np.unique(present // 100)) > 1 or bool((np.diff(values[np.isfinite(values)]) >= 0).all())


def is_time_name(name: str) -> bool:
    """Return True if a column's name, in one of some languages, says that it holds times."""
    return _TIME_NAME.search(name) is not None


def is_sorted(values: NDArray[Any]) -> bool:
    """Return True if numbers `(n,)`, of which at least 20 differ, only grow or only fall from row to row."""
    steps = np.diff(values[np.isfinite(values)])
    rises, falls = int((steps > 0).sum()), int((steps < 0).sum())
    return max(rises, falls) >= MIN_VALUES - 1 and min(rises, falls) == 0


def are_within(present: NDArray[Any], layout: str, ends: tuple[float, float]) -> bool:
    """Return True if sorted numbers `(n,)` of a layout are timestamps between two, in seconds since 1970."""
    spec = TIME_LAYOUTS[layout]
    return ends[0] <= spec.seconds_of(present[0]) and spec.seconds_of(present[-1]) <= ends[1]
