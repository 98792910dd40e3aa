"""Reads JSON lines, or one JSON list of objects; nested objects become columns with dotted names."""

from __future__ import annotations

import codecs
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from models.errors import TableError
from models.messages import phrase
from models.schema.cells import parse_category
from models.schema.nesting import flatten, inside, outer_names, without_objects
from models.strict_json import repeated_keys
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table
from models.tables.text.wide import wide_encoding

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_SPACE: Final = codecs.BOM_UTF8 + b" \t\r\n"
_START_BYTES: Final = 4096
_MOST_BYTES: Final = 4  # of a character in UTF-8
_SHOWN_FIELDS: Final = 20
_TYPES: Final[Mapping[type | None, pa.DataType]] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
}
_MOST_CELLS: Final = 20_000_000  # held at once, where hardly one of them has a value
_MOST_ABSENT: Final = 100  # cells for each value in a record


def read_json(source: Source, options: ReadOptions, chunk_rows: int) -> Iterator[Table]:
    """Read JSON lines, or one list of objects, in chunks; a field that some records lack is missing there."""
    first: list[dict[str, Any]] = []
    present: dict[str, int] = {}  # name -> records that have it
    nulls: dict[str, int] = {}  # name -> records in which it is null
    kinds: dict[str, type] = {}  # name -> type of its values in all records; `object` where these differ
    count = filled = 0
    for record in _records(source):
        count += 1
        filled += len(record)
        if count <= chunk_rows:
            first.append(record)
        for name, value in record.items():
            present[name] = present.get(name, 0) + 1
            if value is None:
                nulls[name] = nulls.get(name, 0) + 1
            elif (kind := type(value)) is not (before := kinds.get(name, kind)):
                kinds[name] = float if {kind, before} == {int, float} else object
            else:
                kinds[name] = kind
        source.require_columns(len(present))
        if len(present) * len(first) > _MOST_CELLS and len(present) * count > _MOST_ABSENT * filled:
            raise TableError(
                f"the first {count:,} records have {len(present):,} fields in all, each record few of them: do values "
                "stand in the place of names? Give each record the same fields."
            )
    if not count:
        raise TableError("the file holds no record.")
    if count == 1:
        _refuse_records_inside(first[0])
    objects = {name for name in outer_names(tuple(present)) if present.get(name, 0) == nulls.get(name, 0) > 0}
    names = without_objects(present, objects) if objects else list(present)
    lacking = {name: count - present[name] - _in_null(name, objects, nulls) for name in names}
    lacking = {name: records for name, records in lacking.items() if records}
    repairs = (*_encoding_of(source), *_absences(lacking, count))
    records = iter(first) if count == len(first) else _records(source)
    while chunk := list(itertools.islice(records, chunk_rows)):
        columns = {name: _arrow_array([record.get(name) for record in chunk], kinds.get(name)) for name in names}
        yield Table(data=pa.table(columns), repairs=repairs, absent=frozenset(lacking), of_records=True)


def _in_null(name: str, objects: Set[str], nulls: Mapping[str, int]) -> int:
    """Return how many records have null in the place of an object that a field lies in."""
    return sum(nulls[outer] for outer in outer_names((name,)) & objects) if objects else 0


def with_all_fields(chunks: Sequence[Table], files: Sequence[str]) -> list[Table]:
    """Return chunks of records of several files, each with the fields of all.

    A field that all records of a file lack is missing there, and that is said; in an object that is null it is null.

    Args:
        chunks: At least one.
        files: The name of the file of each.
    """
    every = tuple(dict.fromkeys(name for chunk in chunks for name in chunk.names))
    fields = [field for chunk in chunks for field in chunk.data.schema]
    filled = {field.name for field in fields if not pa.types.is_null(field.type)}
    objects = (outer_names(every) & {*every}) - filled
    names = without_objects(every, objects) if objects else list(every)
    return [_with_fields(chunk, names, objects, file) for chunk, file in zip(chunks, files, strict=True)]


def _with_fields(chunk: Table, names: Sequence[str], objects: Set[str], file: str) -> Table:
    has = {*chunk.names, *inside(names, objects & {*chunk.names})}
    lacking = [name for name in names if name not in has]
    listed = ", ".join(map(repr, lacking[:_SHOWN_FIELDS])) + (", …" if len(lacking) > _SHOWN_FIELDS else "")
    lines = [phrase("{file} has no {columns}: read as missing", file=file, columns=listed)] if lacking else []
    columns = {n: chunk.data.column(n) if n in chunk.names else pa.nulls(len(chunk)) for n in names}
    absent = chunk.absent.union(lacking)
    return replace(chunk, data=pa.table(columns), absent=absent, repairs=(*chunk.repairs, *lines))


def _records(source: Source) -> Iterator[dict[str, Any]]:
    with source.open_stream() as stream, _utf8(stream) as lines:
        if lines.peek(1).lstrip(_SPACE)[:1] == b"[":
            place, decoded = "record", _decoded_list(lines.read().removeprefix(codecs.BOM_UTF8))
        else:
            place, decoded = "line", _decoded_lines(source, lines)
        for number, record in decoded:
            if not isinstance(record, dict):
                raise TableError(f"{place} {number} is not an object with named fields but {record!r:.40}.")
            try:
                yield flatten(record)
            except ValueError as error:
                raise TableError(
                    f"{place} {number} has two fields {str(error)!r}, one of them inside another. Rename one."
                ) from error


def _utf8(stream: Any) -> io.BufferedReader:
    """Return a stream's bytes as UTF-8; JSON in UTF-16 is what PowerShell writes."""
    stored = io.BufferedReader(stream)
    encoding = wide_encoding(stored.peek(_START_BYTES)[:_START_BYTES])
    return stored if encoding is None else io.BufferedReader(_Recoded(stored, encoding))


class _Recoded(io.RawIOBase):
    """A text of another encoding, as UTF-8."""

    def __init__(self, stored: io.BufferedReader, encoding: str) -> None:
        self._text = io.TextIOWrapper(stored, encoding=encoding, newline="")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        content = self._text.read(max(1, len(view) // _MOST_BYTES)).encode()
        view[: len(content)] = content
        return len(content)


def _encoding_of(source: Source) -> tuple[str, ...]:
    with source.open_stream() as stream:
        encoding = wide_encoding(stream.read(_START_BYTES))
    return () if encoding is None else (phrase("read as {encoding}", encoding=encoding),)


def _decoded_list(content: bytes) -> Iterator[tuple[int, Any]]:
    try:
        records = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise TableError(f"is not JSON: {error}.") from error
    _refuse_repeated_key(content, records, "it")
    yield from enumerate(records)


def _decoded_lines(source: Source, lines: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if content.strip():
            try:
                record = msgspec.json.decode(content)
            except msgspec.DecodeError as error:
                if number == 1:
                    _refuse_one_object(source)
                raise TableError(f"line {number} is not JSON: {error}.") from error
            _refuse_repeated_key(content, record, f"line {number}")
            yield number, record


def _refuse_one_object(source: Source) -> None:
    """Refuse a file that is one object over several lines, and say what to do with it."""
    with source.open_stream() as stream, _utf8(stream) as content:
        try:
            whole = msgspec.json.decode(content.read().removeprefix(codecs.BOM_UTF8))
        except msgspec.DecodeError:
            return
    if isinstance(whole, dict):
        _refuse_records_inside(whole)
        raise TableError("is one object over several lines; a table is a list of objects, or one object a line.")


def _refuse_records_inside(record: Mapping[str, Any]) -> None:
    for name, value in record.items():
        if isinstance(value, list) and value and all(isinstance(item, (dict, list)) for item in value):
            if isinstance(value[0], list) and not {"columns", "rows", "data"} & record.keys():
                continue  # a matrix among other fields
            raise TableError(
                f"is one object, whose field {name!r} holds {len(value):,} rows. Save these alone, one "
                f"object a line, for example with: jq -c '.{name}[]'."
            )


def _refuse_repeated_key(content: bytes, value: Any, where: str) -> None:
    if repeated := repeated_keys(content, value):
        key = repeated[0][1]
        raise TableError(f"{where} has the key {key!r} twice in one object. Keep one.")


def _absences(lacking: Mapping[str, int], count: int) -> tuple[str, ...]:
    lines = [
        phrase(
            "{name!r} is absent from {absent:,} of {records:,} records: read as missing",
            name=name,
            absent=absent,
            records=count,
        )
        for name, absent in itertools.islice(lacking.items(), _SHOWN_FIELDS)
    ]
    if len(lacking) > _SHOWN_FIELDS:
        more = len(lacking) - _SHOWN_FIELDS
        lines.append(phrase("{more:,} more fields are absent from some records: read as missing", more=more))
    return tuple(lines)


def _arrow_array(values: list[Any], kind: type | None) -> pa.Array:
    """Return one column of a chunk, in the type of all records where it is known (numbers, truth values, texts).

    Values of several types become texts, and if some are lists, all become lists.
    """
    try:
        return _widened(pa.array(values), kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    if any(isinstance(value, list) for value in values):
        texts = [None if value is None else [msgspec.json.encode(value).decode()] for value in values]
        return pa.array(texts, pa.list_(pa.string()))
    cells = [value if isinstance(value, str | None) else parse_category(value) or "" for value in values]
    return pa.array(cells, pa.string())


def _widened(column: pa.Array, kind: type | None) -> pa.Array:
    """Return a column in the type of all records, where this one holds nothing, or whole numbers alone."""
    if kind in _TYPES and (pa.types.is_null(column.type) or (kind is float and pa.types.is_integer(column.type))):
        with suppress(pa.ArrowInvalid):  # a whole number that no float is
            return column.cast(_TYPES[kind])
    return column
