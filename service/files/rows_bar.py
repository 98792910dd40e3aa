"""A progress bar over rows, whose number is known or estimated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from models.languages import shown
from models.messages import phrase
from models.tables.source import Source

_SAMPLE_BYTES: Final = 1 << 20


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
