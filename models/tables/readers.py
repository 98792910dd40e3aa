"""The formats that are read: how each is told, and its reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from models.errors import TableError
from models.tables.json_lines import read_json
from models.tables.read_options import ReadOptions
from models.tables.sheets import read_sheet
from models.tables.source import Source
from models.tables.table import Table
from models.tables.text.reader import read_text
from models.tables.typed import read_arrow, read_parquet

READERS: Final[dict[str, Callable[[Source, ReadOptions, int], Iterator[Table]]]] = {
    "csv": read_text,
    "json": read_json,
    "parquet": read_parquet,
    "arrow": read_arrow,
    "excel": read_sheet,
}
"""A reader for each format; it yields the file's rows in order, in chunks of at most the given size."""

_STARTS: Final = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "excel",
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
_NAMES: Final = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".xlsx": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
_JSON: Final = re.compile(rb'(\xef\xbb\xbf)?\s*(\{\s*"|\[\s*\{)')
_WEB_PAGE: Final = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", re.IGNORECASE)
_START_BYTES: Final = 4096


def format_of(source: Source) -> str:
    """Tell a source's format, a key of `READERS`, by its first bytes, and by its name where these say nothing.

    Raises:
        TableError: It is of a format that is not read.
    """
    if source.path is not None and source.path.is_dir():
        raise TableError(f"{source.name}: is a folder; name the files in it, for example '{source.name}/*.csv'.")
    with source.open_stream() as stream:
        start = stream.read(_START_BYTES)
    told = next((form for magic, form in _STARTS.items() if start.startswith(magic)), None)
    if told is not None:
        return told
    foreign = next((words for magic, words in _FOREIGN.items() if start.startswith(magic)), None)
    if _WEB_PAGE.match(start):
        foreign = "a web page or XML"
    if foreign is not None:
        raise TableError(f"{source.name}: is {foreign}, which is not read. Save the table as CSV or Parquet.")
    if start.startswith(b"PK\x03\x04"):
        if any(word in start for word in (b"[Content_Types]", b"_rels/", b"xl/", b"opendocument.spreadsheet")):
            return "excel"
        raise TableError(f"{source.name}: is a zip archive. Unpack it and name the file in it.")
    named = next((_NAMES[suffix] for suffix in source.suffixes if suffix in _NAMES), None)
    if named == "json" or _JSON.match(start):
        return "json"
    if named is not None:
        suffix = Path(source.name).suffix[1:]
        raise TableError(f"{source.name}: is not a {suffix} file: its first bytes are {start[:4]!r}.")
    return "csv"
