"""What is measured, each in a process of its own: ours, and Arrow alone on the same input and output.

    python -m benchmarks.batch.contenders NAME INPUT OUTPUT WITH

runs one and prints what it took as JSON. WITH is the bundle for ours, and for Arrow a Parquet file with the columns
that it writes: those that ours wrote, read before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_CHUNK_ROWS: Final = 131_072


def ours(source: Path, output: Path, bundle: Path) -> Callable[[], None]:
    """Score a file, as the batch program does."""
    from models.bundle import load_detector
    from models.tables.formats import format_of
    from service.files.score_files import prepare, score_files

    detector = load_detector(bundle)

    def run() -> None:
        job = prepare(detector, [source], output)
        score_files(detector, job, output, format_name=format_of(output))

    return run


def arrow_parquet(source: Path, output: Path, scores: Path) -> Callable[[], None]:
    """Read a Parquet file as a whole, and write the scores."""
    import pyarrow.parquet as pq

    written = pq.read_table(scores)

    def run() -> None:
        pq.read_table(source)
        pq.write_table(written, output)

    return run


def arrow_parquet_pieces(source: Path, output: Path, scores: Path) -> Callable[[], None]:
    """The same in chunks, so that memory stays flat; with ``pre_buffer`` it would grow with the file, and be slower."""
    import pyarrow.parquet as pq

    written = pq.read_table(scores)

    def run() -> None:
        with pq.ParquetFile(source, pre_buffer=False) as file, pq.ParquetWriter(output, written.schema) as out:
            start = 0
            for batch in file.iter_batches(batch_size=_CHUNK_ROWS):
                out.write_table(written.slice(start, batch.num_rows))
                start += batch.num_rows

    return run


def arrow_csv(source: Path, output: Path, scores: Path) -> Callable[[], None]:
    """Read a CSV file as a whole, and write the scores."""
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    written = pq.read_table(scores)

    def run() -> None:
        pc.read_csv(source)
        pc.write_csv(written, output)

    return run


def arrow_csv_pieces(source: Path, output: Path, scores: Path) -> Callable[[], None]:
    """The same in chunks, so that memory stays flat."""
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    written = pq.read_table(scores)

    def run() -> None:
        with pc.open_csv(source) as file, pc.CSVWriter(output, written.schema) as out:
            start = 0
            for batch in file:
                out.write_table(written.slice(start, batch.num_rows))
                start += batch.num_rows

    return run


CONTENDERS: Final[dict[str, Callable[[Path, Path, Path], Callable[[], None]]]] = {
    "ours": ours,
    "arrow_parquet": arrow_parquet,
    "arrow_parquet_pieces": arrow_parquet_pieces,
    "arrow_csv": arrow_csv,
    "arrow_csv_pieces": arrow_csv_pieces,
}
"""Each returns the function to time, after imports, loading and reading the columns to write."""


def measured(name: str, source: Path, output: Path, with_: Path) -> dict[str, float]:
    """Run one in this process; return wall and CPU seconds, and the process's peak memory in MB."""
    run = CONTENDERS[name](source, output, with_)
    before, began = time.process_time(), time.perf_counter()
    run()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - before
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """Return the peak memory of this process; `getrusage` would include that of its parent at the start."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], *map(Path, sys.argv[2:]))))
