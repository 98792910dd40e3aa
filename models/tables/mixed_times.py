"""Cells in which dates and times stand together, brought to one type in which each keeps its time of day and zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final

_DAY: Final = timedelta(days=1)


def of_one_type(cells: list[Any]) -> list[Any]:
    """Return n cells of a column, of one type where they are dates and times of several; others as they are.

    Arrow takes the type of the first cell: behind a date, times would lose the time of day, and behind a time with a
    zone, those without would get its zone.

    Example:
        >>> of_one_type([date(2024, 1, 1), datetime(2024, 1, 1, 6)])
        [datetime.datetime(2024, 1, 1, 0, 0), datetime.datetime(2024, 1, 1, 6, 0)]
    """
    kinds = {type(cell) for cell in cells if not _is_missing(cell)}
    if not all(issubclass(kind, (date, time, timedelta)) for kind in kinds):
        return cells
    present = [cell for cell in cells if not _is_missing(cell)]
    if all(issubclass(kind, date) for kind in kinds):
        if len({issubclass(kind, datetime) for kind in kinds}) > 1:
            cells = [_moment(cell) for cell in cells]
        if len({_moment(cell).tzinfo is None for cell in present}) > 1:
            return [None if _is_missing(cell) else _moment(cell).isoformat() for cell in cells]
        return cells
    clocks = [kind for kind in kinds if issubclass(kind, time)]
    if 0 < len(clocks) < len(kinds) and not any(issubclass(kind, date) for kind in kinds):
        return [None if _is_missing(cell) else _clock(cell) for cell in cells]
    return cells


def _is_missing(cell: Any) -> bool:
    return cell is None or cell != cell  # noqa: PLR0124 - NaN and pandas' NaT


def _moment(cell: Any) -> Any:
    return cell if _is_missing(cell) or isinstance(cell, datetime) else datetime.combine(cell, time())


def _clock(cell: time | timedelta) -> str:
    """Return a time of day as text; a spreadsheet has 24:00 as a duration of a day."""
    if isinstance(cell, time):
        return cell.isoformat()
    return "24:00:00" if cell == _DAY else str(cell)
