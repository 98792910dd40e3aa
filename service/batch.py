"""`python -m service.batch`: scores files of any size, each row once and in order, in bounded memory."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa
from rich.console import Console

from models.bundle import load_detector
from models.cli import OneLineParser, clean_up_at_sigterm, run_command
from models.columns import require_columns
from models.detector import Detector
from models.errors import ConfigError, TableError
from models.reading_flags import add_reading_flags, read_options_of
from models.repository import resolve
from models.schema import FeatureSchema
from models.tables import CHUNK_ROWS, ReadOptions, Table, expand, iter_table
from service.progress import RowsBar
from service.writers import WRITERS, Layout, ScoredRows, flat_schema, format_of, new_file

_SHOWN_NAMES: Final = 10
_EXAMPLES = """\
examples:
  python -m service.batch models/artifacts/flows new.csv --output scores.csv
  python -m service.batch models/artifacts/flows 'day/*.parquet' --output scores.parquet --explain 3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be scored, and what is known about it before the first row is.

    Args:
        paths: The files, in order.
        options: How text files are written.
        layout: Columns of the output.
        notes: One line for each thing that was repaired or is ignored.
    """

    paths: tuple[Path, ...]
    options: ReadOptions
    layout: Layout
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many rows were scored, and how many of them are anomalies."""

    rows: int = 0
    flagged: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    clean_up_at_sigterm()
    return run_command(lambda: _run(arguments), debug=arguments.debug)


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
    paths = tuple(expand(inputs))
    _check_output(output, paths)
    options = options or ReadOptions()
    if options.header is None:
        options = replace(options, header=detector.schema.header)
    types: dict[str, set[pa.DataType]] = {name: set() for name in detector.schema.ids}
    notes: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for path in paths:
        first = next(iter_table(path, options, chunk_rows=1))
        _check_shape(detector.schema, path, first)
        for name, kinds in types.items():
            kinds.add(_id_type(path, name, first.data.schema.field(name).type))
        notes |= dict.fromkeys(f"read: {repair}" for repair in first.repairs)
        unknown |= dict.fromkeys(name for name in first.names if name not in detector.schema.known)
    if unknown:
        notes[f"ignored: {_listed(list(unknown))}, which the detector does not know"] = None
    # Files that disagree on an id's type can only agree on text.
    ids = {name: kinds.pop() if len(kinds) == 1 else pa.string() for name, kinds in types.items()}
    layout = Layout(
        ids=ids, top=min(top, len(detector.schema.columns)), by_segment=detector.schema.threshold_by is not None
    )
    _check_names(layout)
    return Job(paths=paths, options=options, layout=layout, notes=tuple(notes))


def score_files(
    detector: Detector,
    job: Job,
    output: Path,
    *,
    format_name: str,
    chunk_rows: int = CHUNK_ROWS,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> Tally:
    """Score every row of a job and write the output.

    Args:
        detector: What scores.
        job: From `prepare`.
        output: The file; it is replaced when the new one is complete.
        format_name: A key of `WRITERS`.
        chunk_rows: Rows that are held at once.
        on_rows: Is told how many more rows are written.

    Raises:
        TableError: A cell is of the wrong kind, or the output cannot be written; there is no output then.
    """
    tally = Tally()
    with new_file(output, job.layout, format_name=format_name) as writer:
        for rows in _scored(detector, job, chunk_rows):
            writer.write(rows)
            flagged = int(rows.verdicts.is_anomaly.sum())
            tally = Tally(rows=tally.rows + len(rows.verdicts), flagged=tally.flagged + flagged)
            on_rows(len(rows.verdicts))
    return tally


def _run(arguments: argparse.Namespace) -> None:
    output: Path = arguments.output
    _check_folder(output)
    format_name = arguments.format or format_of(output)
    options = read_options_of(arguments)
    detector = load_detector(resolve(arguments.detector))
    job = prepare(detector, arguments.inputs, output, options=options, top=arguments.explain)
    if not arguments.quiet:
        for note in job.notes:
            print(note, file=sys.stderr)
    started = time.perf_counter()
    with RowsBar(Console(stderr=True), job.paths, quiet=arguments.quiet) as bar:
        tally = score_files(detector, job, output, format_name=format_name, on_rows=bar)
    if not arguments.quiet:
        share = tally.flagged / tally.rows if tally.rows else 0.0
        speed = tally.rows / (time.perf_counter() - started)
        print(
            f"{tally.rows:,} rows scored, {tally.flagged:,} flagged ({share:.2%}), {speed:,.0f} rows/s, "
            f"by {detector.name} version {detector.version}: {output}",
            file=sys.stderr,
        )


def _scored(detector: Detector, job: Job, chunk_rows: int) -> Iterator[ScoredRows]:
    for path in job.paths:
        row = 0
        for table in iter_table(path, job.options, chunk_rows=chunk_rows):
            try:
                verdicts = detector.judge_table(table, first_row=row)
                ids = pa.table({name: _plain(table.data.column(name)) for name in job.layout.ids})
            except (TableError, pa.ArrowInvalid) as error:
                raise TableError(f"{path}: {error}") from error
            yield ScoredRows(ids=ids, verdicts=verdicts, top=job.layout.top)
            row += len(table)


def _check_folder(output: Path) -> None:
    if not output.parent.is_dir():
        raise ConfigError(f"{output}: there is no folder {str(output.parent)!r}. Make it, or choose another --output.")
    if output.exists() and not output.is_file():
        raise ConfigError(f"{output}: is there and is no file. Choose another --output.")


def _check_output(output: Path, paths: Sequence[Path]) -> None:
    _check_folder(output)
    if output.exists() and any(path.samefile(output) for path in paths):
        raise ConfigError(f"{output}: is one of the files to be scored. Choose another --output.")


def _check_shape(schema: FeatureSchema, path: Path, table: Table) -> None:
    try:
        require_columns(schema, table.names)
    except TableError as error:
        raise TableError(f"{path}: {error}") from error
    absent = [name for name in schema.ids if name not in table.names]
    if absent:
        raise TableError(
            f"{path}: lacks the id column{'s' * (len(absent) > 1)} {_listed(absent)}, which the output carries. Add it "
            "to the file, or train the detector without that --id."
        )


def _check_names(layout: Layout) -> None:
    names = [*flat_schema(replace(layout, ids={})).names, "contributions"]
    taken = [name for name in layout.ids if name in names]
    if taken:
        raise ConfigError(
            f"The id column {taken[0]!r} is called like a column of the output ({', '.join((*layout.figures, '…'))}). "
            "Rename it and train the detector anew."
        )


def _id_type(path: Path, name: str, kind: pa.DataType) -> pa.DataType:
    """Return the type of an id column in the output."""
    plain = _plain_type(kind)
    try:
        pa.array([], plain).cast(pa.string())
    except pa.ArrowNotImplementedError as error:
        raise TableError(
            f"{path}: the id column {name!r} is of type {kind}; an id must be a text, a number or an instant."
        ) from error
    return plain


def _plain_type(kind: pa.DataType) -> pa.DataType:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    texts = (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.null())
    return pa.string() if plain in texts else plain


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(_plain_type(column.type))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(map(repr, names[:_SHOWN_NAMES])) + (f" and {more:,} more" if more > 0 else "")


def _columns_to_explain(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m service.batch",
        description="Score files of any size: each row once and in order, with its ids, score, p-value and verdict.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("detector", metavar="DETECTOR", help="a bundle, or a detector's folder (its latest version)")
    parser.add_argument(
        "inputs", nargs="+", metavar="IN", help="files or patterns: CSV, Parquet, Arrow or JSON lines, also as .gz"
    )
    suffixes = ", ".join(suffix for form in WRITERS.values() for suffix in form.suffixes)
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="OUT",
        help=f"where the scores go ({suffixes}; text also as .gz);\na file that is there is replaced when all is done",
    )
    parser.add_argument("--format", choices=list(WRITERS), help="format of OUT (default: by its name)")
    parser.add_argument(
        "--explain",
        type=_columns_to_explain,
        default=0,
        metavar="K",
        help="name the K columns that add most to each score, with actual and expected values",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    add_reading_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
