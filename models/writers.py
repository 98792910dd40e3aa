"""Writes scored rows to a file, chunk by chunk: one writer a format; the file appears when it is complete."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from models.detector import Contribution, Verdicts
from models.errors import ConfigError, TableError
from models.values import Cell, parse_category

FIGURES: Final = ("anomaly_score", "p_value", "is_anomaly")
"""What is written of every row, behind its ids."""

THRESHOLD: Final = "threshold"
"""What is written behind these where thresholds go by segment."""

_GZIP: Final = ".gz"
_ROW_GROUP_ROWS: Final = 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """Some rows and what was decided about them.

    Args:
        ids: The rows' id columns, as they were read; any number of columns.
        verdicts: Of the same rows.
        top: How many of the columns that add most are named.
    """

    ids: pa.Table
    verdicts: Verdicts
    top: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the rows of a file have in common.

    Args:
        ids: Name and type of each id column.
        top: How many of the columns that add most are named.
        by_segment: Each row has its own threshold, and it is written.
    """

    ids: Mapping[str, pa.DataType]
    top: int = 0
    by_segment: bool = False

    @property
    def figures(self) -> tuple[str, ...]:
        """What is written of every row, behind its ids."""
        return (*FIGURES, THRESHOLD) if self.by_segment else FIGURES


class Writer(Protocol):
    """A file that is being written."""

    def write(self, rows: ScoredRows, /) -> None:
        """Add rows."""
        ...


class _CsvWriter:
    """Comma-separated cells, quoted only where they must be; numbers read back as they were."""

    def __init__(self, out: Any, layout: Layout) -> None:
        self._out = out
        out.write(csv_header(flat_schema(layout).names))

    def write(self, rows: ScoredRows, /) -> None:
        self._out.write(csv_lines(flat_table(rows)))


class _JsonLinesWriter:
    """One object a line; contributions are a list, as the service answers them."""

    def __init__(self, out: Any, layout: Layout) -> None:
        self._out = out
        self._encoder = msgspec.json.Encoder()
        self._names = (*layout.ids, *layout.figures)

    def write(self, rows: ScoredRows, /) -> None:
        columns = [*(_json_cells(column) for column in rows.ids.columns), *(f.tolist() for f in _figures(rows))]
        records = [dict(zip(self._names, cells, strict=True)) for cells in zip(*columns, strict=True)]
        if rows.top:
            for record, contributions in zip(records, _contributions(rows), strict=True):
                record["contributions"] = contributions
        self._out.write(self._encoder.encode_lines(records))


class _ParquetWriter:
    """Typed columns, in row groups that do not depend on the size of a chunk."""

    def __init__(self, out: pa.parquet.ParquetWriter, layout: Layout) -> None:
        self._out = out
        self._schema = flat_schema(layout)
        self._held: list[pa.Table] = []

    def write(self, rows: ScoredRows, /) -> None:
        table = flat_table(rows)
        for name, kind in zip(self._schema.names, self._schema.types, strict=True):
            try:
                table.column(name).cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise TableError(
                    f"Column {name!r} changes its type from {kind} to {table.column(name).type}, and a Parquet file "
                    "has one type a column. Write --format csv or jsonl instead."
                ) from error
        self._held.append(table.cast(self._schema))
        while sum(map(len, self._held)) >= _ROW_GROUP_ROWS:
            held = pa.concat_tables(self._held)
            self._out.write_table(held.slice(0, _ROW_GROUP_ROWS))
            self._held = [held.slice(_ROW_GROUP_ROWS)]

    def finish(self) -> None:
        """Write what is held."""
        if self._held:
            self._out.write_table(pa.concat_tables(self._held))


@contextmanager
def _open_csv(path: Path, layout: Layout, *, gzip: bool) -> Iterator[Writer]:
    with pa.output_stream(str(path), compression="gzip" if gzip else None) as out:
        yield _CsvWriter(out, layout)


@contextmanager
def _open_jsonl(path: Path, layout: Layout, *, gzip: bool) -> Iterator[Writer]:
    with pa.output_stream(str(path), compression="gzip" if gzip else None) as out:
        yield _JsonLinesWriter(out, layout)


@contextmanager
def _open_parquet(path: Path, layout: Layout, *, gzip: bool) -> Iterator[Writer]:
    with pa.parquet.ParquetWriter(path, flat_schema(layout)) as out:
        writer = _ParquetWriter(out, layout)
        yield writer
        writer.finish()


class _Open(Protocol):
    def __call__(self, path: Path, layout: Layout, /, *, gzip: bool) -> AbstractContextManager[Writer]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a format is known and written.

    Args:
        suffixes: Ends of file names that mean it.
        gzip: The file can be compressed as a whole: ``.gz`` behind the suffix.
        open: Opens a file for writing.
    """

    suffixes: tuple[str, ...]
    gzip: bool
    open: _Open


WRITERS: Final[dict[str, Format]] = {
    "csv": Format(suffixes=(".csv",), gzip=True, open=_open_csv),
    "parquet": Format(suffixes=(".parquet",), gzip=False, open=_open_parquet),
    "jsonl": Format(suffixes=(".jsonl", ".ndjson"), gzip=True, open=_open_jsonl),
}
"""The output formats by the name that ``--format`` takes."""


def format_of(path: Path) -> str:
    """Return the format that a file's name means.

    Raises:
        ConfigError: It means none.

    Example:
        >>> format_of(Path("scores.csv.gz"))
        'csv'
    """
    name = path.name.lower()
    for format_name, form in WRITERS.items():
        if name.removesuffix(_GZIP if form.gzip else "").endswith(form.suffixes):
            return format_name
    known = [suffix for form in WRITERS.values() for suffix in form.suffixes]
    raise ConfigError(
        f"{path}: its name does not say which format is wanted. End it in {', '.join(known)}, or say --format "
        f"{'|'.join(WRITERS)}."
    )


@contextmanager
def new_file(path: Path, layout: Layout, *, format_name: str) -> Iterator[Writer]:
    """Give a writer; the file replaces `path` when the block ends without an error, and else leaves no trace.

    Raises:
        TableError: The file cannot be written.
    """
    form, target = WRITERS[format_name], path.resolve()
    gzip = form.gzip and path.name.lower().endswith(_GZIP)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        unfinished.touch()
        with form.open(unfinished, layout, gzip=gzip) as writer:
            yield writer
        unfinished.replace(target)
    except OSError as error:
        raise TableError(f"{path}: cannot be written ({error.strerror or error}).") from error
    finally:
        unfinished.unlink(missing_ok=True)


def flat_schema(layout: Layout) -> pa.Schema:
    """Return the columns of a table of scored rows, one level deep."""
    parts = {"feature": pa.string(), "contribution": pa.float64(), "actual": pa.string(), "expected": pa.string()}
    figures = {name: pa.bool_() if name == "is_anomaly" else pa.float64() for name in layout.figures}
    explained = {f"top_{k}_{part}": kind for k in range(1, layout.top + 1) for part, kind in parts.items()}
    return pa.schema([*layout.ids.items(), *figures.items(), *explained.items()])


def flat_table(rows: ScoredRows) -> pa.Table:
    """Return scored rows as a table; values are text there, because columns differ in kind."""
    columns: list[Any] = [*rows.ids.columns, *map(pa.array, _figures(rows))]
    if rows.top:
        explained = _contributions(rows)
        for rank in range(rows.top):
            picked = [contributions[rank] for contributions in explained]
            columns += [
                pa.array([c.feature for c in picked], pa.string()),
                pa.array([c.contribution for c in picked], pa.float64()),
                pa.array([_text(c.actual) for c in picked], pa.string()),
                pa.array([_text(c.expected) for c in picked], pa.string()),
            ]
    types = {field.name: field.type for field in rows.ids.schema}
    layout = Layout(ids=types, top=rows.top, by_segment=rows.verdicts.segments is not None)
    return pa.table(columns, names=flat_schema(layout).names)


def csv_header(names: Sequence[str]) -> bytes:
    """Return the line of CSV that names the columns."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(names)
    return header.getvalue().encode()


def csv_lines(table: pa.Table) -> bytes:
    """Return a line of CSV for each row of a table; numbers read back as they were."""
    cells = [_csv_cells(column) for column in table.columns]
    lines = pc.binary_join_element_wise(*cells, pa.scalar(","))
    return "".join(f"{line}\n" for line in lines.to_pylist()).encode()


def _figures(rows: ScoredRows) -> list[Any]:
    names = Layout(ids={}, by_segment=rows.verdicts.segments is not None).figures
    return [getattr(rows.verdicts, name) for name in names]


def _contributions(rows: ScoredRows) -> list[list[Contribution]]:
    return [rows.verdicts.contributions(row, top=rows.top) for row in range(len(rows.verdicts))]


def _text(value: Cell) -> str | None:
    return None if value is None else parse_category(value)


def _csv_cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = pc.fill_null(column.cast(pa.string()), "")
    quoted = pc.binary_join_element_wise("", pc.replace_substring(texts, '"', '""'), "", '"')
    return pc.if_else(pc.match_substring_regex(texts, '[",\r\n]'), quoted, texts)


def _json_cells(column: pa.ChunkedArray) -> list[Any]:
    """Return plain values; instants as text, because Python has no nanoseconds."""
    cells: list[Any] = (column.cast(pa.string()) if pa.types.is_temporal(column.type) else column).to_pylist()
    return cells
