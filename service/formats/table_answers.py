"""Answers in CSV, Arrow and Parquet, with the columns that the batch program writes.

Loaded for the first such answer, because Arrow takes 30 MB.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, final

import pyarrow as pa

from models.schema.cells import parse_category
from models.tables.writers import PlainRows, Writer
from service.formats.answers import AnswerSpec
from service.formats.formats import FORMATS
from service.formats.rows import Rows
from service.web.problems import RequestError


@final
class TableWriter:
    """Writes a table with the columns that the batch program writes: ids, and what is answered."""

    def __init__(self, spec: AnswerSpec) -> None:
        self._spec = spec
        self._out = io.BytesIO()
        self._writer: Writer | None = None
        self._schema: pa.Schema | None = None

    def write(self, rows: Rows | None, *, last: bool) -> Iterator[bytes]:
        """Yield what the format has of some rows by now; some formats hold them to the end."""
        for size in self._added(rows) if rows is not None else ():
            self._spec.require_bytes(size)
            if not FORMATS[self._spec.format_name].has_positions:
                yield self._written()
        if last and self._writer is not None:
            with self._refused():
                self._writer.finish()
                self._writer.close()
        yield self._written()

    def _added(self, rows: Rows) -> Iterator[int]:
        """Add rows, chunk by chunk; yield how many bytes those so far have, as they are or as they are written."""
        schema = self._spec.detector.schema
        ids = {name: _id_column(column) for name, column in rows.id_columns(schema).items()}
        held = written = 0
        for chunk in self._spec.cancellation.checked(rows.chunks(schema)):
            table = self._spec.operation.table(
                self._spec.detector, chunk.columns(schema), self._spec.top, self._spec.cancellation.check
            )
            start = chunk.first - rows.first
            if ids:
                columns = [*(column.slice(start, len(chunk)) for column in ids.values()), *table.columns]
                table = pa.table(columns, names=[*ids, *table.column_names])
            self._add(table, ids)
            held += table.nbytes  # by a writer of groups of rows
            written += self._out.tell()
            yield max(held, written)

    def _written(self) -> bytes:
        content = self._out.getvalue()
        if not FORMATS[self._spec.format_name].has_positions:
            self._out.seek(0)
            self._out.truncate()
        return content

    def _add(self, table: pa.Table, ids: Mapping[str, Any]) -> None:
        detector = self._spec.detector
        about = {"detector": detector.name, "version": detector.version}
        table = table.replace_schema_metadata(about | {"threshold": repr(detector.calibration.threshold)})
        with self._refused():
            if self._writer is None:
                self._require_names(table, ids)
                self._schema = table.schema
                self._writer = FORMATS[self._spec.format_name].write_table(self._out, table.schema)
            elif table.schema != self._schema:
                raise RequestError(
                    HTTPStatus.NOT_ACCEPTABLE,
                    "Ids are absent in some parts of the stream, or of another type, so the answer would become "
                    "another table in the middle. Send all of them, as texts, or ask for JSON lines.",
                )
            self._writer.ready(PlainRows(table))()

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """Say what to do about an id that the format cannot hold: Parquet has no timestamps in the year 300,000."""
        try:
            yield
        except (
            pa.ArrowException,
            OSError,
        ) as error:  # OSError: a decimal whose scale is below 0 or above its precision
            name = self._spec.format_name.replace("_", " ")
            detail = f"An id cannot be written as {name} ({str(error).splitlines()[0]}). Ask for JSON."
            raise RequestError(HTTPStatus.NOT_ACCEPTABLE, detail) from error

    def _require_names(self, table: pa.Table, ids: Mapping[str, Any]) -> None:
        repeated = [name for name in ids if table.column_names.count(name) > 1]
        if repeated:
            raise RequestError(
                HTTPStatus.NOT_ACCEPTABLE,
                f"The id column {repeated[0]!r} is called like a column of the answer. Ask for JSON, where ids stand "
                "apart.",
            )


def _id_column(column: pa.ChunkedArray | Sequence[Any]) -> pa.ChunkedArray:
    """Return ids as a column of one plain type."""
    if isinstance(column, pa.ChunkedArray):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        texts = (pa.large_string(), pa.string_view(), pa.null())
        return column.cast(pa.string() if kind in texts else kind)
    kinds = {type(value) for value in column if value is not None}
    if len(kinds) <= 1:
        try:
            return pa.chunked_array([pa.array(column, pa.string() if not kinds else None)])
        except OverflowError:  # a whole number of more than 64 bits
            pass
    return pa.chunked_array([pa.array([_text(value) for value in column], pa.string())])


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else parse_category(value)
