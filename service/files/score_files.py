"""Scores files of any size: each row once and in order, in bounded memory."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple

import pyarrow as pa
from rich.console import Console

from models.bundle import load_detector
from models.columns.from_records import columns_of_records
from models.columns.from_tables import columns_of_table, plain_numbers
from models.detector import Detector
from models.languages import shown, spoken
from models.messages import Message, joined, phrase, plural
from models.programs.inputs import Chunk, Inputs, check_folder, check_ids, check_inputs, check_output
from models.repository import resolve
from models.scoring.scorer import CACHED_ROWS
from models.tables.formats import OUTPUT_FORMATS, format_of
from models.tables.read_options import ReadOptions
from models.tables.standard_streams import is_standard
from models.tables.writers import Rows, new_file
from models.threads import allowed_threads
from models.unlike_training import leading_columns
from service.files.chosen_rows import EVERY_ROW, Choice, Waiting
from service.files.pipeline import in_order
from service.files.row_notes import Noticed, RowNotes, notice
from service.files.rows_bar import RowsBar
from service.files.scored_rows import rows_of
from service.files.spreadsheet import ForSpreadsheets, SheetForm, require_for_people

_CHUNK_ROWS: Final = 32_768
_CHUNK_CELLS: Final = 1 << 20  # a chunk of many columns has fewer rows
_LEAST_ROWS: Final = 256  # with fewer, the calls would take longer than the work

Ready = Callable[..., Callable[[], None]]
"""Formats rows, on any thread, and returns the function that adds them when it is their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCommand:
    """A command line of `python -m service.batch`; its help says what the flags mean."""

    detector: str
    inputs: Sequence[str]
    output: Path
    format_name: str | None
    write: Collection[str] | None
    explain: int
    choice: Choice
    keep: Sequence[str]
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
        choice: Which rows are written.
        spreadsheet: Whether it is for people: numbers in a few digits, and no text that a spreadsheet would run.
    """

    inputs: Inputs
    write: Collection[str]
    top: int
    schema: pa.Schema
    choice: Choice = EVERY_ROW
    spreadsheet: bool = False


class Counts(NamedTuple):
    """Numbers of rows that were scored, of anomalies among them, and of rows that were written."""

    rows: int
    flagged: int
    written: int


def prepare(
    detector: Detector,
    inputs: Sequence[str | Path],
    output: Path,
    *,
    options: ReadOptions | None = None,
    write: Collection[str] = ("scores",),
    top: int = 0,
    keep: Sequence[str] = (),
) -> Job:
    """Look at the first row of every file, so that files that cannot be scored are refused before any row is.

    Raises:
        ConfigError: The output cannot be where it was asked for, a column to keep is not there, or an id or such a
            column is called like a column of the output.
        TableError: A file is missing, damaged or of another shape than the training data.
    """
    checked = check_inputs(detector.schema, inputs, options=options, keep=keep)
    check_output(output, checked.paths)
    blank = columns_of_records(detector.schema, [dict.fromkeys(detector.schema.read_names)])
    own = rows_of(detector, blank, pa.table({}), write=write, top=top).table().schema
    check_ids({**checked.ids, **checked.kept}, [*own.names, "contributions"])
    schema = pa.schema([*checked.ids.items(), *own, *checked.kept.items()])
    return Job(inputs=checked, write=write, top=top, schema=schema)


def score_files(
    detector: Detector,
    job: Job,
    output: Path,
    *,
    format_name: str,
    chunk_rows: int | None = None,
    on_rows: Callable[[int], None] = lambda rows: None,
    notes: RowNotes | None = None,
) -> Counts:
    """Score every row of a job from `prepare` and write the output, which is replaced when the new one is complete.

    A few chunks of `chunk_rows` rows exist at once, and the rows that the choice holds; `on_rows` gets the number of
    rows that were just scored, and `notes` what was noticed of them.

    Raises:
        TableError: A cell is of the wrong kind, or the output cannot be written; there is no output then.
    """
    rows = flagged = written = 0
    form = SheetForm.of(format_name, given=[*job.inputs.ids, *job.inputs.kept]) if job.spreadsheet else None
    schema = job.schema if form is None else form.table(job.schema.empty_table()).schema
    waiting = Waiting(job.choice.most)
    with new_file(output, schema, format_name=format_name) as writer:
        if job.choice.holds_rows:
            as_objects = OUTPUT_FORMATS[format_name].nested
            ready: Ready = partial(waiting.ready, as_objects=as_objects)
        else:
            ready = writer.ready
        score = partial(_scored, detector, job, form=form, ready=ready, waiting=waiting)
        with closing(in_order(_chunks(detector, job, chunk_rows), score, threads=allowed_threads())) as scored:
            for chunk in scored:
                chunk.write()
                rows, flagged, written = rows + chunk.rows, flagged + chunk.flagged, written + chunk.chosen
                if notes is not None:
                    notes.add(chunk.noticed)
                on_rows(chunk.rows)
        if job.choice.holds_rows:
            written = waiting.write(writer)
    return Counts(rows, flagged, written)


def run(command: BatchCommand) -> None:
    """Run a command line, and report what happened."""
    started = time.perf_counter()
    check_folder(command.output)
    format_name = command.format_name or format_of(command.output)
    if command.spreadsheet:
        require_for_people(format_name, command.output)
    detector = replace(load_detector(resolve(command.detector)), language=spoken())
    is_for_people = command.spreadsheet or format_name == "excel" or command.choice.chooses
    write = command.write or (("scores", "reason") if is_for_people else ("scores",))
    job = prepare(
        detector,
        command.inputs,
        command.output,
        options=command.options,
        write=write,
        top=command.explain,
        keep=command.keep,
    )
    job = replace(job, choice=command.choice, spreadsheet=command.spreadsheet)
    if not command.quiet:
        for note in job.inputs.notes:
            print(shown(note), file=sys.stderr)
    scoring = time.perf_counter()
    row_notes = RowNotes(detector)
    with RowsBar(Console(stderr=True), job.inputs.paths, doing=phrase("scoring"), quiet=command.quiet) as bar:
        counts = score_files(detector, job, command.output, format_name=format_name, on_rows=bar, notes=row_notes)
    ended = time.perf_counter()
    late_notes = list(row_notes.lines())
    if not command.quiet:
        summary = phrase(
            "{rows:,} rows {done}, {speed:,.0f} rows/s, by {detector} version {version}: {output}",
            rows=counts.rows,
            done=_summary(job, counts),
            speed=counts.rows / (ended - scoring),
            detector=detector.name,
            version=detector.version,
            output=phrase("standard output") if is_standard(command.output) else command.output,
        )
        for note in (*late_notes, summary):
            print(shown(note), file=sys.stderr)
    if command.json:
        report = _report(detector, job, command.output, counts, seconds=ended - started)
        report["notes"] += late_notes
        print(json.dumps(report, ensure_ascii=False))


def _summary(job: Job, counts: Counts) -> Message:
    """Return a summary of what was done, in a few words."""
    done = []
    if "scores" in job.write:
        share = counts.flagged / max(counts.rows, 1)
        done.append(phrase("scored, {flagged:,} flagged ({share:.2%})", flagged=counts.flagged, share=share))
    if "embedding" in job.write:
        units = sum(name.startswith("embedding_") for name in job.schema.names[len(job.inputs.ids) :])
        done.append(plural("embedded in {count:,} unit", "embedded in {count:,} units", count=units))
    if "expected" in job.write:
        done.append(phrase("reconstructed"))
    if not job.choice.is_all:
        done.append(phrase("{rows:,} written", rows=counts.written))
    return joined(done, by=", ")


def _report(detector: Detector, job: Job, output: Path, counts: Counts, *, seconds: float) -> dict[str, Any]:
    """Return the report that ``--json`` prints; other programs rely on its names."""
    return {
        "output": str(output),
        "name": detector.name,
        "version": detector.version,
        "rows": counts.rows,
        "rows_written": counts.written,
        "flagged": counts.flagged if "scores" in job.write else None,
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
    """Numbers of rows, anomalies and chosen rows of a scored chunk, what was noticed, and a function that writes it."""

    rows: int
    flagged: int
    chosen: int
    noticed: Noticed
    write: Callable[[], None]


def _scored(
    detector: Detector,
    job: Job,
    chunk: Chunk,
    stopped: Event,
    *,
    form: SheetForm | None,
    ready: Ready,
    waiting: Waiting,
) -> _ScoredChunk:
    """Score a chunk; one that is stopped is cut short."""
    with chunk.naming_file():
        columns = columns_of_table(detector.schema, chunk.table, first_row=chunk.first_row)
        ids, kept = chunk.id_columns(), chunk.kept_columns()
    rows: list[Rows] = []
    flagged = chosen = 0
    leading: Counter[str] = Counter()
    for start in range(0, max(len(chunk.table), 1), CACHED_ROWS):
        some = {name: cells[start : start + CACHED_ROWS] for name, cells in columns.items()}
        own = (part.slice(start, CACHED_ROWS) for part in (ids, kept))
        scored = rows_of(detector, some, *own, write=job.write, top=job.top)
        flagged += scored.flagged
        if scored.verdicts is not None:
            leading += leading_columns(scored.verdicts)
        scored = job.choice.of(scored, above=waiting.above)
        chosen += len(scored)
        rows.append(scored if form is None else ForSpreadsheets(scored, form))
        if stopped.is_set():
            break
    return _ScoredChunk(
        rows=len(chunk.table),
        flagged=flagged,
        chosen=len(chunk.table) if job.choice.is_all else chosen,
        noticed=notice(detector, columns, chunk.table, leading=leading),
        write=ready(*rows),
    )
