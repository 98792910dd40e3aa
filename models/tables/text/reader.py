"""Reading text tables: fast where Arrow's reader knows the dialect, exactly where it does not.

Arrow's reader takes everything behind a quote that is never closed for one long cell, and knows no comments.
So at a cell with a line end in it, a row of another length and every error of Arrow, `RowReader` takes over: it
reads the rest of the file, or names the row that is wrong. Columns that are known to hold numbers are read as such;
from the first cell on that is no number, they are texts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, groupby, islice
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from models.errors import Message, Set, TableError
from models.schema.cells import MISSING_TEXTS
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table, regroup
from models.tables.text.delimiter import RowReader
from models.tables.text.dialect import Dialect, detect_dialect

_EXACT_ROWS: Final = 4096


def read_text(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read a text file in chunks."""
    dialect = detect_dialect(source, options)
    header = dialect.header
    numbers = frozenset() if dialect.thousands else options.numbers.intersection(header.names)
    batches = _bounded(source, _batches(source, dialect, numbers))
    for data in _tables(batches, chunk_rows, header.names):
        yield Table(
            data=data,
            decimal=dialect.decimal,
            thousands=dialect.thousands,
            repairs=dialect.repairs,
            header=header.names if header.given else None,
        )


def _bounded(source: Source, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    cells = 0
    for batch in batches:
        cells += batch.num_rows * batch.num_columns
        source.require_cells(cells)
        yield batch


def _tables(batches: Iterator[pa.RecordBatch], chunk_rows: int, names: Sequence[str]) -> Iterator[pa.Table]:
    """Join batches into chunks; where columns of numbers become texts, a chunk ends early."""
    texts = pa.schema([(name, pa.string()) for name in names])
    found_rows = False
    with_rows = (batch for batch in batches if batch.num_rows)
    for schema, same in groupby(with_rows, key=lambda batch: batch.schema):
        yield from regroup(same, chunk_rows, schema)
        found_rows = True
    if not found_rows:
        yield texts.empty_table()


def _batches(source: Source, dialect: Dialect, numbers: frozenset[str]) -> Iterator[pa.RecordBatch]:
    rows = 0
    attempts = [numbers, frozenset[str]()] if numbers else [numbers]
    for attempt in [] if dialect.only_exact else attempts:
        try:
            seen = 0
            for batch in _fast_batches(source, dialect, attempt):
                if any(map(_is_odd, batch.columns)):
                    break
                seen += batch.num_rows
                if seen > rows:
                    new = batch.slice(batch.num_rows - (seen - rows))
                    yield _without_unnamed(dialect, new, rows)
                    rows = seen
            else:
                return
        except pa.ArrowInvalid:
            pass  # a cell that is no number; or a row that the exact reader reads or names
    yield from _exact_batches(source, dialect, from_row=rows)


def _fast_batches(source: Source, dialect: Dialect, numbers: frozenset[str] = frozenset()) -> Iterator[pa.RecordBatch]:
    names = [*dialect.header.names, *_unnamed(dialect)]
    read = pa.csv.ReadOptions(
        column_names=names,
        skip_rows=dialect.skip_lines,
        skip_rows_after_names=dialect.header_rows,
        encoding="utf-8" if dialect.encoding == "utf-8-sig" else dialect.encoding,
    )
    parse = pa.csv.ParseOptions(
        delimiter=dialect.delimiter,
        quote_char=dialect.quote or False,
        newlines_in_values=bool(dialect.quote),
        ignore_empty_lines=dialect.header.width > 1,  # of one column: a missing value
    )
    convert = pa.csv.ConvertOptions(
        column_types={name: pa.float64() if name in numbers else pa.string() for name in names},
        decimal_point=dialect.decimal,
        # Arrow makes an index of these words for each column, some kilobytes; texts need none.
        null_values=sorted(MISSING_TEXTS) if numbers else [],
        true_values=[],
        false_values=[],
        strings_can_be_null=False,
    )
    with source.open_stream() as stream:
        yield from pa.csv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)


def _unnamed(dialect: Dialect) -> list[str]:
    """Return unused names for the empty columns at the end."""
    spare = dialect.header.width - len(dialect.header.names)
    taken = frozenset(dialect.header.names)
    free = (name for number in count() if (name := f"_{number}") not in taken)
    return list(islice(free, spare))


def _is_odd(column: pa.Array) -> bool:
    """Return True if a cell has several lines (or a quote is never closed), or a number is not finite."""
    if pa.types.is_floating(column.type):
        return not pc.all(pc.is_finite(column), min_count=0).as_py()
    buffer = column.buffers()[2]
    cells = b"" if buffer is None else buffer.to_pybytes()
    return b"\n" in cells or b"\r" in cells


def _without_unnamed(dialect: Dialect, batch: pa.RecordBatch, rows: int) -> pa.RecordBatch:
    """Drop the empty columns at the end; raise an error at the first value in one."""
    used = len(dialect.header.names)
    for i in range(used, dialect.header.width):
        filled = pc.not_equal(pc.utf8_trim_whitespace(batch.column(i)), "")
        if pc.any(filled).as_py():
            row = rows + filled.to_pylist().index(True)
            raise _unnamed_value(row + 1, i + 1, batch.column(i)[row - rows].as_py())
    return batch.select(range(used))


def _exact_batches(source: Source, dialect: Dialect, *, from_row: int) -> Iterator[pa.RecordBatch]:
    names = dialect.header.names
    buffer: list[Sequence[str]] = []
    for cells in islice(_exact_rows(source, dialect), from_row, None):
        buffer.append(cells)
        if len(buffer) == _EXACT_ROWS:
            yield _batch(names, buffer)
            buffer = []
    if buffer:
        yield _batch(names, buffer)


def _exact_rows(source: Source, dialect: Dialect) -> Iterator[Sequence[str]]:
    """Yield the cells of each row, as many as there are names."""
    header = dialect.header
    row = 0
    with (
        source.open_stream() as stream,
        io.TextIOWrapper(io.BufferedReader(stream), encoding=dialect.encoding, newline="") as lines,
    ):
        reader = RowReader(
            _table_lines(lines, dialect.skip_lines),
            delimiter=dialect.delimiter,
            quote=dialect.quote,
            comment=dialect.comment,
        )
        to_skip = dialect.header_rows
        try:
            for found in reader:
                if to_skip:
                    to_skip -= 1
                elif header.width == 1 or any(found.cells) or len(found.cells) > 1:
                    row += 1
                    yield _fitted(dialect, found.cells or ("",), row, dialect.skip_lines + found.above + 1)
        except UnicodeError as error:
            problem = f"behind row {row:,} the text is not in the expected encoding ({error})"
            raise TableError(problem, ". Fix it, or say ", Set("encoding"), ", such as cp1252.") from error
        except csv.Error as error:
            raise TableError(
                f"row {row + 1:,} (line {dialect.skip_lines + reader.above:,}): a cell goes on behind "
                f"its closing {dialect.quote or 'end'}, is never closed or is too long ({error}). Fix it, or say ",
                Set("quote", "none"),
                " if quotes are part of the cells.",
            ) from error


def _table_lines(lines: Iterable[str], skip: int) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number >= skip:
            yield line.removeprefix("\ufeff") if number == 0 else line


def _fitted(dialect: Dialect, cells: Sequence[str], row: int, line: int) -> Sequence[str]:
    """Return as many cells as there are names; only empty ones may be in excess."""
    used = len(dialect.header.names)
    if len(cells) == used:
        return cells
    for column, cell in enumerate(cells[used:], start=used + 1):
        if cell.strip() and column <= dialect.header.width:
            raise _unnamed_value(row, column, cell)
        if cell.strip():
            raise _ragged(dialect, cells, row, line)
    if len(cells) < used and not dialect.short_rows:
        raise _ragged(dialect, cells, row, line)
    return [*cells[:used], *[""] * (used - len(cells))]


def _ragged(dialect: Dialect, cells: Sequence[str], row: int, line: int) -> TableError:
    used = len(dialect.header.names)
    if not dialect.comment and cells[0].startswith("#"):
        remedy = Message("If it is a comment, say ", Set("comment", "#"), ".")
    elif len(cells) < used:
        fill = Message(", or ", Set("ragged_rows", "fill"), " if cells at the end may be left out.")
        remedy = Message("Fix it, or say ", Set("delimiter"), " or ", Set("quote"), fill)
    else:
        remedy = Message("Fix it, or say ", Set("delimiter"), " or ", Set("quote"), ".")
    return TableError(
        f"row {row:,} (line {line:,}) has {len(cells)} cell{'s' * (len(cells) > 1)}, {used} are expected. ",
        remedy,
    )


def _unnamed_value(row: int, column: int, cell: str) -> TableError:
    problem = f"row {row:,} has {cell[:40]!r} in column {column}, which has no name and was empty above"
    names = Message(Set("header", True), " ", Set("column_names", like="NAME NAME …"))
    return TableError(problem, ". Name all columns in the header line, or with ", names)


def _batch(names: Sequence[str], rows: Sequence[Sequence[str]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], names=list(names))
