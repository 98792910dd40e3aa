"""Scores files of any size: each row once and in order, in bounded memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from models.bundle import load_detector
from models.columns.from_records import columns_of_records
from models.columns.from_tables import columns_of_table, plain_numbers
from models.detector import Detector
from models.errors import ConfigError, Set
from models.languages import shown, spoken
from models.messages import Message, joined, phrase, plural
from models.programs.inputs import Chunk, Inputs, check_folder, check_ids, check_inputs, check_output
from models.repository import resolve
from models.scoring.scorer import CACHED_ROWS
from models.tables.formats import format_of
from models.tables.read_options import ReadOptions
from models.tables.source import Source
from models.tables.standard_streams import is_standard
from models.tables.writers import Writer, new_file
from models.threads import allowed_threads
from service.files.pipeline import in_order
from service.files.row_notes import Noticed, RowNotes, notice
from service.files.scored_rows import ScoredRows, rows_of
from service.files.spreadsheet import ForSpreadsheets, defused

_CHUNK_ROWS: Final = 32_768
_CHUNK_CELLS: Final = 1 << 20  # a chunk of many columns has fewer rows
_LEAST_ROWS: Final = 256  # with fewer, the calls would take longer than the work
_SAMPLE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCommand:
    """A command line of `python -m service.batch`; its help says what the flags mean."""

    detector: str
    inputs: Sequence[str]
    output: Path
    format_name: str | None
    write: Collection[str]
    explain: int
    spreadsheet: bool
    options: ReadOptions
    quiet: bool
    json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Files that fit a detector, and the output that they give.

    Args:
        write: Some of `service.batch.WRITTEN`.
        top: How many of the columns that add most are named.
        schema: Columns of the output, one level deep.
        spreadsheet: Whether texts that a spreadsheet would run get an apostrophe.
    """

    inputs: Inputs
    write: Collection[str]
    top: int
    schema: pa.Schema
    spreadsheet: bool = False


def prepare(
    detector: Detector,
    inputs: Sequence[str | Path],
    output: Path,
    *,
    options: ReadOptions | None = None,
    write: Collection[str] = ("scores",),
    top: int = 0,
) -> Job:
    """Look at the first row of every file, so that files that cannot be scored are refused before any row is.

    Raises:
        ConfigError: The output cannot be where it was asked for, or an id is called like a column of it.
        TableError: A file is missing, damaged or of another shape than the training data.
    """
    checked = check_inputs(detector.schema, inputs, options=options)
    check_output(output, checked.paths)
    blank = columns_of_records(detector.schema, [dict.fromkeys(detector.schema.read_names)])
    own = rows_of(detector, blank, pa.table({}), write=write, top=top).table().schema
    check_ids(checked.ids, [*own.names, "contributions"])
    return Job(inputs=checked, write=write, top=top, schema=pa.schema([*checked.ids.items(), *own]))


def score_files(
    detector: Detector,
    job: Job,
    output: Path,
    *,
    format_name: str,
    chunk_rows: int | None = None,
    on_rows: Callable[[int], None] = lambda rows: None,
    notes: RowNotes | None = None,
) -> tuple[int, int]:
    """Score every row of a job from `prepare` and write the output, which is replaced when the new one is complete.

    A few chunks of `chunk_rows` rows exist at once; `on_rows` gets the number of rows that were just written, and
    `notes` what was noticed of them.

    Returns:
        Number of rows that were written, and of anomalies among them.

    Raises:
        TableError: A cell is of the wrong kind, or the output cannot be written; there is no output then.
    """
    rows = flagged = 0
    schema = defused(job.schema.empty_table()).schema if job.spreadsheet else job.schema
    with new_file(output, schema, format_name=format_name) as writer:
        score = partial(_scored, detector, writer, job)
        with closing(in_order(_chunks(detector, job, chunk_rows), score, threads=allowed_threads())) as scored:
            for chunk in scored:
                chunk.write()
                rows, flagged = rows + chunk.rows, flagged + chunk.flagged
                if notes is not None:
                    notes.add(chunk.noticed)
                on_rows(chunk.rows)
    return rows, flagged


def run(command: BatchCommand) -> None:
    """Run a command line, and report what happened."""
    started = time.perf_counter()
    check_folder(command.output)
    format_name = command.format_name or format_of(command.output)
    if command.spreadsheet and format_name != "csv":
        raise ConfigError(
            Set("spreadsheet", True), f" is for CSV, and {command.output} is {format_name}. Leave it out."
        )
    detector = replace(load_detector(resolve(command.detector)), language=spoken())
    job = prepare(
        detector, command.inputs, command.output, options=command.options, write=command.write, top=command.explain
    )
    job = replace(job, spreadsheet=command.spreadsheet)
    if not command.quiet:
        for note in job.inputs.notes:
            print(shown(note), file=sys.stderr)
    scoring = time.perf_counter()
    row_notes = RowNotes(detector)
    with RowsBar(Console(stderr=True), job.inputs.paths, doing=phrase("scoring"), quiet=command.quiet) as bar:
        rows, flagged = score_files(
            detector, job, command.output, format_name=format_name, on_rows=bar, notes=row_notes
        )
    ended = time.perf_counter()
    late_notes = list(row_notes.lines())
    if not command.quiet:
        summary = phrase(
            "{rows:,} rows {done}, {speed:,.0f} rows/s, by {detector} version {version}: {output}",
            rows=rows,
            done=_summary(job, rows, flagged),
            speed=rows / (ended - scoring),
            detector=detector.name,
            version=detector.version,
            output=phrase("standard output") if is_standard(command.output) else command.output,
        )
        for note in (*late_notes, summary):
            print(shown(note), file=sys.stderr)
    if command.json:
        report = _report(detector, job, command.output, rows=rows, flagged=flagged, seconds=ended - started)
        report["notes"] += late_notes
        print(json.dumps(report, ensure_ascii=False))


def _summary(job: Job, rows: int, flagged: int) -> Message:
    """Return a summary of what was done, in a few words."""
    done = []
    if "scores" in job.write:
        done.append(phrase("scored, {flagged:,} flagged ({share:.2%})", flagged=flagged, share=flagged / max(rows, 1)))
    if "embedding" in job.write:
        units = sum(name.startswith("embedding_") for name in job.schema.names[len(job.inputs.ids) :])
        done.append(plural("embedded in {count:,} unit", "embedded in {count:,} units", count=units))
    if "expected" in job.write:
        done.append(phrase("reconstructed"))
    return joined(done, by=", ")


def _report(detector: Detector, job: Job, output: Path, *, rows: int, flagged: int, seconds: float) -> dict[str, Any]:
    """Return the report that ``--json`` prints; other programs rely on its names."""
    return {
        "output": str(output),
        "name": detector.name,
        "version": detector.version,
        "rows": rows,
        "flagged": flagged if "scores" in job.write else None,
        "written": job.schema.names,
        "notes": list(job.inputs.notes),
        "seconds": round(seconds, 3),
    }


def _chunks(detector: Detector, job: Job, chunk_rows: int | None) -> Iterator[Chunk]:
    """Read all rows; numbers of text files are parsed as numbers."""
    options = replace(job.inputs.options, numbers=plain_numbers(detector.schema))
    fitting = max(_LEAST_ROWS, min(_CHUNK_ROWS, _CHUNK_CELLS // len(detector.schema.read)))
    return replace(job.inputs, options=options).chunks(chunk_rows=chunk_rows or fitting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScoredChunk:
    """Numbers of rows and anomalies of a scored chunk, what was noticed of them, and a function that writes it."""

    rows: int
    flagged: int
    noticed: Noticed
    write: Callable[[], None]


def _scored(detector: Detector, writer: Writer, job: Job, chunk: Chunk, stopped: Event) -> _ScoredChunk:
    """Score a chunk; one that is stopped is cut short."""
    with chunk.naming_file():
        columns = columns_of_table(detector.schema, chunk.table, first_row=chunk.first_row)
        ids = chunk.id_columns()
    rows: list[ScoredRows] = []
    for start in range(0, max(len(chunk.table), 1), CACHED_ROWS):
        some = {name: cells[start : start + CACHED_ROWS] for name, cells in columns.items()}
        rows.append(rows_of(detector, some, ids.slice(start, CACHED_ROWS), write=job.write, top=job.top))
        if stopped.is_set():
            break
    return _ScoredChunk(
        rows=len(chunk.table),
        flagged=sum(item.flagged for item in rows),
        noticed=notice(detector, columns, len(chunk.table)),
        write=writer.ready(*(map(ForSpreadsheets, rows) if job.spreadsheet else rows)),
    )


class RowsBar:
    """A progress bar over rows; with a percentage where their number is known or can be estimated."""

    def __init__(self, console: Console, paths: Sequence[Path], *, doing: str, quiet: bool) -> None:
        hidden = quiet or not console.is_terminal
        counts = [] if hidden else [estimated_rows(Source.of(path).path or path) for path in paths]
        known = [count for count in counts if count is not None]
        self._progress = Progress(
            TextColumn(shown(doing)),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[done]}"),
            TimeElapsedColumn(),
            console=console,
            disable=hidden,
        )
        total = sum(known) if len(known) == len(paths) else None
        self._task = self._progress.add_task(doing, total=total, done="")
        self._started = time.perf_counter()
        self._rows = 0

    def __enter__(self) -> RowsBar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            self._progress.update(self._task, total=self._rows)
        self._progress.stop()

    def __call__(self, rows: int) -> None:
        """Add rows that are done."""
        self._rows += rows
        speed = self._rows / (time.perf_counter() - self._started)
        done = shown(phrase("{rows:,} rows, {speed:,.0f} rows/s", rows=self._rows, speed=speed))
        self._progress.update(self._task, advance=rows, done=done)


def estimated_rows(path: Path) -> int | None:
    """Return the number of rows of a Parquet file, or an estimate for a text file by its first lines; else None."""
    try:
        return int(pa.parquet.read_metadata(path).num_rows)
    except pa.ArrowInvalid:
        with path.open("rb") as file:
            sample = file.read(_SAMPLE_BYTES)
    lines = sample.count(b"\n")
    if not lines or b"\0" in sample:  # compressed, or not text
        return None
    return round(path.stat().st_size * lines / len(sample))
