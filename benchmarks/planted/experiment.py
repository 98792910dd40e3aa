"""The experiment: a fit for each table, method and seed; a row for each error, and one for the rows without."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.planted.planting import Error, Part, planted_parts
from benchmarks.planted.tables.table import TABLES
from benchmarks.planted.verdicts import Reason, Scored, verdicts_of
from benchmarks.quality.jobs import Job
from benchmarks.quality.methods import Method, method_of
from benchmarks.quality.results import Results, Row

DEFAULT_METHODS: Final = ("ours", "fast", "best", "AutoEncoder", "IForest", "ECOD", "KNN", "LOF")
"""Methods that are measured by default, where they can be run."""

KEY: Final = ("table", "method", "seed", "errors")
COLUMNS: Final = (
    *KEY,
    *("part", "kind", "row", "columns", "true", "planted", "beyond", "rows", "rank", "flagged"),
    *("blamed", "blame_right", "expected", "nearer", "distance", "fit_seconds"),
)
"""Columns of the results."""

UNPLANTED: Final = "unplanted"
"""Kind of the row about all rows without errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The choices of the command line: tables, methods, seeds, errors in each part, the folder of real files."""

    tables: Sequence[str]
    methods: Sequence[Method]
    seeds: Sequence[int]
    errors: int
    folder: Path | None

    def jobs(self) -> list[Job]:
        """Return a job for every table, seed and method."""
        return [
            Job(
                experiment=f"{__name__}:{work.__name__}",
                key={"table": table, "method": method.name, "seed": str(seed), "errors": str(self.errors)},
                data="" if self.folder is None else str(self.folder),
                modules=method.modules,
            )
            for table in self.tables
            for seed in self.seeds
            for method in self.methods
        ]


def results_of(folder: Path) -> Results:
    """Return the results in a folder."""
    return Results(path=folder / "planted.csv", columns=COLUMNS, key=KEY)


def write_tables(choice: Choice, folder: Path) -> list[Path]:
    """Write the rows of both parts of each table and seed, errors included, as CSV files; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in choice.tables:
        for seed in choice.seeds:
            for part, planted in planted_parts(table, seed=seed, errors=choice.errors, folder=choice.folder).items():
                path = folder / f"{table}-{seed}-{part}.csv"
                planted.rows.to_csv(path, index=False)
                paths.append(path)
    return paths


def work(job: Job) -> list[Row]:
    """Plant, fit and score; return the rows of both parts."""
    table, seed = job.key["table"], int(job.key["seed"])
    folder = Path(job.data) if job.data else None
    parts = planted_parts(table, seed=seed, errors=int(job.key["errors"]), folder=folder)
    fitted = verdicts_of(method_of(job.key["method"]), parts, ids=TABLES[table].ids, seed=seed)
    return [
        {**job.key, **row}
        for name, part in parts.items()
        for row in rows_of(name, part, fitted.parts[name], seconds=fitted.seconds)
    ]


def rows_of(name: str, part: Part, scored: Scored, *, seconds: float) -> Iterable[Row]:
    """Yield the rows of results of a part: one about all rows without errors, and one for each error."""
    unplanted = ~part.is_planted
    yield {
        "part": name,
        "kind": UNPLANTED,
        "rows": str(int(unplanted.sum())),
        "flagged": str(int(scored.flagged[unplanted].sum())),
        "fit_seconds": f"{seconds:.2f}",
    }
    for i, error in enumerate(part.errors):
        yield {
            "part": name,
            "kind": error.kind,
            "row": str(error.row),
            "columns": "|".join(error.columns),
            "true": _text(error.true),
            "planted": _text(error.planted),
            "beyond": str(int(error.beyond)),
            "rows": str(len(part.rows)),
            "rank": str(scored.rank(error.row)),
            "flagged": str(int(scored.flagged[error.row])),
            **(_reason(error, scored.reasons[i]) if scored.reasons else {}),
        }


def _reason(error: Error, reason: Reason) -> Row:
    """Return what the reason is worth: is the blame right, how near is the expected number to the truth?"""
    row = {"blamed": reason.blamed, "blame_right": str(int(reason.blamed in (*error.columns, *error.beside)))}
    expected = [reason.expected.get(name) for name in error.columns]
    row["expected"] = "|".join("" if value is None else str(value) for value in expected)
    [first, *others] = error.columns
    if error.spread is None or others or not isinstance(expected[0], (int, float)):
        return row
    distance = abs(float(expected[0]) - float(error.true[first]))
    nearer = distance < abs(float(expected[0]) - float(error.planted[first]))
    iqr = distance / error.spread if error.spread else math.nan
    return row | {"nearer": str(int(nearer)), "distance": f"{iqr:.4g}"}


def _text(values: Any) -> str:
    return "|".join(map(str, values.values()))
