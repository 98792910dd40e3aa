"""What is noted of the rows of files when all are scored: older than training, or with values written otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

from models.columns.from_records import Columns
from models.detector import Detector
from models.early_rows import early_rows, notes_of_early_rows
from models.messages import phrase
from models.schema.codes import Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What was noticed of some rows.

    Args:
        early: How many are older than all fitting rows, by column of dates. Such rows, as an archive has them, score
            higher for their time alone.
        sightings: What their values are to what training had, by column of categories.
    """

    rows: int
    early: Mapping[str, int]
    sightings: Mapping[str, Sighting]


def notice(detector: Detector, columns: Columns, rows: int) -> Noticed:
    """Look at the columns of n rows."""
    early = early_rows(detector.preprocessor, columns)
    return Noticed(rows=rows, early=early, sightings=detector.sightings(columns.__getitem__))


@final
class RowNotes:
    """Puts together what was noticed of all rows."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._rows = 0
        self._early: Counter[str] = Counter()
        self._sightings: dict[str, Sighting] = {}

    def add(self, noticed: Noticed) -> None:
        """Take what was noticed of the next rows."""
        self._rows += noticed.rows
        self._early.update(noticed.early)
        for name, found in noticed.sightings.items():
            self._sightings[name] = self._sightings.get(name, Sighting()) | found

    def lines(self) -> Iterator[str]:
        """Yield one line for each thing that should be looked at."""
        older = notes_of_early_rows(self._detector.preprocessor, self._early, rows=self._rows)
        for line in (*older, *self._detector.notes(self._sightings)):
            yield phrase("noted: {finding}", finding=line)
