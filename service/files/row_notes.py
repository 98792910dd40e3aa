"""What is noted of the rows of files when all are scored: older than training, written otherwise, mostly flagged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

from models.columns.from_records import Columns
from models.detector import Detector
from models.early_rows import early_rows, notes_of_early_rows
from models.messages import phrase
from models.pointed_dates import notes_of_pointed_dates, pointed_dates
from models.schema.codes import Sighting
from models.tables.table import Table
from models.unlike_training import Range, joined_ranges, notes_of_flagged, notes_of_fractions, ranges_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What was noticed of some rows.

    Args:
        early: How many are older than all fitting rows, by column of dates. Such rows, as an archive has them, score
            higher for their time alone.
        sightings: What their values are to what training had, by column of categories.
        ranges: Their least and greatest number, by column of numbers.
        leading: In how many of those that are flagged a column adds most, by column.
        pointed: How many dates with points are read with the day first, by column that was learned without points.
    """

    rows: int
    early: Mapping[str, int]
    sightings: Mapping[str, Sighting]
    ranges: Mapping[str, Range]
    leading: Mapping[str, int]
    pointed: Mapping[str, int]


def notice(detector: Detector, columns: Columns, table: Table, *, leading: Mapping[str, int]) -> Noticed:
    """Look at the rows of a table and their columns; `models.unlike_training.leading_columns` says which lead."""
    return Noticed(
        rows=len(table),
        early=early_rows(detector.preprocessor, columns),
        sightings=detector.sightings(columns.__getitem__),
        ranges=ranges_of(detector.preprocessor, columns),
        leading=leading,
        pointed=pointed_dates(detector.schema, table),
    )


@final
class RowNotes:
    """Puts together what was noticed of all rows."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._rows = 0
        self._early: Counter[str] = Counter()
        self._sightings: dict[str, Sighting] = {}
        self._ranges: dict[str, Range] = {}
        self._leading: Counter[str] = Counter()
        self._pointed: Counter[str] = Counter()

    def add(self, noticed: Noticed) -> None:
        """Take what was noticed of the next rows."""
        self._rows += noticed.rows
        self._early.update(noticed.early)
        self._pointed.update(noticed.pointed)
        for name, found in noticed.sightings.items():
            self._sightings[name] = self._sightings.get(name, Sighting()) | found
        self._ranges = joined_ranges([self._ranges, noticed.ranges])
        self._leading.update(noticed.leading)

    def lines(self) -> Iterator[str]:
        """Yield one line for each thing that should be looked at."""
        for line in notes_of_pointed_dates(self._pointed):
            yield phrase("read: {note}", note=line)
        detector, rows = self._detector, self._rows
        lines = (
            *notes_of_early_rows(detector.preprocessor, self._early, rows=rows),
            *detector.notes(self._sightings),
            *notes_of_fractions(detector, self._ranges, rows=rows),
            *notes_of_flagged(detector, self._leading, self._ranges, self._early, rows=rows),
        )
        for line in lines:
            yield phrase("noted: {finding}", finding=line)
