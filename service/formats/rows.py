"""The rows of a request, in whatever format they came, in bounded chunks."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self, TypeVar

from models.columns.from_records import Columns
from models.detector import Detector
from models.errors import DataError, RecordError
from models.schema import Column, FeatureSchema
from models.schema.cells import Cell
from models.tables.read_options import CHUNK_ROWS
from models.unlike_training import fractions_of, notes_of_fractions
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.web.problems import MOST_PROBLEMS, RequestError

_LEAST_ROWS: Final = 256  # with fewer, the calls would take longer than the work


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySpec:
    """What is known of a body before its first byte.

    Args:
        max_bytes: Most bytes that may come, when nothing is compressed.
        format_name: Its format, a key of `FORMATS`.
        coding: Its content coding, or None.
        charset: The character encoding that the content type names, or None.
        options: How CSV is written, fields of `ReadOptions`; what is left out is detected.
        cancellation: Ends reading early.
    """

    schema: FeatureSchema
    max_rows: int
    max_bytes: int
    format_name: str = "json"
    coding: str | None = None
    charset: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    cancellation: Cancellation = field(default_factory=Cancellation, compare=False)

    @property
    def max_columns(self) -> int:
        """Most columns of a table, and most fields of a record."""
        return most_columns(self.schema)


def most_columns(schema: FeatureSchema) -> int:
    """Return the most columns of a table, and the most fields of a record."""
    return len(schema.known) + BUDGET.other_columns


def chunk_rows(schema: FeatureSchema) -> int:
    """Return how many rows are scored at once: fewer of many columns."""
    return max(_LEAST_ROWS, min(CHUNK_ROWS, BUDGET.chunk_cells // len(schema.read)))


class Rows(Protocol):
    """Rows of a request."""

    @property
    def first(self) -> int:
        """Index of the first of them in the request."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """One line for each thing that was detected, repaired or is ignored."""
        ...

    def __len__(self) -> int: ...

    def with_notes(self, notes: Sequence[str]) -> Self:
        """Return the rows with other notes."""
        ...

    def chunks(self, schema: FeatureSchema) -> Iterator[Rows]:
        """Yield the rows in order, at most `chunk_rows` at a time.

        A chunk is done with when the next is asked for, and need not come again: its memory may be used for the answer.
        """
        ...

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the rows' values by column; a `DataError` says that one is absent or not of its column's kind."""
        ...

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return the id fields that came with each row, as plain values; a `RecordError` says that one is none."""
        ...

    def values(self, schema: FeatureSchema, column: Column) -> Iterator[Cell]:
        """Yield the values of one column, row by row, as `columns` has them; it may end at one that is refused."""
        ...

    def id_columns(self, schema: FeatureSchema) -> Mapping[str, Any]:
        """Return the id columns that came: lists, or Arrow's columns where Arrow read the body."""
        ...

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Yield everything that `columns` and `ids` would refuse, about in the order of the rows."""
        ...


R = TypeVar("R", bound=Rows)


def noted(rows: R, detector: Detector) -> R:
    """Return rows with a note on each column whose categories or percentages are not written as training had them."""
    schema = detector.schema
    if not detector.known_categories and not schema.in_percent:
        return rows

    def values(name: str) -> Iterator[Cell]:
        return rows.values(schema, next(column for column in schema.read if column.name == name))

    with suppress(DataError):  # which says it when the rows are scored
        sightings = detector.sightings(values, rows=len(rows))
        found = {column.name: fractions_of(values(column.name)) for column in schema.in_percent}
        ranges = {name: ends for name, ends in found.items() if ends is not None}
        if notes := [*detector.notes(sightings), *notes_of_fractions(detector, ranges, rows=len(rows))]:
            return rows.with_notes((*rows.notes, *notes))
    return rows


def all_problems(rows: Rows, schema: FeatureSchema, first: DataError, *, cancellation: Cancellation) -> RequestError:
    """Return one error for what is wrong with the rows of a request; `first` is what was found already.

    No more than `BUDGET.problems` are looked for: a body of a kilobyte can have millions of them.
    """
    found = 0

    def counted() -> Iterator[RecordError]:
        nonlocal found
        for chunk in cancellation.checked(rows.chunks(schema)):
            for problem in chunk.problems(schema):
                found += 1
                yield problem
                if found == BUDGET.problems:
                    return

    def place(problem: RecordError) -> int:
        return -1 if problem.record is None else problem.record

    problems = heapq.nsmallest(MOST_PROBLEMS, counted(), key=place)
    return RequestError.of_problems(problems or [first], total=found or 1, at_least=found == BUDGET.problems)
