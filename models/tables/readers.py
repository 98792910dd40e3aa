"""Detects the format of a file: by its first bytes, and by its name where these say nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from models.errors import TableError
from models.tables.formats import FORMATS
from models.tables.source import Source

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


def detect_format(source: Source) -> str:
    """Return the format of a source, a key of `FORMATS`.

    Raises:
        TableError: It is of a format that is not read.
    """
    if source.path is not None and source.path.is_dir():
        raise TableError(f"{source.name}: is a folder; name the files in it, for example '{source.name}/*.csv'.")
    with source.open_stream() as stream:
        start = stream.read(_START_BYTES)
    detected = next((name for magic, name in _STARTS.items() if start.startswith(magic)), None)
    if detected is not None:
        return detected
    foreign = next((words for magic, words in _FOREIGN.items() if start.startswith(magic)), None)
    if _WEB_PAGE.match(start):
        foreign = "a web page or XML"
    if foreign is not None:
        raise TableError(f"{source.name}: is {foreign}, which is not read. Save the table as CSV or Parquet.")
    if start.startswith(b"PK\x03\x04"):
        if any(word in start for word in (b"[Content_Types]", b"_rels/", b"xl/", b"opendocument.spreadsheet")):
            return "excel"
        raise TableError(f"{source.name}: is a zip archive. Unpack it and name the file in it.")
    named = next((_SUFFIXES[suffix] for suffix in source.suffixes if suffix in _SUFFIXES), None)
    if named == "jsonl" or _JSON.match(start):
        return "jsonl"
    if named is not None:
        suffix = Path(source.name).suffix[1:]
        raise TableError(f"{source.name}: is not a {suffix} file: its first bytes are {start[:4]!r}.")
    return "csv"
