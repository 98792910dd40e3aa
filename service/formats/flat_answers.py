"""Answers as tables: CSV, Arrow and Parquet, with the columns that the batch program writes.

Imported for the first such answer, because Arrow takes 30 MB.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from models.columns.to_tables import expected_table
from models.detector import Detector
from models.schema.cells import parse_category
from models.tables.writers import csv_header, csv_lines
from service.files.scored_rows import ScoredRows
from service.formats.answers import embedded, judged
from service.formats.rows import Rows
from service.web.problems import RequestError


def encode_flat(question: str, detector: Detector, rows: Rows, *, medium: str, top: int) -> bytes:
    """Answer a question about rows with a table.

    Args:
        question: A key of `service.formats.answers.QUESTIONS`.
        detector: What answers.
        rows: All rows of a request.
        medium: csv, arrow, arrow_file or parquet.
        top: How many of the columns that add most are named.

    Raises:
        RequestError: An id column is called like a column of the answer.
        DataError: A value is not of its column's kind.
    """
    ids = {name: _arrow(column) for name, column in rows.id_columns(detector.schema).items()}
    tables = []
    for piece in rows.pieces():
        own = pa.table({name: column.slice(piece.first - rows.first, len(piece)) for name, column in ids.items()})
        tables.append(_TABLES[question](detector, piece, own, top))
    table = pa.concat_tables(tables)
    twice = [name for name in ids if table.column_names.count(name) > 1]
    if twice:
        raise RequestError(
            HTTPStatus.NOT_ACCEPTABLE,
            f"The id column {twice[0]!r} is called like a column of the answer. Ask for JSON, where ids stand apart.",
        )
    about = {"detector": detector.name, "version": detector.version, "threshold": repr(detector.calibration.threshold)}
    try:
        return _ENCODERS[medium](table.replace_schema_metadata(about))
    except pa.ArrowException as error:  # Parquet has no instants in the year 300,000
        raise RequestError(
            HTTPStatus.NOT_ACCEPTABLE,
            f"An id cannot be written as {medium.replace('_', ' ')} ({str(error).splitlines()[0]}). Ask for JSON.",
        ) from error


def _scores(detector: Detector, rows: Rows, ids: pa.Table, top: int) -> pa.Table:
    return ScoredRows(ids=ids, verdicts=judged(detector, rows), top=top).table()


def _embeddings(detector: Detector, rows: Rows, ids: pa.Table, top: int) -> pa.Table:
    Z = embedded(detector, rows)
    names = [f"embedding_{number}" for number in range(1, Z.shape[1] + 1)]
    return pa.table([*ids.columns, *(pa.array(unit) for unit in Z.T)], names=[*ids.column_names, *names])


def _reconstructions(detector: Detector, rows: Rows, ids: pa.Table, top: int) -> pa.Table:
    expected = expected_table(detector.schema, judged(detector, rows))
    return pa.table([*ids.columns, *expected.columns], names=[*ids.column_names, *expected.column_names])


_TABLES: Final[dict[str, Callable[[Detector, Rows, pa.Table, int], pa.Table]]] = {
    "score": _scores,
    "embed": _embeddings,
    "reconstruct": _reconstructions,
}
"""The table that answers each question."""


def _as_csv(table: pa.Table) -> bytes:
    return csv_header(table.column_names) + csv_lines(table)


def _as_stream(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _as_file(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _as_parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pa.parquet.write_table(table, out)
    return out.getvalue()


_ENCODERS: Final[Mapping[str, Callable[[pa.Table], bytes]]] = {
    "csv": _as_csv,
    "arrow": _as_stream,
    "arrow_file": _as_file,
    "parquet": _as_parquet,
}
"""How a table is written in each form that Arrow writes."""


def _arrow(column: pa.ChunkedArray | Sequence[Any]) -> pa.ChunkedArray:
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
