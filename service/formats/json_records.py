"""The records of a JSON body: objects, or rows of cells with names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

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
from service.formats.rows import chunk_rows

_ID_TYPES: Final = (str, int, float, bool, type(None))
_ANSWERED: Final = object()
"""In the place of a record that is no longer needed."""


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
    rows: list[Any]
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

    def chunks(self, schema: FeatureSchema) -> Iterator[Records]:
        """Yield the records in chunks, and forget those of each when the next is asked for: they take most memory."""
        size = chunk_rows(schema)
        for start in range(0, len(self.rows), size):
            end = min(start + size, len(self.rows))
            if self.rows[start] is not _ANSWERED:
                yield replace(self, rows=self.rows[start:end], first=self.first + start)
                self.rows[start:end] = [_ANSWERED] * (end - start)

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
