"""The file formats that are read and written: one row a format. Readers and writers are loaded when they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from models.errors import ConfigError, Set
from models.tables.standard_streams import is_standard

if TYPE_CHECKING:
    import pyarrow as pa

    from models.tables.read_options import ReadOptions
    from models.tables.source import Source
    from models.tables.table import Table
    from models.tables.writers import Writer

    Read = Callable[[Source, ReadOptions, int], Iterator[Table]]
    Write = Callable[[Any, pa.Schema], Writer]

_GZIP: Final = ".gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """One file format.

    Args:
        reader: ``module:function`` that reads it: source, options and rows of a chunk to chunks in the file's order.
        writer: ``module:function`` that opens a writer, from a binary file and a schema; None where it is only read.
        suffixes: Ends of file names that mean it.
        read_suffixes: More of them, of files that are only read.
        starts: First bytes that mean it.
        gzip: A file that is written can be compressed as a whole: ``.gz`` behind the suffix.
        nested: Rows are written as objects, which may hold lists, not as cells.
    """

    reader: str
    writer: str | None = None
    suffixes: tuple[str, ...] = ()
    read_suffixes: tuple[str, ...] = ()
    starts: tuple[bytes, ...] = ()
    gzip: bool = False
    nested: bool = False

    @property
    def read(self) -> Read:
        """The function that reads it."""
        reader: Read = resolve_name(self.reader)
        return reader

    @property
    def write(self) -> Write:
        """The function that opens a writer of it, for a format that is written."""
        writer: Write = resolve_name(str(self.writer))
        return writer

    def is_gzip(self, path: Path) -> bool:
        """Return whether a file of that name is compressed as a whole."""
        return self.gzip and path.name.lower().endswith(_GZIP)

    def is_meant_by(self, path: Path) -> bool:
        """Return whether a file of that name is to be written in this format."""
        return path.name.lower().removesuffix(_GZIP if self.gzip else "").endswith(self.suffixes)


FORMATS: Final[dict[str, FileFormat]] = {
    "csv": FileFormat(
        reader="models.tables.text.reader:read_text",
        writer="models.tables.writers:csv_writer",
        suffixes=(".csv",),
        gzip=True,
    ),
    "parquet": FileFormat(
        reader="models.tables.typed:read_parquet",
        writer="models.tables.writers:parquet_writer",
        suffixes=(".parquet",),
        starts=(b"PAR1",),
    ),
    "arrow": FileFormat(
        reader="models.tables.typed:read_arrow",
        writer="models.tables.writers:arrow_file_writer",
        suffixes=(".arrow", ".feather"),
        starts=(b"ARROW1", b"\xff\xff\xff\xff"),
    ),
    "jsonl": FileFormat(
        reader="models.tables.json_lines:read_json",
        writer="models.tables.writers:json_lines_writer",
        suffixes=(".jsonl", ".ndjson"),
        read_suffixes=(".json",),
        gzip=True,
        nested=True,
    ),
    "excel": FileFormat(
        reader="models.tables.sheets:read_sheet",
        writer="models.tables.workbook:workbook_writer",
        suffixes=(".xlsx",),
        read_suffixes=(".xls", ".ods"),
        starts=(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    ),
}
"""The file formats by name."""

OUTPUT_FORMATS: Final = {name: row for name, row in FORMATS.items() if row.writer is not None}
"""Those that are written, by the name that ``--format`` takes."""

SUFFIXES: Final = tuple(suffix for row in OUTPUT_FORMATS.values() for suffix in row.suffixes)
"""Ends of file names that mean a format that is written."""


def format_of(path: Path) -> str:
    """Return the format that the name of a file to be written means; standard output is CSV.

    Raises:
        ConfigError: It means none.

    Example:
        >>> format_of(Path("scores.csv.gz"))
        'csv'
    """
    if is_standard(path):
        return "csv"
    for name, row in OUTPUT_FORMATS.items():
        if row.is_meant_by(path):
            return name
    problem = f"{path}: its name does not say which format is wanted. End it in {', '.join(SUFFIXES)}, or say "
    raise ConfigError(problem, Set("format", like="|".join(OUTPUT_FORMATS)), ".")
