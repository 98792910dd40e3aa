"""The page of a folder of results: one self-contained HTML file, and its tables as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.quality.experiments.table import EXPERIMENTS
from benchmarks.quality.record import runs_of
from benchmarks.quality.results import Row
from benchmarks.quality.sections import benchmark, contamination, decisions, mixed, thresholds
from benchmarks.quality.splits import CAP
from models.errors import ConfigError
from training.report.kit.page import Grid, Section, Text, page_of

SECTIONS: Final[dict[str, Callable[[Sequence[Row]], list[Section]]]] = {
    "benchmark": benchmark.sections,
    "contamination": contamination.sections,
    "thresholds": thresholds.sections,
    "f1": decisions.sections,
    "mixed": mixed.sections,
}
"""The sections of the page, by experiment."""

_HOW: Final = (
    f"A set of more than {CAP:,} rows is drawn down to as many, anomalies and normal rows apart. Peers get rows that "
    "are standardised by the fitting rows, with their own defaults and a seed where they take one; ours gets the rows "
    "as they are and standardises them itself. Figures of a set are means over its seeds. Every fit runs in a process "
    "of its own: imports and a first small fit are not timed. Peak memory is the most that was resident while fitting "
    "and scoring, above what was resident before: interpreter, libraries, that first small fit and the rows "
    "themselves; what fits into memory that was free there counts as nothing."
)


def write_page(folder: Path) -> list[Path]:
    """Write `index.html` and `tables.md` from the CSVs of a folder; return their paths.

    Raises:
        ConfigError: There are no results.
    """
    sections = [
        section
        for name, experiment in EXPERIMENTS.items()
        if (rows := experiment.results(folder).read())
        for section in SECTIONS[name](rows)
    ]
    if not sections:
        raise ConfigError(f"--out: {folder} has no results; measure first: python -m benchmarks.quality --data DIR.")
    sections.append(_runs(runs_of(folder)))
    page, tables = folder / "index.html", folder / "tables.md"
    page.write_text(page_of(sections, title="Detection quality", introduction=_HOW), encoding="utf-8")
    tables.write_text("\n".join(map(_markdown, sections)), encoding="utf-8")
    return [page, tables]


def _markdown(section: Section) -> str:
    parts = [
        _markdown_table(part) if isinstance(part, Grid) else f"{part.text}\n"
        for part in section.parts
        if isinstance(part, Grid | Text)
    ]
    return f"## {section.title}\n\n" + "\n".join(parts)


def _markdown_table(grid: Grid) -> str:
    body = ([name, *(f"**{cell.text}**" if cell.best else cell.text for cell in row)] for name, row in grid.lines())
    lines = [grid.header, ["---"] * len(grid.header), *body]
    table = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
    return f"### {grid.title}\n\n" + (f"{grid.note}\n\n" if grid.note else "") + table + "\n"


def _runs(runs: Sequence[dict[str, Any]]) -> Section:
    """Return a section on the runs behind the rows."""
    grid = Grid(
        title="Commands",
        header=("command", "started", "wall time, s", "fits", "at once", "threads each", "CPUs", "machine", "versions"),
        rows=[
            (
                run["command"],
                run["started"],
                f"{run['seconds']:,.0f}",
                f"{run['done']:,}",
                str(run["jobs"]),
                "the libraries' own" if run["threads"] is None else str(run["threads"]),
                str(run["cpus"]),
                f"{run['processor']}, {run['system']}",
                ", ".join(f"{name} {version}" for name, version in run["versions"].items()),
            )
            for run in runs
        ],
    )
    seconds = sum(run["seconds"] for run in runs)
    said = f"{sum(run['done'] for run in runs):,} fits in {seconds:,.0f} s of wall time, over {len(runs)} commands."
    return Section(anchor="runs", title="How these figures were made", parts=[Text(text=said), grid] if runs else [])
