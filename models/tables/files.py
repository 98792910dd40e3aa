"""Reads files and request bodies as tables, whole or in chunks, and detects their format; all errors become ours."""

from __future__ import annotations

import csv
import glob
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.errors import Set, TableError, TooLargeError, UnreadableError, mistyped
from models.messages import plural
from models.schema.nesting import outer_names
from models.tables.formats import FORMATS
from models.tables.json_lines import with_all_fields
from models.tables.read_options import CHUNK_ROWS, ReadOptions
from models.tables.skipping import RowSkipper
from models.tables.source import Source
from models.tables.standard_streams import is_standard
from models.tables.table import Table, numbers_of
from models.tables.text.wide import wide_encoding

__all__ = ["iter_table", "read_table"]

_ERRORS_OF_READERS: Final = (
    *(OSError, EOFError, UnicodeError, RecursionError),
    *(csv.Error, msgspec.MsgspecError, pa.ArrowException),
)
_STARTS: Final = {start: name for name, row in FORMATS.items() for start in row.starts}
_SUFFIXES: Final = {
    suffix: name
    for name, row in FORMATS.items()
    for suffix in (*row.suffixes, *row.read_suffixes)
    if name != "csv"  # which any other file is taken for
}
_FOREIGN: Final = {
    b"PARE": "an encrypted Parquet file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF document",
    b"{\\rtf": "a rich text document",
    b"7z\xbc\xaf": "a 7z archive",
    b"version https://git-lfs": "a pointer of Git LFS in the place of the file",
}
_JSON: Final = re.compile(rb'(\xef\xbb\xbf)?\s*(\{\s*"|\[\s*\{)')
_WEB_PAGE: Final = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", re.IGNORECASE)
_START_BYTES: Final = 4096
_LISTED: Final = 20
_WHOLE: Final = 1 << 20  # rows of a chunk where all of them are held anyway


def read_table(
    sources: Sequence[Source | str | Path], options: ReadOptions | None = None, *, format: str | None = None
) -> Table:
    """Read sources that have the same columns as one table; a field that all records of a file lack is missing there.

    Args:
        sources: Paths, patterns, or bytes in memory.
        options: How text is written, as far as it is known.
        format: A key of `FORMATS`; None to detect it by first bytes and name.

    Raises:
        TableError: A file is missing or damaged, or has other columns than the first.
    """
    chunks: list[Table] = []
    files: dict[str, int] = {}
    names: list[str] = []  # of the file of each chunk
    paths: list[str | Path] = [source for source in sources if not isinstance(source, Source)]
    for source in (*(Source.of(path) for path in expand(paths)), *(s for s in sources if isinstance(s, Source))):
        for chunk in iter_table(source, options, format=format, chunk_rows=_WHOLE):
            chunks.append(_ordered_like(chunks[0], chunk, source) if chunks else chunk)
            files[source.name] = files.get(source.name, 0) + len(chunk)
            names.append(source.name)
    if chunks[0].of_records:
        chunks = with_all_fields(chunks, names)
    try:
        data = pa.concat_tables([chunk.data for chunk in chunks], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(_unlike_types(chunks, error)) from error
    decimals = sorted({chunk.decimal for chunk in chunks if chunk.decimal is not None})  # a comma comes before a point
    separators = {chunk.thousands for chunk in chunks if chunk.thousands is not None}
    thousands = sorted(separators - {""})
    if len(thousands) > 1 or set(decimals[:1]) & set(thousands):
        problem = "The files write numbers in different ways, such as 1,234.5 and 1.234,5. Read them apart, or say "
        raise TableError(problem, Set("decimal"), " and ", Set("thousands"), ".")
    repairs = list(dict.fromkeys(line for chunk in chunks for line in chunk.repairs))
    if empty := _empty_rows(data):
        repairs.append(
            plural("{count:,} row holds no value at all", "{count:,} rows hold no value at all", count=empty)
        )
    return Table(
        data=data,
        decimal=decimals[0] if decimals else None,
        thousands=thousands[0] if thousands else "" if separators else None,
        said=(options.decimal, options.thousands) if options else (None, None),
        repairs=tuple(repairs),
        header=chunks[0].header,
        absent=frozenset[str]().union(*(chunk.absent for chunk in chunks)),
        percent=chunks[0].percent.intersection(*(chunk.percent for chunk in chunks)),
        files=tuple(files.items()),
        skipped=chunks[0].skipped,
        numbers=numbers_of(chunks),
    )


def iter_table(
    source: Source | str | Path,
    options: ReadOptions | None = None,
    *,
    format: str | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[Table]:
    """Read a source in chunks of at most `chunk_rows` rows; one without rows gives one chunk without rows.

    Args:
        source: A path, or bytes in memory.
        options: How text is written, as far as it is known.
        format: A key of `FORMATS`; None to detect it by first bytes and name.
        chunk_rows: Most rows of a chunk.

    Raises:
        TableError: The file is missing, or its format cannot be detected.
        UnreadableError: It is damaged, or not of the format.
        TooLargeError: It holds more than the source allows.
    """
    source = Source.of(source)
    options = options or ReadOptions()
    rows = 0
    skipper = RowSkipper(options)
    try:
        for table in FORMATS[format or _format_of(source)].read(source, options, chunk_rows):
            rows += len(table)
            source.require_rows(rows)
            source.require_columns(len(table.names))
            yield _as_said(skipper.kept(table), options)
    except TableError as error:
        if isinstance(error, (TooLargeError, UnreadableError)):
            raise
        raise TableError(f"{source.name}: ", error) from error
    except _ERRORS_OF_READERS as error:
        if isinstance(error, MemoryError) and source.max_bytes is not None:
            raise TooLargeError(f"{source.name}: does not fit into memory. Send it in pieces.") from error
        raise UnreadableError(source.name, f"cannot be read: {_first_line(error)}") from error


def _as_said(table: Table, options: ReadOptions) -> Table:
    """Return a table whose texts are numbers as the options say, where its format does not tell it."""
    if table.decimal is not None:
        return table
    return replace(table, decimal=options.decimal, thousands=options.thousands)


def expand(paths: Sequence[str | Path]) -> list[Path]:
    """Return the files that paths and patterns (``*``, ``?``) name; a `TableError` for none, or one named twice.

    `-`, standard input, stays as it is.
    """
    found: list[Path] = []
    for path in paths:
        is_there = is_standard(path) or Path(path).exists()
        matches = [str(path)] if is_there else sorted(glob.glob(str(path), recursive=True))
        if not matches:
            raise TableError(f"{path}: there is no such file.")
        found += [Path(match) for match in matches]
    if len(set(found)) < len(found):
        repeated = Counter(found).most_common(1)[0][0]
        raise TableError(f"{repeated}: is named twice, so its rows would count twice. Name it once.")
    return found


def differences(expected: Iterable[str], got: Iterable[str]) -> str:
    """Return in one phrase which of the expected names are missing and which came instead."""
    expected, got = dict.fromkeys(expected), dict.fromkeys(got)
    missing = [name for name in expected if name not in got]
    extra = [name for name in got if name not in expected]
    parts = []
    if missing:
        parts.append(f"missing: {_listed(missing)}")
    if extra:
        parts.append(f"not known: {_listed(extra)}")
    return "; ".join(parts) or "the columns stand in another order"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(f"{name!r:.60}" for name in names[:_LISTED]) + more


def _format_of(source: Source) -> str:
    """Return a source's format, a key of `FORMATS`: by its first bytes, or its name where these say nothing."""
    if source.path is not None and source.path.is_dir():
        raise TableError(f"is a folder; name the files in it, for example '{source.name}/*.csv'.")
    with source.open_stream() as stream:
        start = stream.read(_START_BYTES)
    detected = next((name for magic, name in _STARTS.items() if start.startswith(magic)), None)
    if detected is not None:
        return detected
    foreign = next((words for magic, words in _FOREIGN.items() if start.startswith(magic)), None)
    if _WEB_PAGE.match(start):
        foreign = "a web page or XML"
    if foreign is not None:
        raise TableError(f"is {foreign}, which is not read. Save the table as CSV or Parquet.")
    if start.startswith(b"PK\x03\x04"):
        if any(word in start for word in (b"[Content_Types]", b"_rels/", b"xl/", b"opendocument.spreadsheet")):
            return "excel"
        raise TableError("is a zip archive. Unpack it and name the file in it.")
    named = next((_SUFFIXES[suffix] for suffix in source.suffixes if suffix in _SUFFIXES), None)
    if encoding := wide_encoding(start):
        start = start.decode(encoding, errors="ignore").encode(errors="ignore")
    if named == "jsonl" or _JSON.match(start):
        return "jsonl"
    if named is not None:
        suffix = Path(source.name).suffix[1:]
        raise TableError(f"is not a {suffix} file: its first bytes are {start[:4]!r}.")
    return "csv"


def _ordered_like(first: Table, chunk: Table, source: Source) -> Table:
    """Return a chunk with its columns in the first file's order; files of records may each have some fields alone."""
    if chunk.names == first.names:
        return chunk
    if sorted(chunk.names) != sorted(first.names) or len(set(first.names)) < len(first.names):
        found = differences(first.names, chunk.names)
        here, there = dict.fromkeys(chunk.names), dict.fromkeys(first.names)
        objects = outer_names((*here, *there))  # one that is null in a whole file looks like a field
        lacking = [name for name in there if name not in here and name not in objects]
        meant = mistyped(lacking, (name for name in here if name not in there and name not in objects))
        if first.of_records and chunk.of_records and here.keys() & there.keys() and not meant:
            return chunk
        raise TableError(f"{source.name}: has other columns than the first file ({found}).{meant}")
    return replace(chunk, data=chunk.data.select(first.names))


def _empty_rows(data: pa.Table) -> int:
    """Return the number of rows whose cells are all empty. They stay, so that every row keeps its number."""
    empty = pa.chunked_array([np.full(len(data), True)])
    for column in data.columns:
        blank = pc.is_null(column)
        if pa.types.is_string(column.type):
            blank = pc.or_(blank, pc.equal(pc.fill_null(pc.utf8_trim_whitespace(column), ""), ""))
        empty = pc.and_(empty, blank)
        if not pc.any(empty).as_py():
            return 0
    return int(pc.sum(empty).as_py() or 0)


def _unlike_types(chunks: Sequence[Table], error: Exception) -> str:
    for name in chunks[0].names:
        kinds = list(dict.fromkeys(chunk.data.schema.field(name).type for chunk in chunks))
        try:
            pa.unify_schemas([pa.schema([(name, kind)]) for kind in kinds], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return (
                f"The files cannot be put together: column {name!r} holds {' in one file, '.join(map(str, kinds))} in "
                "another. Give it one type."
            )
    return f"The files cannot be put together: {error}."


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
