"""Reads tables from files, whole or in chunks, and lists what was repaired on the way.

A text file's cells stay text until the schema says what they are: a column then reads the same in every
chunk, and a value in row 50,000 cannot change what row 1 meant.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from models.errors import TableError
from models.values import is_decimal_comma, is_missing_text, parse_category, parse_number

CHUNK_ROWS: Final = 16_384
"""Rows that are held at once when a file is read in chunks."""

_SAMPLE_BYTES: Final = 1 << 18
_SAMPLE_LINES: Final = 200
_DELIMITERS: Final = (",", ";", "\t", "|")
_BOMS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the caller knows about a file; what is None is detected.

    Args:
        delimiter: The character between the cells of a text file.
        decimal: The decimal mark of a text file, ``.`` or ``,``.
        encoding: The character encoding of a text file.
        header: Names of the columns of a text file that has no header line, in order.
    """

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as they were read.

    Args:
        data: The cells; those of a text file are text.
        decimal: The decimal mark of numbers that are written as text.
        repairs: One line for each thing that was detected or repaired.
        header: The names that were given to a file without a header line.
    """

    data: pa.Table
    decimal: str = "."
    repairs: tuple[str, ...] = ()
    header: tuple[str, ...] | None = field(default=None)

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.data.column_names)

    def take(self, rows: Any) -> Table:
        """Return the table of the given rows (numbers or a mask, as a NumPy array)."""
        picked = self.data.filter(pa.array(rows)) if rows.dtype == bool else self.data.take(pa.array(rows))
        return Table(data=picked, decimal=self.decimal, header=self.header)


def table_of(data: object) -> Table:
    """Return the table of a data frame (pandas, polars, anything that exports Arrow) or an Arrow table.

    Raises:
        TableError: A column holds values of kinds that cannot stand together.
    """
    try:
        if isinstance(data, pa.Table):
            return Table(data=data)
        if hasattr(data, "to_numpy") and hasattr(data, "iloc"):
            return Table(data=pa.Table.from_pandas(data, preserve_index=False))
        return Table(data=pa.table(data))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        raise TableError(f"The data frame cannot be read as a table: {error}. Give each column one type.") from error


def read_table(paths: Sequence[str | Path], options: ReadOptions | None = None) -> Table:
    """Read files of equal columns as one table.

    Raises:
        TableError: A file is missing, damaged or of another shape than the first.
    """
    chunks: list[Table] = []
    for path in expand(paths):
        for chunk in iter_table(path, options, chunk_rows=1 << 20):
            if chunks and chunk.names != chunks[0].names:
                raise TableError(
                    f"{path}: has other columns than the first file ({differences(chunks[0].names, chunk.names)})."
                )
            chunks.append(chunk)
    try:
        data = pa.concat_tables([chunk.data for chunk in chunks], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"The files cannot be put together: {error}.") from error
    repairs = tuple(dict.fromkeys(line for chunk in chunks for line in chunk.repairs))
    return Table(data=data, decimal=chunks[0].decimal, repairs=repairs, header=chunks[0].header)


def iter_table(
    path: str | Path, options: ReadOptions | None = None, *, chunk_rows: int = CHUNK_ROWS
) -> Iterator[Table]:
    """Read a file in chunks of at most `chunk_rows` rows; an empty file gives one chunk without rows.

    Raises:
        TableError: The file is missing, damaged, or its form cannot be told.
    """
    path = Path(path)
    options = options or ReadOptions()
    try:
        yield from READERS[_format_of(path)](path, options, chunk_rows)
    except FileNotFoundError as error:
        raise TableError(f"{path}: there is no such file.") from error
    except (OSError, pa.ArrowException, UnicodeError, csv.Error, msgspec.MsgspecError, RecursionError) as error:
        if isinstance(error, UnicodeError) or "invalid UTF8" in str(error):
            raise TableError(
                f"{path}: the text is not in the expected encoding ({error}); say --encoding latin-1."
            ) from error
        raise TableError(f"{path}: cannot be read: {_first_line(error)}.") from error


def expand(paths: Sequence[str | Path]) -> list[Path]:
    """Return the files that the given paths and patterns (``*``, ``?``) name.

    Raises:
        TableError: A path or pattern names no file.
    """
    found: list[Path] = []
    for path in paths:
        if Path(path).exists():
            found.append(Path(path))
            continue
        matches = sorted(glob.glob(str(path)))
        if not matches:
            raise TableError(f"{path}: there is no such file.")
        found += [Path(match) for match in matches]
    return found


def _format_of(path: Path) -> str:
    """Tell a file's format by its first bytes, and by its name where these say nothing."""
    if path.is_dir():
        raise TableError(f"{path}: is a folder; name the files in it, for example '{path}/*.csv'.")
    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(4096)
    if start[:4] == b"PAR1":
        return "parquet"
    if start[:6] == b"ARROW1" or start[:4] == b"\xff\xff\xff\xff":
        return "arrow"
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if suffixes & {".jsonl", ".ndjson", ".json"} or start.lstrip()[:2] in (b'{"', b"[{"):
        return "json"
    if suffixes & {".parquet", ".feather", ".arrow"}:
        raise TableError(f"{path}: is not a {path.suffix[1:]} file: its first bytes are {start[:4]!r}.")
    return "csv"


# --- text -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialect:
    delimiter: str
    decimal: str
    encoding: str
    names: tuple[str, ...]
    header_rows: int
    repairs: tuple[str, ...]


def _read_csv(path: Path, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    dialect = _detect_dialect(path, options)
    read = pa.csv.ReadOptions(
        use_threads=False,  # else a complaint about a line does not know the line's number
        column_names=list(dialect.names),
        skip_rows_after_names=dialect.header_rows,
        encoding="utf-8" if dialect.encoding == "utf-8-sig" else dialect.encoding,
    )
    parse = pa.csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True)
    convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(dialect.names, pa.string()), strings_can_be_null=False)
    header = None if dialect.header_rows else dialect.names

    def table(data: pa.Table) -> Table:
        return Table(data=data, decimal=dialect.decimal, repairs=dialect.repairs, header=header)

    with pa.input_stream(str(path), compression="detect") as stream:
        try:
            batches = pa.csv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)
        except pa.ArrowInvalid as error:
            if "Empty CSV" not in str(error):
                raise
            yield table(pa.table({name: pa.array([], pa.string()) for name in dialect.names}))
            return
        yield from (table(data) for data in _regroup(batches, chunk_rows, batches.schema))


def _detect_dialect(path: Path, options: ReadOptions) -> _Dialect:
    with pa.input_stream(str(path), compression="detect") as stream:
        sample = stream.read(_SAMPLE_BYTES)
    if not sample.strip():
        raise TableError(f"{path}: the file is empty.")
    if options.delimiter and not (len(options.delimiter) == 1 and options.delimiter.isascii()):
        raise TableError(f"delimiter must be one ASCII character (or 'tab'), got {options.delimiter!r}.")
    if options.delimiter and options.delimiter in '\r\n"':
        raise TableError(f"delimiter must be no quote and no line end, got {options.delimiter!r}.")
    repairs: list[str] = []
    encoding = options.encoding or _detect_encoding(sample, repairs)
    try:
        text = sample.decode(encoding, errors="replace").removeprefix("\ufeff")
    except LookupError as error:
        raise TableError(f"{path}: there is no encoding {encoding!r}.") from error
    if not text.strip():
        raise TableError(f"{path}: the file is empty.")
    lines = text.splitlines(keepends=True)
    if len(sample) == _SAMPLE_BYTES and len(lines) > 1:
        lines.pop()  # cut off in the middle
    delimiter = options.delimiter or _detect_delimiter(path, lines[:_SAMPLE_LINES])
    rows = list(_cells_of(lines[:_SAMPLE_LINES], delimiter))
    blank = next(number for number, row in enumerate(rows) if row)
    rows = [row for row in rows if row]
    if delimiter != ",":
        repairs.append(f"cells are separated by {delimiter!r}")
    names, has_header = _detect_header(path, rows, options, repairs)
    body = rows[int(has_header) :]
    decimal = options.decimal or _detect_decimal(body, delimiter)
    if decimal == ",":
        repairs.append("decimal comma")
    return _Dialect(
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        names=names,
        header_rows=blank + 1 if has_header else 0,  # blank lines above it are none of the rows
        repairs=tuple(repairs),
    )


def _detect_encoding(sample: bytes, repairs: list[str]) -> str:
    for mark, encoding in _BOMS.items():
        if sample.startswith(mark):
            repairs.append(f"byte-order mark removed ({encoding.removesuffix('-sig')})")
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        repairs.append("not UTF-8: read as Latin-1 (say --encoding if it is another one)")
        return "latin-1"
    return "utf-8"


def _detect_delimiter(path: Path, lines: Sequence[str]) -> str:
    """Take the delimiter that gives most lines the same number of cells, and more than one."""

    def agreement(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in _cells_of(lines, delimiter) if row]
        usual = max(set(widths), key=widths.count)
        return (widths.count(usual) / len(widths) if usual > 1 else 0.0, usual)

    scores = {delimiter: agreement(delimiter) for delimiter in _DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    if scores[best][0] == 0.0:
        return ","  # one column
    rivals = [d for d in _DELIMITERS if d != best and scores[d] == scores[best]]
    if rivals:
        raise TableError(
            f"{path}: cells could be separated by {best!r} or {rivals[0]!r}; say which: --delimiter '{best}'."
        )
    return best


def _cells_of(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO("".join(lines), newline=None), delimiter=delimiter)


def _detect_header(
    path: Path, rows: Sequence[Sequence[str]], options: ReadOptions, repairs: list[str]
) -> tuple[tuple[str, ...], bool]:
    first = [cell.strip() for cell in rows[0]]
    if options.header is not None:
        if len(set(first) & set(options.header)) > len(first) / 2:  # names, maybe in another order: a header line
            return _names_of(first, repairs), True
        if len(options.header) == len(first):
            repairs.append(f"no header line: {len(first)} names were given")
            return options.header, False
        if not any(_is_number(cell) for cell in first):
            return _names_of(first, repairs), True
        raise TableError(
            f"{path}: has {len(first)} columns, {len(options.header)} names were given for them. Add the missing "
            f"names behind the others: --column-names {' '.join(_shown(options.header))} NAME …"
            if len(options.header) < len(first)
            else f"{path}: has {len(first)} columns and no header line, but {len(options.header)} names were given for "
            "them. Give one name for each column: --column-names NAME NAME …"
        )
    numbers = [cell for cell in first if _is_number(cell)]
    if numbers:
        raise TableError(
            f"{path}: has no header line: its first line holds numbers ({', '.join(numbers[:3])}). Name its "
            f"{len(first)} columns: --column-names NAME NAME … or --column-names FILE with one name a line."
        )
    return _names_of(first, repairs), True


def _names_of(cells: Sequence[str], repairs: list[str]) -> tuple[str, ...]:
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = cell or f"column_{number}"
        if not cell:
            repairs.append(f"column {number} has no name: called {name!r}")
        if name in names:
            copy = next(f"{name}_{k}" for k in range(2, len(cells) + 2) if f"{name}_{k}" not in names)
            repairs.append(f"column {number} is called {name!r} like another: called {copy!r}")
            name = copy
        names.append(name)
    return tuple(names)


def _detect_decimal(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    cells = [cell for row in rows for cell in row]
    commas = sum(map(is_decimal_comma, cells))
    points = sum("." in cell and _is_number(cell) for cell in cells)
    return "," if commas > points else "."


def _is_number(text: str) -> bool:
    try:
        return not is_missing_text(text) and parse_number(text, decimal=",") is not None
    except ValueError:
        return False


# --- JSON, Parquet, Arrow -------------------------------------------------------------------------------


def _read_json(path: Path, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read JSON lines, or one JSON list of objects."""
    names: dict[str, int] = {}  # name -> records that have it
    count = 0
    for record in _json_records(path):
        count += 1
        for name in record:
            names[name] = names.get(name, 0) + 1
    if not count:
        raise TableError(f"{path}: the file holds no record.")
    repairs = tuple(
        f"{name!r} is absent from {count - present:,} of {count:,} records: read as missing"
        for name, present in names.items()
        if present < count
    )
    records = _json_records(path)
    while piece := list(itertools.islice(records, chunk_rows)):
        columns = {name: _arrow_array([record.get(name) for record in piece]) for name in names}
        yield Table(data=pa.table(columns), repairs=repairs)


def _json_records(path: Path) -> Iterator[dict[str, Any]]:
    with pa.input_stream(str(path), compression="detect") as stream, io.BufferedReader(stream) as lines:
        if lines.peek(1).lstrip(codecs.BOM_UTF8 + b" \t\r\n")[:1] == b"[":
            pieces: Iterable[tuple[int, Any]] = enumerate(
                msgspec.json.decode(lines.read().removeprefix(codecs.BOM_UTF8))
            )
            place = "record"
        else:
            pieces = _decoded_lines(path, lines)
            place = "line"
        for number, record in pieces:
            if not isinstance(record, dict):
                raise TableError(f"{path}: {place} {number} is not an object with named fields but {record!r:.40}.")
            yield record


def _decoded_lines(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if content.strip():
            try:
                yield number, msgspec.json.decode(content)
            except msgspec.DecodeError as error:
                raise TableError(f"{path}: line {number} is not JSON: {error}.") from error


def _arrow_array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else _text_of(value) for value in values], pa.string())


def _text_of(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return msgspec.json.encode(value).decode()
    return parse_category(value) or ""  # 3.0 among texts is the category that it is in a record


def _read_parquet(path: Path, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    with pa.parquet.ParquetFile(path) as file:
        batches = file.iter_batches(batch_size=chunk_rows)
        yield from (Table(data=data) for data in _regroup(batches, chunk_rows, file.schema_arrow))


def _read_arrow(path: Path, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    with pa.memory_map(str(path)) as source:
        start = source.read(6)
        source.seek(0)
        if start == b"ARROW1":
            file = pa.ipc.open_file(source)
            batches: Iterable[pa.RecordBatch] = (file.get_batch(i) for i in range(file.num_record_batches))
        else:
            batches = file = pa.ipc.open_stream(source)
        yield from (Table(data=data) for data in _regroup(batches, chunk_rows, file.schema))


READERS: Final[dict[str, Callable[[Path, ReadOptions, int], Iterator[Table]]]] = {
    "csv": _read_csv,
    "json": _read_json,
    "parquet": _read_parquet,
    "arrow": _read_arrow,
}
"""A reader for each format; it yields the file's rows in order, in chunks of at most the given size."""


def _regroup(batches: Iterable[pa.RecordBatch], chunk_rows: int, schema: pa.Schema) -> Iterator[pa.Table]:
    """Put record batches of any size together to tables of `chunk_rows` rows, at least one."""
    held: list[pa.RecordBatch] = []
    rows = 0
    any_yet = False
    for batch in batches:
        rest = batch
        while rows + rest.num_rows >= chunk_rows:
            cut = chunk_rows - rows
            yield pa.Table.from_batches([*held, rest.slice(0, cut)], schema)
            any_yet = True
            held, rows, rest = [], 0, rest.slice(cut)
        held.append(rest)
        rows += rest.num_rows
    if rows or not any_yet:
        yield pa.Table.from_batches(held, schema)


def differences(expected: Iterable[str], got: Iterable[str]) -> str:
    """Say in one phrase which of the expected names are missing and which came instead."""
    expected, got = list(expected), list(got)
    missing = [name for name in expected if name not in got]
    extra = [name for name in got if name not in expected]
    parts = []
    if missing:
        parts.append(f"missing: {', '.join(map(repr, missing))}")
    if extra:
        parts.append(f"not known: {', '.join(map(repr, extra))}")
    return "; ".join(parts) or "the columns stand in another order"


def _shown(names: Sequence[str]) -> list[str]:
    return list(names[:2]) + (["…"] if len(names) > 2 else [])


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
