"""The formats of bodies and answers: one row a format. Readers and writers are loaded when they are first used.

Arrow takes some 30 MB, so a service that is only sent JSON does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from models.tables.writers import Writer
    from service.formats.answers import AnswerSpec, AnswerWriter
    from service.formats.rows import BodySpec, Rows
    from service.streaming.bodies import StreamedBody

    Read = Callable[[bytes, BodySpec], Rows]
    Write = Callable[[AnswerSpec], AnswerWriter]
    WriteTable = Callable[[Any, pa.Schema], Writer]
    Stream = Callable[[BodySpec], StreamedBody]


@dataclass(frozen=True, kw_only=True)  # no slots: what is loaded stays in the row
class Format:
    """One format of bodies and answers.

    Args:
        types: Content types that mean it; the first is what answers say.
        summary: What it is, for the interface's page.
        example: ``module:function`` from a record to a body with it, for the interface's page; None for JSON, whose
            examples are the page's own, and for what is no text.
        table: The format of `models.tables.formats` that reads it as a table; None where none does.
        table_writer: ``module:function`` that opens a writer of such a table.
        start: First bytes that every body has.
        reader: ``module:function`` that reads a whole body.
        writer: ``module:function`` that opens a writer of an answer.
        stream: ``module:class`` that reads a body while it comes; None where it is not streamed.
        charsets: Character encodings that its content type may name; none for what is no text.
        parameters: What the content type of an answer says behind the type.
        has_dialects: It is written in many ways, and query parameters may say in which.
        has_positions: It says where its parts are, so that its bytes are written when all of them are known.
        ends_with_problem: An answer that is streamed may end with a problem, as a line of its own.
    """

    types: tuple[str, ...]
    summary: str
    example: str | None = None
    table: str | None = None
    table_writer: str | None = None
    start: bytes = b""
    reader: str = "service.formats.tables:read_rows"
    writer: str = "service.formats.table_answers:TableWriter"
    stream: str | None = None
    charsets: tuple[str, ...] = ()
    parameters: str = ""
    has_dialects: bool = False
    has_positions: bool = False
    ends_with_problem: bool = False

    @property
    def name(self) -> str:
        """What errors call a body of it: its summary, up to what is said of it."""
        return self.summary.partition(" with ")[0].partition(" (")[0]

    @cached_property
    def read(self) -> Read:
        """The function that reads a whole body."""
        reader: Read = resolve_name(self.reader)
        return reader

    @cached_property
    def write(self) -> Write:
        """The function that opens a writer of an answer, which takes rows once or again and again."""
        writer: Write = resolve_name(self.writer)
        return writer

    @cached_property
    def write_table(self) -> WriteTable:
        """The function that opens a writer of tables, from a binary file and a schema, for a format of tables."""
        writer: WriteTable = resolve_name(str(self.table_writer))
        return writer

    @cached_property
    def example_of(self) -> Callable[[Mapping[str, Any]], str] | None:
        """The function that returns a body with a record, where there is one."""
        return None if self.example is None else resolve_name(self.example)

    @cached_property
    def open_stream(self) -> Stream:
        """The class that reads a body while it comes, for a format that is streamed."""
        stream: Stream = resolve_name(str(self.stream))
        return stream


_UTF_8: Final = ("utf-8", "utf8", "us-ascii", "ascii")
_TEXT: Final = (
    *_UTF_8,
    *("utf-16", "utf-16le", "utf-16be"),
    *("iso-8859-1", "latin-1", "latin1", "iso-8859-15", "windows-1252", "cp1252"),
)

FORMATS: Final[dict[str, Format]] = {
    "json": Format(
        types=("application/json",),
        summary="JSON",
        reader="service.formats.json:read_json",
        writer="service.formats.json_answers:JsonWriter",
        charsets=_UTF_8,
    ),
    "jsonl": Format(
        types=("application/x-ndjson", "application/jsonl", "application/ndjson"),
        summary="JSON lines: an object a line",
        example="service.formats.examples:lines_example",
        reader="service.formats.json:read_lines",
        writer="service.formats.json_answers:LinesWriter",
        stream="service.streaming.bodies:LinesBody",
        charsets=_UTF_8,
        ends_with_problem=True,
    ),
    "csv": Format(
        types=("text/csv",),
        summary="CSV with a header line",
        example="service.formats.examples:csv_example",
        table="csv",
        table_writer="models.tables.writers:csv_writer",
        charsets=_TEXT,
        parameters="; charset=utf-8; header=present",
        has_dialects=True,
    ),
    "arrow": Format(
        types=("application/vnd.apache.arrow.stream",),
        summary="Arrow stream",
        table="arrow",
        table_writer="models.tables.writers:arrow_stream_writer",
        stream="service.streaming.arrow_body:ArrowBody",
    ),
    "arrow_file": Format(
        types=("application/vnd.apache.arrow.file",),
        summary="Arrow file (Feather 2)",
        table="arrow",
        table_writer="models.tables.writers:arrow_file_writer",
        start=b"ARROW1",
        has_positions=True,
    ),
    "parquet": Format(
        types=("application/vnd.apache.parquet",),
        summary="Parquet",
        table="parquet",
        table_writer="models.tables.writers:parquet_writer",
        start=b"PAR1",
        has_positions=True,
    ),
}
"""The formats by name; of those that a caller rates equally, the first is answered."""

STREAMED: Final = tuple(name for name, row in FORMATS.items() if row.stream is not None)
"""The formats of bodies and answers that are streamed."""
