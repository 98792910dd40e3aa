"""Reads JSON and JSON lines. Bodies are bounded before objects are made, and no key may come twice."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import chain
from typing import Any, Final

import msgspec

from models.columns.from_records import (
    Columns,
    brief_repr,
    columns_of_records,
    columns_of_rows,
    parser_in,
    problems_of_records,
    problems_of_rows,
)
from models.errors import RecordError
from models.schema import Column, FeatureSchema
from models.schema.cells import Cell
from models.schema.nesting import flat_records
from models.strict_json import repeated_keys
from models.tables.read_options import CHUNK_ROWS
from models.tables.text.wide import wide_encoding
from service.budget import BUDGET
from service.formats.bounds import require_bounded, require_few_columns, require_few_fields, require_few_lines
from service.formats.exact_json import ExactRecords, exact_records
from service.formats.json_forms import rows_of
from service.formats.json_slices import DECODE_ERRORS, decode_value
from service.formats.rows import BodySpec
from service.web.problems import RequestError, too_many_rows

_ID_TYPES: Final = (str, int, float, bool, type(None))
_PHRASES: Final = {
    "Input data was truncated": "it ends too early, or has half of a pair of \\u escapes",
    "Number out of range": "a number is beyond 1.8e308",
    "Integer value out of range": "a number is beyond 1.8e308",
}


def read_json(content: bytes, spec: BodySpec) -> Records:
    """Read a record, a list of records, ``{"columns": […], "rows": [[…]]}``, or a form of `json_forms`.

    Raises:
        RequestError: The body is not JSON, or there are too many records.
        RecordError: What is decoded is none of these, or has a key twice.
    """
    require_bounded(content, spec)
    records = records_in(content, exact_records(spec.schema), most=spec.max_rows)
    require_few_columns(len(records.names or ()), spec)
    return records


def records_in(content: bytes, exact: ExactRecords, *, most: int) -> Records:
    """Return the at most `most` records of a body, as `read_json` does; `exact` decodes most bodies."""
    rows = exact.rows(content, most=most)
    if rows is not None:
        return Records(names=exact.names, rows=rows, typed=True)
    require_few_fields(content, exact.schema)  # of any other than those that `exact` knows
    return decode_json(content, exact.schema, most=most).noted(exact.schema)


def read_lines(
    content: bytes, spec: BodySpec, *, numbers: Sequence[int] | None = None, first_record: int = 0
) -> Records:
    """Read JSON lines: an object a line; the lines of the body count from 1, its records from 0.

    Args:
        content: The body, or some lines of it.
        spec: What is known of the body.
        numbers: The number of each line, None where they are all lines of the body.
        first_record: Index of the first record in the request.

    Raises:
        RequestError: A line is not JSON or has a key twice, or there are too many records or lines.
        RecordError: There is no record.
    """
    require_few_lines(content, spec)
    require_bounded(content, spec)
    exact = exact_records(spec.schema)
    rows = exact.lines(content, most=spec.max_rows)
    if rows is not None:
        return Records(names=exact.names, rows=rows, first=first_record, typed=True)
    require_few_fields(content, spec.schema)
    decoded = decode_lines(content, most=spec.max_rows, numbers=numbers, first_record=first_record)
    return decoded.noted(spec.schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records of a JSON body.

    Args:
        names: What the cells of a row are called; None where records are objects.
        rows: Objects, or rows of cells.
        first: Index of the first of them in the request.
        typed: Each row has a cell for each name, and those of numeric columns are numbers or None.
        notes: A line about fields that are ignored; JSON is not repaired.
    """

    names: Sequence[str] | None
    rows: Sequence[Any]
    first: int = 0
    typed: bool = False
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def with_notes(self, notes: Sequence[str]) -> Records:
        """Return the rows with other notes."""
        return replace(self, notes=notes)

    def noted(self, schema: FeatureSchema) -> Records:
        """Return the records with a note on the fields that a schema does not know, and how many records have each."""
        if self.names is not None:
            note = schema.note_of_ignored(self.names)
        else:
            counts = Counter(name for name in self._field_names(schema) if name not in schema.known)
            note = schema.note_of_ignored(counts, counts=counts)
        return self if note is None else self.with_notes((note,))

    def _field_names(self, schema: FeatureSchema) -> Iterator[str]:
        """Yield the names of the fields of each record; a record that is none has none."""
        records = [row for row in self.rows if isinstance(row, dict)]
        with suppress(RecordError):  # a name that comes twice is refused later
            yield from chain.from_iterable(flat_records(records, tuple(schema.known)))

    def chunks(self) -> Iterator[Records]:
        """Yield the records in chunks."""
        for start in range(0, len(self.rows), CHUNK_ROWS):
            yield replace(self, rows=self.rows[start : start + CHUNK_ROWS], first=self.first + start)

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the records' values by column."""
        for problem in self._shape_problems():
            raise problem
        if self.names is None:
            return columns_of_records(schema, self.rows, first_record=self.first)
        return columns_of_rows(schema, self.names, self.rows, first_record=self.first, typed=self.typed)

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return the id fields that came with each record."""
        for problem in self._shape_problems():
            raise problem
        ids = self._ids(schema)
        for problem in self._id_problems(ids):
            raise problem
        return ids

    def values(self, schema: FeatureSchema, column: Column) -> Iterator[Cell]:
        """Yield the values of one column, row by row, up to one that is refused."""
        parse = parser_in(schema, column)
        with suppress(ValueError, TypeError, IndexError, AttributeError):  # which is told with its place
            for cell in self._cells(column.name):
                yield None if cell is None else parse(cell)

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

    def _cells(self, name: str) -> Iterator[Any]:
        if self.names is None:
            yield from (row.get(name) for row in flat_records(self.rows, (name,), first_record=self.first))
        elif name in self.names:
            index = self.names.index(name)
            yield from (row[index] for row in self.rows)

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


def decode_json(content: bytes, schema: FeatureSchema, *, most: int) -> Records:
    """Decode what `read_json` reads, whatever its fields are."""
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        value = decode_value(content)
    except DECODE_ERRORS:
        value = _decode(content)  # to say where it is wrong
    names, rows = rows_of(value, schema)
    if not rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    _require_few(len(rows), most)
    if repeated := repeated_keys(content, value):
        raise repeated_key_error(repeated)
    return Records(names=names, rows=rows)


def decode_lines(content: bytes, *, most: int, numbers: Sequence[int] | None = None, first_record: int = 0) -> Records:
    """Decode what `read_lines` reads, whatever the fields are; empty lines are left out."""
    content = content.removeprefix(codecs.BOM_UTF8)
    split = content.split(b"\n")
    numbered = zip(numbers or range(1, len(split) + 1), split, strict=True)
    lines = [(number, line) for number, line in numbered if line.strip()]
    _require_few(len(lines), most)
    rows = [_decode(line, where=f"Line {number}") for number, line in lines]
    if not rows:
        raise RecordError("there is no record.", record=None, field=None, remedy="Send at least one.")
    if repeated := repeated_keys(content, rows):
        raise repeated_key_error(repeated, first=first_record)
    return Records(names=None, rows=rows, first=first_record)


def _decode(content: bytes, *, where: str = "The body") -> Any:
    try:
        return msgspec.json.decode(content)
    except DECODE_ERRORS as error:
        raise json_error(content, error, where=where) from error


def json_error(content: bytes, error: Exception, *, where: str = "The body") -> RequestError:
    """Return the error for what is no JSON, from what a decoder raised."""
    if (encoding := wide_encoding(content)) is not None:
        name = encoding[:6].upper()
        detail = f"The body is {name}, and JSON over HTTP is UTF-8. Send it so; iconv -f {name} -t UTF-8 rewrites it."
        return RequestError(HTTPStatus.BAD_REQUEST, detail)
    detail = f"{where} is not JSON: {_phrase(error)}. (NaN and Infinity are no JSON: send null for a missing number.)"
    return RequestError(HTTPStatus.BAD_REQUEST, detail)


def _phrase(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "its lists and objects are nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} of a text is not UTF-8"
    text = str(error).removeprefix("JSON is malformed: ").partition(" - at ")[0]
    return _PHRASES.get(text, text)


def _require_few(rows: int, most: int) -> None:
    if rows > most:
        raise too_many_rows(rows, most)


def repeated_key_error(repeated: Sequence[tuple[int, str]], *, first: int = 0) -> RequestError:
    """Return the error for repeated keys, each with the index of its record; `first` is added to that."""
    problems = [
        RecordError(
            f"has the key {name!r} more than once.",
            record=first + index,
            field=name,
            remedy="Send it once: which of them is meant cannot be told.",
        )
        for index, name in repeated[: BUDGET.problems]
    ]
    return RequestError.of_problems(problems, total=len(repeated))
