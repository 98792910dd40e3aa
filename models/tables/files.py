"""From paths and patterns to tables, with the errors of every reader translated to ours."""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from models.errors import TableError
from models.tables.readers import READERS
from models.tables.source import Source
from models.tables.table import ReadOptions, Table

_RAGGED: Final = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")

CHUNK_ROWS: Final = 16_384
"""Rows that are held at once when a file is read in chunks."""


def read_table(
    sources: Sequence[Source | str | Path], options: ReadOptions | None = None, *, format: str | None = None
) -> Table:
    """Read sources of equal columns as one table.

    Args:
        sources: Paths, patterns, or bytes in memory.
        options: What is known about how text is written.
        format: A key of `READERS`; told by first bytes and name where it is None.

    Raises:
        TableError: A file is missing, damaged or of another shape than the first.
    """
    chunks: list[Table] = []
    paths: list[str | Path] = [source for source in sources if not isinstance(source, Source)]
    for source in (*(Source.of(path) for path in expand(paths)), *(s for s in sources if isinstance(s, Source))):
        for chunk in iter_table(source, options, format=format, chunk_rows=1 << 20):
            if chunks and chunk.names != chunks[0].names:
                found = differences(chunks[0].names, chunk.names)
                raise TableError(f"{source.name}: has other columns than the first file ({found}).")
            chunks.append(chunk)
    try:
        data = pa.concat_tables([chunk.data for chunk in chunks], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"The files cannot be put together: {error}.") from error
    repairs = tuple(dict.fromkeys(line for chunk in chunks for line in chunk.repairs))
    decimal = "," if any(chunk.decimal == "," for chunk in chunks) else "."
    return Table(data=data, decimal=decimal, repairs=repairs, header=chunks[0].header)


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
        options: What is known about how text is written.
        format: A key of `READERS`; told by first bytes and name where it is None.
        chunk_rows: Rows that are held at once.

    Raises:
        TableError: The file is missing, damaged, or its form cannot be told.
    """
    source = Source.of(source)
    name = source.name
    try:
        yield from READERS[format or _format_of(source)](source, options or ReadOptions(), chunk_rows)
    except FileNotFoundError as error:
        raise TableError(f"{name}: there is no such file.") from error
    except (
        OSError,
        pa.ArrowException,
        UnicodeError,
        csv.Error,
        msgspec.MsgspecError,
        RecursionError,
    ) as error:
        if isinstance(error, UnicodeError) or "invalid UTF8" in str(error):
            raise TableError(
                f"{name}: the text is not in the expected encoding ({error}); say --encoding latin-1."
            ) from error
        if ragged := _RAGGED.search(str(error)):
            row, expected, got = ragged.groups()
            raise TableError(
                f"{name}: row {row} has {got} cells, {expected} are expected. Mend it, or say --delimiter."
            ) from error
        raise TableError(f"{name}: cannot be read: {_first_line(error)}.") from error


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


def _format_of(source: Source) -> str:
    """Tell a source's format by its first bytes, and by its name where these say nothing."""
    if source.path is not None and source.path.is_dir():
        raise TableError(f"{source.name}: is a folder; name the files in it, for example '{source.name}/*.csv'.")
    with source.open_stream() as stream:
        start = stream.read(4096)
    if start[:4] == b"PAR1":
        return "parquet"
    if start[:6] == b"ARROW1" or start[:4] == b"\xff\xff\xff\xff":
        return "arrow"
    if source.suffixes & {".jsonl", ".ndjson", ".json"} or start.lstrip()[:2] in (b'{"', b"[{"):
        return "json"
    if source.suffixes & {".parquet", ".feather", ".arrow"}:
        suffix = Path(source.name).suffix[1:]
        raise TableError(f"{source.name}: is not a {suffix} file: its first bytes are {start[:4]!r}.")
    return "csv"


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


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
