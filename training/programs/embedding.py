"""Writes the bottleneck of each row of files, in order."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console

from models.bundle import load_detector
from models.columns.from_tables import columns_of_table
from models.columns.to_tables import expected_schema, expected_table
from models.detector import Detector
from models.errors import ConfigError
from models.programs.inputs import Chunk, Inputs, check_folder, check_ids, check_output, look_at
from models.programs.progress import RowsBar
from models.programs.reading_flags import read_options_of
from models.repository import resolve
from models.tables.formats import format_of
from models.tables.read_options import CHUNK_ROWS
from models.tables.writers import PlainRows, new_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Columns of the output.

    Args:
        ids: Those that are carried through.
        latent: One for each unit of the bottleneck.
        expected: What the network expected of each column; none where that was not asked for.
    """

    ids: pa.Schema
    latent: pa.Schema
    expected: pa.Schema

    @classmethod
    def of(cls, detector: Detector, inputs: Inputs, *, reconstruction: bool) -> Layout:
        """Return the columns for a detector and its inputs.

        Raises:
            ConfigError: An id column is called like another column of the output.
        """
        blank = np.zeros((1, len(detector.preprocessor.features)), np.float32)
        units = detector.scorer.engine.embed(blank).shape[1]
        expected = expected_schema(detector.schema) if reconstruction else pa.schema([])
        layout = cls(
            ids=pa.schema(list(inputs.ids.items())),
            latent=pa.schema([(f"embedding_{number}", pa.float32()) for number in range(1, units + 1)]),
            expected=pa.schema([(f"expected_{field.name}", field.type) for field in expected]),
        )
        check_ids(inputs.ids, [*layout.latent.names, *layout.expected.names])
        return layout

    @property
    def schema(self) -> pa.Schema:
        """All columns, in order."""
        return pa.schema([*self.ids, *self.latent, *self.expected])


def embed_files(
    detector: Detector,
    inputs: Inputs,
    output: Path,
    *,
    layout: Layout,
    format_name: str,
    chunk_rows: int = CHUNK_ROWS,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> int:
    """Write the bottleneck of every row, in order; return the number of rows.

    Args:
        detector: What embeds.
        inputs: The files.
        output: The file; it is replaced when the new one is complete.
        layout: Columns of the output.
        format_name: A key of `OUTPUT_FORMATS`.
        chunk_rows: Rows that are held at once.
        on_rows: Is told how many more rows are written.

    Raises:
        TableError: A cell is of the wrong kind, or the output cannot be written; there is no output then.
    """
    rows = 0
    with new_file(output, layout.schema, format_name=format_name) as writer:
        for table in _embedded(detector, inputs, layout, chunk_rows):
            writer.write(PlainRows(table))
            rows += len(table)
            on_rows(len(table))
    return rows


def embed(arguments: argparse.Namespace) -> None:
    """Embed the files that a command line names, and say what happened."""
    started = time.perf_counter()
    output: Path = arguments.output
    check_folder(output)
    if output.exists() and not arguments.overwrite:
        raise ConfigError(f"{output}: is there. Say --overwrite to replace it, or choose another --output.")
    format_name = arguments.format or format_of(output)
    options = read_options_of(arguments)
    detector = load_detector(resolve(arguments.detector))
    inputs = look_at(detector.schema, arguments.data, options=options)
    check_output(output, inputs.paths)
    layout = Layout.of(detector, inputs, reconstruction=arguments.reconstruction)
    if not arguments.quiet:
        for note in inputs.notes:
            print(note, file=sys.stderr)
    embedding = time.perf_counter()
    with RowsBar(Console(stderr=True), inputs.paths, doing="embedding", quiet=arguments.quiet) as bar:
        rows = embed_files(detector, inputs, output, layout=layout, format_name=format_name, on_rows=bar)
    if not arguments.quiet:
        units, speed = len(layout.latent), rows / (time.perf_counter() - embedding)
        print(
            f"{rows:,} rows embedded in {units:,} unit{'s' * (units > 1)}, {speed:,.0f} rows/s, by {detector.name} "
            f"version {detector.version}: {output}",
            file=sys.stderr,
        )
    if arguments.json:
        report = _report(detector, inputs, layout, output, rows=rows, seconds=time.perf_counter() - started)
        print(json.dumps(report, ensure_ascii=False, allow_nan=False))


def _embedded(detector: Detector, inputs: Inputs, layout: Layout, chunk_rows: int) -> Iterator[pa.Table]:
    for chunk in inputs.chunks(chunk_rows=chunk_rows):
        with chunk.named():
            table = _embedded_chunk(detector, chunk, layout)
        yield table


def _embedded_chunk(detector: Detector, chunk: Chunk, layout: Layout) -> pa.Table:
    columns = columns_of_table(detector.schema, chunk.table, first_row=chunk.first_row)
    parts = [*chunk.id_columns().columns, *(pa.array(unit) for unit in detector.embed(columns).T)]
    if len(layout.expected):
        parts += expected_table(detector.schema, detector.score(columns)).columns
    return pa.table(parts, names=layout.schema.names)


def _report(
    detector: Detector, inputs: Inputs, layout: Layout, output: Path, *, rows: int, seconds: float
) -> dict[str, Any]:
    """Return the report that ``--json`` prints; other programs rely on its names."""
    return {
        "output": str(output),
        "name": detector.name,
        "version": detector.version,
        "rows": rows,
        "ids": layout.ids.names,
        "latent_units": len(layout.latent),
        "expected": layout.expected.names,
        "notes": list(inputs.notes),
        "seconds": round(seconds, 3),
    }
