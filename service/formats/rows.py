"""The rows of a request, in whatever format they came, in bounded chunks."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from models.columns.from_records import (
    Columns,
    brief_repr,
    columns_of_records,
    columns_of_rows,
    problems_of_records,
    problems_of_rows,
)
from models.errors import DataError, RecordError
from models.schema import FeatureSchema
from models.schema.nesting import flat_records
from models.tables.read_options import CHUNK_ROWS
from service.web.problems import MOST_PROBLEMS, RequestError

_ID_TYPES: Final = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySpec:
    """What is known of a body before its first byte.

    Args:
        schema: The columns that are wanted.
        max_rows: Most rows that may come.
        max_bytes: Most bytes that may come, when nothing is compressed.
        format_name: Its format, a key of `FORMATS`.
        coding: Its content coding, or None.
        charset: The character encoding that the content type names, or None.
        options: How CSV is written, fields of `ReadOptions`; what is left out is detected.
    """

    schema: FeatureSchema
    max_rows: int
    max_bytes: int
    format_name: str = "json"
    coding: str | None = None
    charset: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


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

    def chunks(self) -> Iterator[Rows]:
        """Yield the rows in order, at most `CHUNK_ROWS` at a time."""
        ...

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the rows' values by column.

        Raises:
            DataError: A column is absent or a value is not of the column's kind.
        """
        ...

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return the id fields that came with each row, as plain values.

        Raises:
            RecordError: An id is no single value.
        """
        ...

    def id_columns(self, schema: FeatureSchema) -> Mapping[str, Any]:
        """Return the id columns that came: lists, or Arrow's columns where Arrow read the body."""
        ...

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Yield everything that `columns` and `ids` would refuse."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records of a JSON body.

    Args:
        names: What the cells of a row are called; None where records are objects.
        rows: Objects, or rows of cells.
        first: Index of the first of them in the request.
        typed: Each row has a cell for each name, and those of numeric columns are numbers or None.
        notes: Empty: JSON is not repaired.
    """

    names: Sequence[str] | None
    rows: Sequence[Any]
    first: int = 0
    typed: bool = False
    notes: Sequence[str] = field(default=(), init=False)

    def __len__(self) -> int:
        return len(self.rows)

    def chunks(self) -> Iterator[Records]:
        """Yield the records in order, at most `CHUNK_ROWS` at a time."""
        for start in range(0, len(self.rows), CHUNK_ROWS):
            yield replace(self, rows=self.rows[start : start + CHUNK_ROWS], first=self.first + start)

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the records' values by column.

        Raises:
            RecordError: A row is of another type, a field is absent or its value is not of the column's kind.
        """
        for problem in self._shape_problems():
            raise problem
        if self.names is None:
            return columns_of_records(schema, self.rows, first_record=self.first)
        return columns_of_rows(schema, self.names, self.rows, first_record=self.first, typed=self.typed)

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return the id fields that came with each record.

        Raises:
            RecordError: A row is of another type, or an id is a list or an object.
        """
        for problem in self._shape_problems():
            raise problem
        ids = self._ids(schema)
        for problem in self._id_problems(ids):
            raise problem
        return ids

    def id_columns(self, schema: FeatureSchema) -> Mapping[str, Any]:
        """Return the id fields by name, None where a record has none."""
        ids = self.ids(schema)
        present = [name for name in schema.ids if any(name in fields for fields in ids)]
        return {name: [fields.get(name) for fields in ids] for name in present}

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Return everything that `columns` and `ids` would refuse."""
        wrong = list(self._shape_problems())
        yield from wrong
        if wrong:  # the others, one by one
            skipped = {problem.record for problem in wrong}
            for index, row in enumerate(self.rows, start=self.first):
                if index not in skipped:
                    yield from Records(names=self.names, rows=[row], first=index).problems(schema)
            return
        if self.names is None:
            yield from problems_of_records(schema, self.rows, first_record=self.first)
        else:
            yield from problems_of_rows(schema, self.names, self.rows, first_record=self.first)
        try:
            yield from self._id_problems(self._ids(schema))
        except RecordError as error:
            yield error

    def _shape_problems(self) -> Iterator[RecordError]:
        wanted, remedy = (
            (dict, "Send an object with the fields by name.")
            if self.names is None
            else ((list, tuple), "Send a list of cells.")
        )
        for index, row in enumerate(self.rows, start=self.first):
            if not isinstance(row, wanted):
                yield RecordError(f"is {brief_repr(row)}.", record=index, field=None, remedy=remedy)

    def _ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        if not schema.ids:
            return [{} for _ in self.rows]
        if self.names is None:
            flat = flat_records(self.rows, schema.ids, first_record=self.first)
            return [{name: row[name] for name in schema.ids if name in row} for row in flat]
        indices = [(name, self.names.index(name)) for name in schema.ids if name in self.names]
        return [{name: row[index] for name, index in indices if index < len(row)} for row in self.rows]

    def _id_problems(self, ids: Sequence[Mapping[str, Any]]) -> Iterator[RecordError]:
        for index, fields in enumerate(ids, start=self.first):
            for name, value in fields.items():
                if not isinstance(value, _ID_TYPES):
                    yield RecordError(
                        f"got {brief_repr(value)}.",
                        record=index,
                        field=name,
                        remedy="Send a text, a number, true, false or null: it names the record.",
                    )


def all_problems(rows: Rows, schema: FeatureSchema, first: DataError) -> RequestError:
    """Return one error for everything that is wrong with the rows of a request.

    Args:
        rows: All rows.
        schema: The columns that are wanted.
        first: The first thing that was found to be wrong.
    """
    found = 0

    def counted() -> Iterator[RecordError]:
        nonlocal found
        for chunk in rows.chunks():
            for problem in chunk.problems(schema):
                found += 1
                yield problem

    problems = heapq.nsmallest(MOST_PROBLEMS, counted(), key=_record)
    return RequestError.of_problems(problems or [first], total=found or 1)


def _record(problem: RecordError) -> int:
    return -1 if problem.record is None else problem.record
