"""The dialect of a text file: what the caller gives, and what is detected from the first lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.errors import Message, Set, TableError
from models.messages import phrase, plural
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.text.delimiter import (
    DELIMITERS,
    Row,
    detect_comment,
    detect_delimiter,
    detect_quote,
    first_rows,
    likely_comment,
    lines_of,
    require_delimiter,
)
from models.tables.text.encoding import detect_encoding
from models.tables.text.header import Header, detect_header, note_of_blank_lines
from models.tables.text.number_format import detect_number_format

_SAMPLE_BYTES: Final = 1 << 18
_SAMPLE_LINES: Final = 200
_MIN_LINES: Final = 20  # a table of ten thousand columns has long lines
_ENOUGH_LINES: Final = 2  # of very long ones: the names and a row
_MANY_CHUNKS, _MAX_CHUNKS = 8, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a text file is written: as `ReadOptions` say, or as it was found.

    Args:
        header: The names of the columns, and the number of cells.
        skip_lines: Lines above the table.
        header_rows: Rows above the first data row, blank ones included; 0 where there is no header line.
        short_rows: Whether rows may lack cells at their end.
        only_exact: Whether the file has something that the fast reader does not know.
        repairs: One line for everything that was detected or repaired.
    """

    delimiter: str
    quote: str
    comment: str
    decimal: str
    thousands: str
    encoding: str
    header: Header
    skip_lines: int
    header_rows: int
    short_rows: bool
    only_exact: bool
    repairs: tuple[str, ...]


def detect_dialect(source: Source, options: ReadOptions) -> Dialect:
    """Detect the dialect of a text file from its first lines; what the options give is not detected.

    Raises:
        TableError: The file is empty, or something that was not given is not certain.
    """
    _check_options(options)
    repairs: list[str] = []
    sample, more = _first_bytes(source, options.skip_lines)
    encoding = options.encoding or detect_encoding(source, sample, repairs)
    lines, cut = _first_lines(source, sample, encoding, options.skip_lines, more=more)
    _require_few_cells(source, lines, options)
    quote = detect_quote("".join(lines)) if options.quote is None else options.quote

    @lru_cache(maxsize=2)  # the likely ones are needed again; of a wide table all of them would be much memory
    def rows_by(delimiter: str, comment: str) -> list[Row] | None:
        return first_rows(lines, delimiter=delimiter, quote=quote, comment=comment, cut=cut)

    likely = likely_comment(lines) if options.comment is None else options.comment
    if options.delimiter:
        require_delimiter(options.delimiter, lambda d: rows_by(d, likely))
    delimiter = options.delimiter or detect_delimiter(lambda d: rows_by(d, likely), names=options.header)
    comment = detect_comment(likely, lambda c: rows_by(delimiter, c)) if options.comment is None else likely
    read = rows_by(delimiter, comment)
    if read is None:
        raise TableError(_misplaced_quote(lines, delimiter, quote, comment))
    rows = [row for row in read if _filled(row.cells)]
    if not rows:
        raise TableError("the file is empty: there are only comments.")
    source.require_columns(max(len(row.cells) for row in rows))
    of_header: list[str] = []
    header = detect_header(rows, options, of_header)
    blank = "" if len(rows) == len(read) else note_of_blank_lines(columns=header.width)
    repairs += [*_reports(lines, delimiter, quote, comment, options, blank=blank), *of_header]
    body = [row.cells for row in rows[int(header.first_row_is_names) :]]
    columns = zip(*body, strict=False)
    numbers = detect_number_format(columns, options, names=header.names, delimiter=delimiter)
    repairs += numbers.reports
    return Dialect(
        delimiter=delimiter,
        quote=quote,
        comment=comment,
        decimal=numbers.decimal,
        thousands=numbers.thousands,
        encoding=encoding,
        header=header,
        skip_lines=options.skip_lines,
        header_rows=read.index(rows[0]) + 1 if header.first_row_is_names else 0,
        short_rows=options.ragged_rows == "fill",
        only_exact=bool(comment) or delimiter == " " or _has_spaced_quotes(lines, delimiter, quote),
        repairs=tuple(repairs),
    )


def _has_spaced_quotes(lines: Sequence[str], delimiter: str, quote: str) -> bool:
    return bool(quote) and any(f"{delimiter} {quote}" in line for line in lines)


def _check_options(options: ReadOptions) -> None:
    """Check the single characters that the caller gives."""
    for name, given in (("delimiter", options.delimiter), ("quote", options.quote)):
        if given and not (len(given) == 1 and given.isascii()):
            raise TableError(f"{name} must be one ASCII character (or its word), got {given!r}.")
    if options.delimiter and options.delimiter in '\r\n"':
        raise TableError(f"delimiter must be no quote and no line end, got {options.delimiter!r}.")
    if options.quote and (options.quote in "\r\n" or options.quote == options.delimiter):
        raise TableError(f"quote must be no line end and not the delimiter, got {options.quote!r}.")


def _first_bytes(source: Source, skip: int) -> tuple[bytes, bool]:
    """Return the first bytes, with at least some lines of the table, and whether more follow."""
    chunks: list[bytes] = []
    lines = 0
    with source.open_stream() as stream:
        while len(chunks) < _MAX_CHUNKS and lines < (
            _MIN_LINES if len(chunks) < _MANY_CHUNKS else skip + _ENOUGH_LINES
        ):
            chunk = stream.read(_SAMPLE_BYTES)
            chunks.append(chunk)
            lines += chunk.count(b"\n") + chunk.count(b"\r")
            if len(chunk) < _SAMPLE_BYTES:
                return b"".join(chunks), False
    return b"".join(chunks), True


def _first_lines(source: Source, sample: bytes, encoding: str, skip: int, *, more: bool) -> tuple[list[str], bool]:
    """Return the first whole lines of the table, and whether more follow."""
    if not sample.strip():
        raise TableError("the file is empty.")
    try:
        text = sample.decode(encoding, errors="replace").removeprefix("\ufeff")
    except LookupError as error:
        raise TableError(f"there is no encoding {encoding!r}.") from error
    lines = lines_of(text)
    lines = lines[skip : -1 if more and len(lines) > 1 else None]  # the last one is cut off in the middle
    if not "".join(lines).strip():
        raise TableError(f"the file is empty{f' below line {skip}' if skip else ''}.")
    return lines[:_SAMPLE_LINES], more or len(lines) > _SAMPLE_LINES


def _require_few_cells(source: Source, lines: Sequence[str], options: ReadOptions) -> None:
    """Check the number of columns before lines become cells, which take a hundred times their memory."""
    delimiters = (options.delimiter,) if options.delimiter else DELIMITERS
    for line in lines:
        if len(line) > source.max_columns:
            counts = dict.fromkeys(delimiters, 1)
            for outside in _outside_quotes(line):
                for delimiter in delimiters:
                    counts[delimiter] += outside.count(delimiter)
            source.require_columns(max(counts.values()))


def _outside_quotes(line: str) -> Iterator[str]:
    inside = False
    for start in range(0, len(line), _SAMPLE_BYTES):
        parts = line[start : start + _SAMPLE_BYTES].split('"')
        yield "".join(parts[inside::2])
        inside ^= len(parts) % 2 == 0


def _filled(cells: Sequence[str]) -> bool:
    return len(cells) > 1 or bool(cells and cells[0].strip())


def _misplaced_quote(lines: Sequence[str], delimiter: str, quote: str, comment: str) -> Message:
    """Describe in which line a quote is misplaced."""
    done = 0
    for done in range(len(lines), 0, -1):
        if first_rows(lines[:done], delimiter=delimiter, quote=quote, comment=comment, cut=True) is not None:
            break
    return Message(
        f"a cell near line {done + 1} goes on behind its closing {quote}, is never closed, or is longer than "
        f"{csv.field_size_limit():,} characters. Fix it, or say ",
        Set("quote", "none"),
        " if quotes are part of the cells.",
    )


def _reports(
    lines: Sequence[str], delimiter: str, quote: str, comment: str, options: ReadOptions, *, blank: str
) -> list[str]:
    found: list[str] = []
    if options.skip_lines:
        count = options.skip_lines
        found.append(
            plural("{count} line above the table skipped", "{count} lines above the table skipped", count=count)
        )
    if delimiter != ",":
        found.append(phrase("cells are separated by {delimiter!r}", delimiter=delimiter))
    if quote == "'":
        found.append(phrase("cells stand between ' instead of \""))
    if comment and any(line.startswith(comment) for line in lines):
        found.append(phrase("lines that begin with {comment!r} skipped", comment=comment))
    if blank:
        found.append(blank)
    return found
