"""CSV, Arrow and Parquet bodies; imported for the first such request, because Arrow takes 30 MB.

What came is bounded before it is unfolded: a body that is small on the wire can be gigabytes of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet

from models.columns.from_records import Columns
from models.columns.from_tables import columns_of_table, problems_of_table, require_columns
from models.errors import RecordError, TableError
from models.schema import FeatureSchema
from models.tables.files import iter_table
from models.tables.plain_columns import plain_columns
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.table import Table
from service.formats.bounds import is_text, require_magic, require_plain, require_small_texts
from service.formats.pieces import PIECE_ROWS
from service.settings import Settings
from service.streaming.arrow_messages import require_small_messages
from service.web.body import Body, too_large
from service.web.problems import RequestError, too_many_rows

_NAME: Final = "request body"
_SHOWN_NAMES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """Rows that Arrow read.

    Args:
        tables: At most `PIECE_ROWS` rows each, of equal columns.
        first: Number of the first of them in the request.
        notes: One line for each thing that was detected, repaired or is ignored.
    """

    tables: Sequence[Table]
    first: int = 0
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return sum(map(len, self.tables))

    def pieces(self) -> Iterator[TableRows]:
        """Return a table at a time, in order."""
        first = self.first
        for table in self.tables:
            yield TableRows(tables=[table], first=first)
            first += len(table)

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the values by column, of rows that are one piece.

        Raises:
            TableError: A value is not of the column's kind.
        """
        [table] = self.tables
        return columns_of_table(schema, table, first_row=self.first)

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return the id columns that came, as plain values by row."""
        cells = {name: _plain(column) for name, column in self.id_columns(schema).items()}
        return [{name: cells[name][row] for name in cells} for row in range(len(self))]

    def id_columns(self, schema: FeatureSchema) -> Mapping[str, pa.ChunkedArray]:
        """Return the id columns that came."""
        if not schema.ids:
            return {}
        data = pa.concat_tables([table.data for table in self.tables], promote_options="permissive")
        return {name: data.column(name) for name in schema.ids if name in data.column_names}

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Return every cell that `columns` would refuse."""
        first = self.first
        for table in self.tables:
            yield from problems_of_table(schema, table, first_record=first)
            first += len(table)


def read_rows(
    body: Body, content: bytes, settings: Settings, schema: FeatureSchema, *, reading: Mapping[str, Any]
) -> TableRows:
    """Read the rows of a body; of its columns only those that the detector knows.

    Args:
        body: What came.
        content: Its bytes, unpacked.
        settings: How much may come.
        schema: The columns that are wanted.
        reading: How CSV is written, fields of `ReadOptions`; what is left out is detected.

    Raises:
        RequestError: The body cannot be read, holds too much, or no rows.
        TableError: A column is missing or of a type that is not read.
    """
    options = ReadOptions(**{"encoding": body.head.charset, "header": schema.header, **reading})
    tables = read_tables(body.head.medium, content, options, settings, schema)
    if not tables:
        raise TableError("The body holds no rows. Send at least one.")
    return TableRows(tables=tables, notes=tables[0].repairs)


def read_tables(
    medium: str, content: bytes, options: ReadOptions, settings: Settings, schema: FeatureSchema
) -> list[Table]:
    """Read the rows of a table, of its columns only those that the detector knows.

    Args:
        medium: The form, one that Arrow reads.
        content: The table.
        options: How CSV is written.
        settings: How much may come.
        schema: The columns that are wanted.

    Returns:
        Tables of at most `PIECE_ROWS` rows, all but the last full; none where there is no row.

    Raises:
        RequestError: It cannot be read, or holds too much.
        TableError: A column is missing or of a type that is not read.
    """
    tables: list[Table] = []
    rows = 0
    try:
        require_magic(medium, content)
        for number, table in enumerate(_READERS[medium](content, options, settings, schema)):
            rows += len(table)
            if rows > settings.max_rows:
                raise too_many_rows(rows, settings.max_rows)
            if number == 0:
                _require_shape(schema, table)
            if len(table):
                tables.append(table)
    except UnicodeDecodeError as error:
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"The body cannot be read as {medium.replace('_', ' ')}: a text or a name in it is not UTF-8. Send it "
            "anew, whole.",
        ) from error
    except (pa.ArrowException, OSError, EOFError) as error:
        if isinstance(error, MemoryError):
            raise too_large(settings) from error
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"The body cannot be read as {medium.replace('_', ' ')}: {first_line}. Send it anew, whole.",
        ) from error
    return tables


def _read_csv(content: bytes, options: ReadOptions, settings: Settings, schema: FeatureSchema) -> Iterator[Table]:
    source = Source(name=_NAME, content=content, max_bytes=settings.max_body_bytes)
    if packed := source.compression():
        raise RequestError(
            HTTPStatus.BAD_REQUEST, f"The body is {packed}, not CSV. Say so: Content-Encoding: {packed}."
        )
    for table in iter_table(source, options, format="csv", chunk_rows=PIECE_ROWS):
        ignored = [name for name in table.names if name not in schema.known]
        yield Table(
            data=table.data,
            decimal=table.decimal,
            thousands=table.thousands,
            repairs=(*table.repairs, *_ignored(ignored)),
            header=table.header,
        )


def _read_parquet(content: bytes, options: ReadOptions, settings: Settings, schema: FeatureSchema) -> Iterator[Table]:
    with pa.parquet.ParquetFile(pa.BufferReader(content)) as file:
        if file.metadata.num_rows > settings.max_rows:
            raise too_many_rows(file.metadata.num_rows, settings.max_rows)
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > settings.max_body_bytes:
            raise too_large(settings)
        texts, metadata = [field.name for field in file.schema_arrow if is_text(field.type)], file.metadata
    # A text that comes often is kept once, as it is in the file.
    with pa.parquet.ParquetFile(pa.BufferReader(content), metadata=metadata, read_dictionary=texts) as file:
        kinds = file.schema_arrow
        batches = file.iter_batches(batch_size=PIECE_ROWS, columns=_wanted(kinds, schema))
        yield from _tables(_validated(batches), kinds, settings, schema)


def _read_arrow(content: bytes, options: ReadOptions, settings: Settings, schema: FeatureSchema) -> Iterator[Table]:
    require_small_messages(content, settings)
    with pa.ipc.open_stream(pa.BufferReader(content)) as stream:
        yield from _tables(_validated(stream), stream.schema, settings, schema)


def _read_arrow_file(
    content: bytes, options: ReadOptions, settings: Settings, schema: FeatureSchema
) -> Iterator[Table]:
    # Behind its magic number, which is padded to 8 bytes, a file is a stream. Its index is left alone: it could name
    # other places than those that were checked.
    yield from _read_arrow(content[8:], options, settings, schema)


_READERS: Final[dict[str, Callable[[bytes, ReadOptions, Settings, FeatureSchema], Iterator[Table]]]] = {
    "csv": _read_csv,
    "arrow": _read_arrow,
    "arrow_file": _read_arrow_file,
    "parquet": _read_parquet,
}
"""A reader for each form that Arrow reads; at most `PIECE_ROWS` rows each, all but the last full."""


def _validated(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        batch.validate(full=True)  # Arrow trusts what it reads: a wrong offset would end the process
        yield batch


def _tables(
    batches: Iterator[pa.RecordBatch], kinds: pa.Schema, settings: Settings, schema: FeatureSchema
) -> Iterator[Table]:
    """Keep the columns that are known, check their types, and cut the rows into full pieces."""
    wanted = _wanted(kinds, schema)
    places = [place for place, name in enumerate(kinds.names) if name in wanted]
    for place in places:
        require_plain(kinds.field(place).name, kinds.field(place).type)
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        rows += len(batch)
        if rows > settings.max_rows:
            raise too_many_rows(rows, settings.max_rows)
        held.append(batch.select([place for place, name in enumerate(batch.schema.names) if name in wanted]))
    if not rows or not places:
        yield Table(data=pa.schema([kinds.field(place) for place in places]).empty_table())
        return
    data = pa.Table.from_batches(held)
    while any(pa.types.is_struct(kind) for kind in data.schema.types):
        data = data.flatten()
    require_small_texts(data, settings)
    data = plain_columns(_NAME, data)
    notes = _ignored([name for name in kinds.names if name not in {*wanted, *schema.known}])
    for start in range(0, len(data), PIECE_ROWS):
        yield Table(data=data.slice(start, PIECE_ROWS), repairs=notes)


def _wanted(kinds: pa.Schema, schema: FeatureSchema) -> list[str]:
    """Return the columns that features and ids are in: by name, or by the start of a dotted one."""
    names = {*(column.name for column in schema.read), *schema.ids}
    return [name for name in dict.fromkeys(kinds.names) if name in names or _holds(name, kinds, names)]


def _holds(name: str, kinds: pa.Schema, names: Set[str]) -> bool:
    is_struct = any(pa.types.is_struct(field.type) for field in kinds if field.name == name)
    return is_struct and any(other.startswith(f"{name}.") for other in names)


def _require_shape(schema: FeatureSchema, table: Table) -> None:
    names = frozenset(table.names)
    missing = [column.name for column in schema.read if column.name not in names]
    if missing:
        absent = [RecordError("is absent.", record=None, field=name, remedy="Send the column.") for name in missing]
        raise RequestError.of_problems(absent)
    require_columns(schema, table.names)


def _ignored(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    more = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    return (f"ignored: {', '.join(map(repr, names[:_SHOWN_NAMES]))}{more}, which the detector does not know",)


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Return cells as JSON has them; instants and exact decimals as text."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    as_text = pa.types.is_temporal(kind) or pa.types.is_decimal(kind)
    cells: list[Any] = column.cast(pa.string()).to_pylist() if as_text else column.to_pylist()
    return cells
