"""Scores files of any size: each row once and in order, in bounded memory."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from rich.console import Console

from models.bundle import load_detector
from models.columns.from_tables import columns_of_table, plain_numbers
from models.detector import Detector
from models.programs.inputs import Chunk, Inputs, check_folder, check_ids, check_output, look_at
from models.programs.progress import RowsBar
from models.programs.reading_flags import read_options_of
from models.repository import resolve
from models.tables.formats import format_of
from models.tables.read_options import ReadOptions
from models.tables.writers import JoinedRows, Writer, new_file
from models.threads import allowed_threads
from service.files.pipeline import in_order
from service.files.scored_rows import Layout, ScoredRows

_CHUNK_ROWS: Final = 32_768
_CHUNK_CELLS: Final = 1 << 20  # where columns are many, a chunk has fewer rows
_LEAST_ROWS: Final = 256  # below it, the calls would take longer than the work
_PIECE_ROWS: Final = 1024  # what stays in the processor's cache from a column of numbers to a score


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be scored, and what is known about it before the first row is.

    Args:
        inputs: The files.
        layout: Columns of the output.
    """

    inputs: Inputs
    layout: Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many rows were scored, and how many of them are anomalies."""

    rows: int = 0
    flagged: int = 0


def prepare(
    detector: Detector, inputs: Sequence[str | Path], output: Path, *, options: ReadOptions | None = None, top: int = 0
) -> Job:
    """Look at the first row of every file, so that what cannot be scored is refused before the first one is.

    Args:
        detector: What will score.
        inputs: Files and patterns.
        output: Where the scores will be.
        options: How text files are written.
        top: How many of the columns that add most are named.

    Raises:
        ConfigError: The output cannot be where it was asked for.
        TableError: A file is missing, damaged or of another shape than the training data.
    """
    looked_at = look_at(detector.schema, inputs, options=options)
    check_output(output, looked_at.paths)
    layout = Layout(
        ids=looked_at.ids,
        top=min(top, len(detector.schema.columns)),
        by_segment=detector.schema.threshold_by is not None,
    )
    check_ids(layout.ids, [*layout.schema.names[len(layout.ids) :], "contributions"])
    return Job(inputs=looked_at, layout=layout)


def score_files(
    detector: Detector,
    job: Job,
    output: Path,
    *,
    format_name: str,
    chunk_rows: int | None = None,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> Tally:
    """Score every row of a job and write the output.

    Args:
        detector: What scores.
        job: From `prepare`.
        output: The file; it is replaced when the new one is complete.
        format_name: A key of `OUTPUT_FORMATS`.
        chunk_rows: Rows of a chunk, of which a few are held at once; by default fewer where columns are many.
        on_rows: Is told how many more rows are written.

    Raises:
        TableError: A cell is of the wrong kind, or the output cannot be written; there is no output then.
    """
    tally = Tally()
    with new_file(output, job.layout.schema, format_name=format_name) as writer:
        score = partial(_scored, detector, writer, job.layout.top)
        with closing(in_order(_chunks(detector, job, chunk_rows), score, threads=allowed_threads())) as scored:
            for part, add in scored:
                add()
                tally = Tally(rows=tally.rows + part.rows, flagged=tally.flagged + part.flagged)
                on_rows(part.rows)
    return tally


def score(arguments: argparse.Namespace) -> None:
    """Score the files that a command line names."""
    output: Path = arguments.output
    check_folder(output)
    format_name = arguments.format or format_of(output)
    options = read_options_of(arguments)
    detector = load_detector(resolve(arguments.detector))
    job = prepare(detector, arguments.inputs, output, options=options, top=arguments.explain)
    if not arguments.quiet:
        for note in job.inputs.notes:
            print(note, file=sys.stderr)
    started = time.perf_counter()
    with RowsBar(Console(stderr=True), job.inputs.paths, doing="scoring", quiet=arguments.quiet) as bar:
        tally = score_files(detector, job, output, format_name=format_name, on_rows=bar)
    if not arguments.quiet:
        share = tally.flagged / tally.rows if tally.rows else 0.0
        speed = tally.rows / (time.perf_counter() - started)
        print(
            f"{tally.rows:,} rows scored, {tally.flagged:,} flagged ({share:.2%}), {speed:,.0f} rows/s, "
            f"by {detector.name} version {detector.version}: {output}",
            file=sys.stderr,
        )


def _chunks(detector: Detector, job: Job, chunk_rows: int | None) -> Iterator[Chunk]:
    """Read all rows, numbers of text files as numbers."""
    options = replace(job.inputs.options, numbers=plain_numbers(detector.schema))
    fitting = max(_LEAST_ROWS, min(_CHUNK_ROWS, _CHUNK_CELLS // len(detector.schema.read)))
    return replace(job.inputs, options=options).chunks(chunk_rows=chunk_rows or fitting)


def _scored(
    detector: Detector, writer: Writer, top: int, chunk: Chunk, stopped: Event
) -> tuple[Tally, Callable[[], None]]:
    """Score a chunk; return its tally, and what adds it to the output; of some rows only if it is stopped."""
    with chunk.named():
        columns = columns_of_table(detector.schema, chunk.table, first_row=chunk.first_row)
        ids = chunk.id_columns()
    pieces = []
    for start in range(0, max(len(chunk.table), 1), _PIECE_ROWS):
        verdicts = detector.score({name: cells[start : start + _PIECE_ROWS] for name, cells in columns.items()})
        pieces.append(ScoredRows(ids=ids.slice(start, _PIECE_ROWS), verdicts=verdicts, top=top))
        if stopped.is_set():
            break
    flagged = sum(int(piece.verdicts.is_anomaly.sum()) for piece in pieces)
    return Tally(rows=len(chunk.table), flagged=flagged), writer.ready(JoinedRows(pieces))
