"""The rows of a request, whatever form they came in, in bounded pieces."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
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
from service.formats.exact_json import exact_records
from service.formats.json_bodies import decode_json, decode_lines
from service.formats.pieces import PIECE_ROWS
from service.formats.raw_bodies import raw_rows
from service.settings import Settings
from service.web.body import Body
from service.web.problems import MOST_PROBLEMS, RequestError

_ID_TYPES: Final = (str, int, float, bool, type(None))


class Rows(Protocol):
    """Some rows of a request."""

    @property
    def first(self) -> int:
        """Number of the first of them in the request."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """One line for each thing that was detected, repaired or is ignored."""
        ...

    def __len__(self) -> int: ...

    def pieces(self) -> Iterator[Rows]:
        """Return at most `PIECE_ROWS` rows at a time, in order."""
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
        """Return the id columns that came: plain lists, or Arrow's columns where Arrow read them."""
        ...

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Return everything that `columns` and `ids` would refuse."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records of a JSON body, as they came.

    Args:
        names: What the cells of a row are called; None where records are objects.
        rows: Objects, or rows of cells.
        first: Number of the first of them in the request.
        typed: Rows have a cell for each name, and those of columns of numbers are numbers or None.
        notes: Nothing: JSON is not repaired.
    """

    names: Sequence[str] | None
    rows: Sequence[Any]
    first: int = 0
    typed: bool = False
    notes: Sequence[str] = field(default=(), init=False)

    def __len__(self) -> int:
        return len(self.rows)

    def pieces(self) -> Iterator[Records]:
        """Return at most `PIECE_ROWS` records at a time, in order."""
        for start in range(0, len(self.rows), PIECE_ROWS):
            yield replace(self, rows=self.rows[start : start + PIECE_ROWS], first=self.first + start)

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the records' values by column.

        Raises:
            RecordError: A row is of another form, a field is absent or its value is not of the column's kind.
        """
        for problem in self._shape_problems():
            raise problem
        if self.names is None:
            return columns_of_records(schema, self.rows, first_record=self.first)
        return columns_of_rows(schema, self.names, self.rows, first_record=self.first, typed=self.typed)

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return the id fields that came with each record.

        Raises:
            RecordError: A row is of another form, or an id is a list or an object.
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
        came = [name for name in schema.ids if any(name in own for own in ids)]
        return {name: [own.get(name) for own in ids] for name in came}

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Return everything that `columns` and `ids` would refuse."""
        wrong = list(self._shape_problems())
        yield from wrong
        if wrong:  # the others, one by one
            skipped = {problem.record for problem in wrong}
            for number, row in enumerate(self.rows, start=self.first):
                if number not in skipped:
                    yield from Records(names=self.names, rows=[row], first=number).problems(schema)
            return
        if self.names is None:
            yield from problems_of_records(schema, self.rows, first_record=self.first)
        else:
            yield from problems_of_rows(schema, self.names, self.rows, first_record=self.first)
        try:
            yield from self._id_problems(self._ids(schema))
        except RecordError as twice:
            yield twice

    def _shape_problems(self) -> Iterator[RecordError]:
        wanted, remedy = (
            (dict, "Send an object with the fields by name.")
            if self.names is None
            else ((list, tuple), "Send a list of cells.")
        )
        for number, row in enumerate(self.rows, start=self.first):
            if not isinstance(row, wanted):
                yield RecordError(f"is {brief_repr(row)}.", record=number, field=None, remedy=remedy)

    def _ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        if not schema.ids:
            return [{} for _ in self.rows]
        if self.names is None:
            flat = flat_records(self.rows, schema.ids, first_record=self.first)
            return [{name: row[name] for name in schema.ids if name in row} for row in flat]
        places = [(name, self.names.index(name)) for name in schema.ids if name in self.names]
        return [{name: row[place] for name, place in places if place < len(row)} for row in self.rows]

    def _id_problems(self, ids: Sequence[Mapping[str, Any]]) -> Iterator[RecordError]:
        for number, own in enumerate(ids, start=self.first):
            for name, value in own.items():
                if not isinstance(value, _ID_TYPES):
                    yield RecordError(
                        f"got {brief_repr(value)}.",
                        record=number,
                        field=name,
                        remedy="Send a text, a number, true, false or null: it names the record.",
                    )


def rows_of(body: Body, settings: Settings, schema: FeatureSchema, *, reading: Mapping[str, Any]) -> Rows:
    """Decode a body of any form.

    Args:
        body: What came.
        settings: How much may come.
        schema: The columns that are wanted.
        reading: How CSV is written, fields of `ReadOptions`; what is left out is detected.

    Raises:
        RequestError: The body cannot be read, or holds too many rows.
        DataError: What is decoded holds no rows.
    """
    content = body.unpacked(settings)
    if not content:
        raise RequestError(HTTPStatus.BAD_REQUEST, "The body is empty. Send at least one record.")
    if body.head.medium == "json":
        return _json_records(content, schema, most=settings.max_rows)
    if body.head.medium == "jsonl":
        return line_records(content, schema, most=settings.max_rows)
    if body.head.medium == "raw":
        return raw_rows(content, schema, digest=body.head.schema_digest, most=settings.max_rows)
    from service.formats.tables import read_rows  # Arrow's 30 MB: for the first such request

    return read_rows(body, content, settings, schema, reading=reading)


def line_records(
    content: bytes, schema: FeatureSchema, *, most: int, first_line: int = 1, first_record: int = 0
) -> Records:
    """Decode JSON lines.

    Args:
        content: The lines.
        schema: The columns that are wanted.
        most: Most records that may come.
        first_line: Number of the first of them in the body.
        first_record: Number of the first record in the body.

    Raises:
        RequestError, RecordError: As `decode_lines` does.
    """
    exact = exact_records(schema)
    rows = exact.lines(content, most=most)
    if rows is not None:
        return Records(names=exact.names, rows=rows, first=first_record, typed=True)
    decoded = decode_lines(content, most=most, first_line=first_line, first_record=first_record)
    return Records(names=None, rows=decoded.rows, first=first_record)


def all_problems(rows: Rows, schema: FeatureSchema, first: DataError) -> RequestError:
    """Return one error for everything that is wrong with the rows of a request.

    Args:
        rows: All of them.
        schema: The columns that are wanted.
        first: What was found to be wrong.
    """
    found = 0

    def counted() -> Iterator[RecordError]:
        nonlocal found
        for piece in rows.pieces():
            for problem in piece.problems(schema):
                found += 1
                yield problem

    problems = heapq.nsmallest(MOST_PROBLEMS, counted(), key=_record)
    return RequestError.of_problems(problems or [first], total=found or 1)


def _json_records(content: bytes, schema: FeatureSchema, *, most: int) -> Records:
    exact = exact_records(schema)
    rows = exact.rows(content, most=most)
    if rows is not None:
        return Records(names=exact.names, rows=rows, typed=True)
    decoded = decode_json(content, most=most)
    return Records(names=decoded.names, rows=decoded.rows)


def _record(problem: RecordError) -> int:
    return -1 if problem.record is None else problem.record
