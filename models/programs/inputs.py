"""The input files of a program that works in chunks: checked before the first row is used, then read in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from models.columns.from_tables import plain_numbers, require_columns, with_null_objects
from models.errors import ConfigError, Set, TableError, absent_columns, mistyped, quoted
from models.messages import phrase
from models.schema import FeatureSchema
from models.tables.files import expand, iter_table
from models.tables.read_options import ReadOptions, options_as_learned
from models.tables.standard_streams import STANDARD_INPUT, is_standard
from models.tables.table import Table
from models.unfinished import real_path

ALL: Final = "all"
"""Stands for all columns of the files."""

_SHOWN_NAMES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Input files whose columns are those of a detector.

    Args:
        options: How text files are written.
        ids: Name of each id column, and its type where it is written.
        kept: The same of other columns that are written, too.
        notes: One line for each thing that was repaired or is ignored.
    """

    paths: tuple[Path, ...]
    options: ReadOptions
    ids: Mapping[str, pa.DataType]
    kept: Mapping[str, pa.DataType] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def chunks(self, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield all rows in order, at most `chunk_rows` of them in a chunk."""
        for path in self.paths:
            row = 0
            for table in iter_table(path, self.options, chunk_rows=chunk_rows):
                yield Chunk(path=path, first_row=row, table=table, ids=self.ids, kept=self.kept)
                row += len(table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A chunk of rows of a file, from the one with the index `first_row` on."""

    path: Path
    first_row: int
    table: Table
    ids: Mapping[str, pa.DataType]
    kept: Mapping[str, pa.DataType] = field(default_factory=dict)

    def id_columns(self) -> pa.Table:
        """Return the id columns with the types that they were read with."""
        return self._as_read(self.ids)

    def kept_columns(self) -> pa.Table:
        """Return the other columns that are written, with the types that they were read with."""
        return self._as_read(self.kept)

    def _as_read(self, kinds: Mapping[str, pa.DataType]) -> pa.Table:
        data = self.table.data
        columns = {
            name: data.column(name) if name in self.table.names else pa.nulls(len(data), kind)  # in a null object
            for name, kind in kinds.items()
        }
        return pa.table({name: column.cast(plain_type(column.type)) for name, column in columns.items()})

    @contextmanager
    def naming_file(self) -> Iterator[None]:
        """Put the name of the file before errors about its rows."""
        try:
            yield
        except (TableError, pa.ArrowInvalid) as error:
            what = error if isinstance(error, TableError) else str(error)
            raise TableError(f"{_called(self.path)}: ", what) from error


def check_inputs(
    schema: FeatureSchema,
    given: Sequence[str | Path],
    *,
    options: ReadOptions | None = None,
    keep: Sequence[str] = (),
) -> Inputs:
    """Check the first row of every file, so that a file of another shape is refused before any row is used.

    Args:
        schema: What the files must have.
        given: Files and patterns.
        options: How text files are written.
        keep: Columns that are written beside the ids: names, several with commas between them, or `ALL`.

    Raises:
        ConfigError: A column to keep is not there.
        TableError: A file is missing, damaged or of another shape than the training data.
    """
    paths = tuple(expand(given))
    options = options_as_learned(schema, options or ReadOptions())
    kept: dict[str, list[pa.DataType]] = {}
    types: dict[str, set[pa.DataType]] = {name: set() for name in schema.ids}
    notes: dict[str, None] = {}
    names: dict[str, None] = {}
    for path in paths:
        read = next(iter_table(path, replace(options, numbers=plain_numbers(schema)), chunk_rows=1))
        first = with_null_objects(schema, read)
        _check_shape(schema, _called(path), first)
        for name, kinds in types.items():
            kinds.add(_id_type(_called(path), name, first.data.schema.field(name).type))
        notes |= dict.fromkeys(phrase("read: {note}", note=repair) for repair in first.repairs)
        if absent := [column.name for column in schema.read if column.name not in read.names]:
            what = phrase("{file} has no {columns}: read as missing", file=_called(path), columns=_listed(absent))
            notes[phrase("read: {note}", note=what)] = None
        if path == paths[0]:
            kept = {name: [] for name in kept_names(keep, read.names) if name not in schema.ids}
        elif absent := [name for name in kept if name not in read.names]:
            problem = f"{_called(path)}: lacks the column{'s' * (len(absent) > 1)} {_listed(absent)}. Leave it out of "
            raise TableError(problem, Set("keep"), ".")
        for name, kinds_of_files in kept.items():
            kinds_of_files.append(read.data.schema.field(name).type)
        names |= dict.fromkeys(first.names)
    if ignored := schema.note_of_ignored(names):
        notes[ignored] = None
    # An id that has different types in the files is written as text.
    ids = {name: kinds.pop() if len(kinds) == 1 else pa.string() for name, kinds in types.items()}
    written = {name: _common_type(kinds_of_files) for name, kinds_of_files in kept.items()}
    return Inputs(paths=paths, options=options, ids=ids, kept=written, notes=tuple(notes))


def kept_names(keep: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the columns of a file that are kept: all, or those that are named, several with commas between them.

    Raises:
        ConfigError: One is not there.

    Example:
        >>> kept_names(["a,b", "c, d"], ["a", "b", "c, d"]), kept_names(["all"], ["a", "b"])
        (['a', 'b', 'c, d'], ['a', 'b'])
    """
    if ALL in keep:
        return list(names)
    chosen = [name for words in keep for name in ([words] if words in names else words.split(","))]
    if absent := [name for name in chosen if name not in names]:
        raise ConfigError(Set("keep"), f": {absent_columns(absent, names)}")
    return list(dict.fromkeys(chosen))


def check_folder(output: Path) -> None:
    """Raise `ConfigError` if an output file has no folder, or something else is in its place."""
    if is_standard(output):
        return
    if not output.parent.is_dir():
        raise ConfigError(
            f"{output}: there is no folder {str(output.parent)!r}. Make it, or choose another ", Set("output"), "."
        )
    real_path(output)
    if output.exists() and not output.is_file():
        raise ConfigError(f"{output}: exists and is no file. Choose another ", Set("output"), ".")


def check_output(output: Path, paths: Sequence[Path]) -> None:
    """Raise `ConfigError` if an output file cannot be written or is one of the input files."""
    check_folder(output)
    files = [path for path in paths if not is_standard(path)]
    if not is_standard(output) and output.exists() and any(path.samefile(output) for path in files):
        raise ConfigError(f"{output}: is an input file. Choose another ", Set("output"), ".")


def check_ids(ids: Mapping[str, pa.DataType], columns: Sequence[str]) -> None:
    """Raise `ConfigError` if an id column has the name of another column of the output."""
    taken = [name for name in ids if name in columns]
    if taken:
        raise ConfigError(
            f"The id column {taken[0]!r} has the name of a column of the output ({', '.join(columns[:3])}, …). Rename "
            "it and train the detector again."
        )


def _called(path: Path) -> str:
    return STANDARD_INPUT if is_standard(path) else str(path)


def _check_shape(schema: FeatureSchema, source: str, table: Table) -> None:
    try:
        require_columns(schema, table.names)
    except TableError as error:
        raise TableError(f"{source}: ", error) from error
    absent = [name for name in schema.ids if name not in table.names]
    if absent:
        others = [name for name in table.names if name not in schema.known]
        lacks = f"lacks the id column{'s' * (len(absent) > 1)} {_listed(absent)}, which the output has."
        problem = f"{source}: {lacks}{mistyped(absent, others)} "
        raise TableError(problem, "Add it to the file, or train the detector without that ", Set("id"), ".")


def _id_type(source: str, name: str, kind: pa.DataType) -> pa.DataType:
    """Return the type of an id column in the output."""
    plain = plain_type(kind)
    try:
        pa.array([], plain).cast(pa.string())
    except pa.ArrowNotImplementedError as error:
        raise TableError(
            f"{source}: the id column {name!r} is of type {kind}; an id must be a text, a number or a timestamp."
        ) from error
    return plain


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type in which a column of ids is written: no dictionary, and one type for all texts."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    texts = (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.null())
    return pa.string() if plain in texts else plain


def _common_type(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """Return the type in which a column of several files is written: numbers beside numbers, else texts."""
    plain = {plain_type(kind) for kind in kinds if not pa.types.is_null(kind)} or {pa.string()}
    if len(plain) > 1 and all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in plain):
        return pa.float64()
    return plain.pop() if len(plain) == 1 else pa.string()


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    some = ", ".join(map(quoted, names[:_SHOWN_NAMES]))
    return phrase("{listed} and {more:,} more", listed=some, more=more) if more > 0 else some
