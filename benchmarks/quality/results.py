"""The results of an experiment on disk: a CSV that grows by whole jobs and can be resumed at any time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import TableError

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The CSV of an experiment.

    Args:
        path: The file; it is created where it does not exist.
        columns: Its columns.
        key: The first columns, which identify the job of a row.
    """

    path: Path
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def read(self) -> list[Row]:
        """Return the rows; of a job that was run again, those of the last run.

        Raises:
            TableError: The file is of another kind.
        """
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
        if lines and tuple(lines[0]) != self.columns:
            raise TableError(
                f"{self.path}: its columns are {', '.join(lines[0])}, not {', '.join(self.columns)}; "
                "name another --out."
            )
        jobs: dict[tuple[str, ...], list[Row]] = {}
        for number, cells in enumerate(lines[1:], start=2):
            if len(cells) != len(self.columns):
                raise TableError(f"{self.path}, line {number}: {len(cells)} cells, not {len(self.columns)}; delete it.")
            row = dict(zip(self.columns, cells, strict=True))
            jobs.setdefault(self.job_of(row), []).append(row)
        return [row for rows in jobs.values() for row in self._that_count(rows)]

    def done(self, *, again: bool = False) -> set[tuple[str, ...]]:
        """Return the jobs that are done; with `again`, without those that failed."""
        rows = self.read()
        return {self.job_of(row) for row in rows} - (
            {self.job_of(row) for row in rows if self.failed(row)} if again else set()
        )

    def job_of(self, row: Row) -> tuple[str, ...]:
        """Return the key of a row's job."""
        return tuple(row[name] for name in self.key)

    def failed(self, row: Row) -> bool:
        """Return whether a row is that of a failed job."""
        return all(not row[name] for name in self.columns if name not in self.key)

    def append(self, rows: Iterable[Row]) -> None:
        """Append the rows of one job in one write."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, restval="", lineterminator="\n")
        if not self.path.exists() or not self.path.stat().st_size:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            writer.writeheader()
        writer.writerows(rows)
        with self.path.open("ab") as file:
            file.write(text.getvalue().encode())

    def mend(self) -> bool:
        """Remove a line that was cut off, with the other rows of its job; return whether there was one."""
        if not self.path.exists():
            return False
        content = self.path.read_bytes()
        whole, newline, cut = content.rpartition(b"\n")
        if not cut:
            return False
        lines = whole.split(b"\n") if newline else []
        while len(lines) > 1 and self._same_job(lines[-1], cut):
            lines.pop()
        self.path.write_bytes(b"".join(line + b"\n" for line in lines))
        return True

    def _that_count(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if not self.failed(row)] or rows[-1:]

    def _same_job(self, line: bytes, cut: bytes) -> bool:
        """Return whether a whole line may be of the same job as the cut one; in doubt it is, and the job runs again."""
        key = _line(_cells(line)[: len(self.key)])
        return key.startswith(cut) or cut.startswith(key + b",")


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode()]))


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue().encode()
