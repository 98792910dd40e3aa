"""MEASURES: what is measured of one fit on one part, and their means and spreads over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.planted.experiment import UNPLANTED
from benchmarks.quality.results import Row

TOP: Final = 0.02
"""Share of the rows with the highest scores, in which errors are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The errors of one part, as one fit sees them.

    Args:
        table: The table.
        method: The method.
        seed: The seed.
        part: ``fitted`` or ``fresh``.
        errors: A row of results for each error.
        unplanted: Number of rows without errors.
        false_alarms: Number of these that are flagged.
        seconds: Seconds of the fit.
    """

    table: str
    method: str
    seed: str
    part: str
    errors: tuple[Row, ...]
    unplanted: int
    false_alarms: int
    seconds: float

    @property
    def beyond(self) -> list[Row]:
        """The errors that lie beyond everything else in their column by half its range or more."""
        return [error for error in self.errors if _is(error, "beyond")]

    def in_top(self, error: Row) -> bool:
        """Return whether an error is among the 2 % of the rows with the highest scores."""
        return int(error["rank"]) <= math.ceil(TOP * int(error["rows"]))

    def in_first(self, error: Row) -> bool:
        """Return whether an error is among the k rows with the highest scores, of k errors."""
        return int(error["rank"]) <= len(self.errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure.

    Args:
        name: Its name in ``--json``.
        title: Its name in tables.
        says: What it is.
        of: Its value for one fit and part; None where nothing can be measured.
        digits: Digits of its text; None for a percentage.
    """

    name: str
    title: str
    says: str
    of: Callable[[Found], float | None]
    digits: int | None = None

    def text(self, value: float | None) -> str:
        """Return a value for people."""
        if value is None:
            return "–"
        return f"{100 * value:.{0 if value in {0, 1} else 1}f}" if self.digits is None else f"{value:.{self.digits}f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean, lowest and highest value of a measure over seeds."""

    mean: float
    low: float
    high: float


def _is(error: Row, name: str) -> bool:
    return error[name] == "1"


def _share(flags: Iterable[bool]) -> float | None:
    found = list(flags)
    return sum(found) / len(found) if found else None


def _explained(errors: Iterable[Row], name: str) -> list[Row]:
    return [error for error in errors if error[name]]


def _median_distance(found: Found) -> float | None:
    distances = [float(error["distance"]) for error in _explained(found.errors, "distance")]
    return float(np.median(distances)) if distances else None


MEASURES: Final = {
    measure.name: measure
    for measure in (
        Measure(
            name="recall_top_k",
            title="in the first k, %",
            says="errors among the k highest scores, where k errors are planted",
            of=lambda found: _share(map(found.in_first, found.errors)),
        ),
        Measure(
            name="recall_top_2_percent",
            title="in the top 2 %, %",
            says="errors among the 2 % of the rows with the highest scores",
            of=lambda found: _share(map(found.in_top, found.errors)),
        ),
        Measure(
            name="flagged",
            title="flagged, %",
            says="errors that are flagged",
            of=lambda found: _share(_is(error, "flagged") for error in found.errors),
        ),
        Measure(
            name="false_alarms",
            title="false alarms, %",
            says="rows without errors that are flagged",
            of=lambda found: found.false_alarms / found.unplanted,
        ),
        Measure(
            name="blamed",
            title="column right, %",
            says="errors whose column is the first that is named",
            of=lambda found: _share(_is(error, "blame_right") for error in _explained(found.errors, "blamed")),
        ),
        Measure(
            name="beyond_flagged",
            title="gross: flagged, %",
            says="gross errors, beyond everything else in their column by half its range or more, that are flagged",
            of=lambda found: _share(_is(error, "flagged") for error in found.beyond),
        ),
        Measure(
            name="beyond_blamed",
            title="gross: column right, %",
            says="gross errors whose column is the first that is named",
            of=lambda found: _share(_is(error, "blame_right") for error in _explained(found.beyond, "blamed")),
        ),
        Measure(
            name="nearer",
            title="expected nearer the truth, %",
            says="numbers whose expected value is nearer to the true one than to the planted one",
            of=lambda found: _share(_is(error, "nearer") for error in _explained(found.errors, "nearer")),
        ),
        Measure(
            name="distance",
            title="distance to the truth",
            says="median distance of the expected number to the true one, in interquartile ranges of the column",
            of=_median_distance,
            digits=2,
        ),
    )
}
"""Measures by name."""


def found_of(rows: Sequence[Row]) -> list[Found]:
    """Return the rows of results by fit and part; fits without figures are left out."""
    errors: dict[tuple[str, ...], list[Row]] = {}
    totals: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in ("table", "method", "seed", "errors", "part"))
        if row["kind"] == UNPLANTED:
            totals[key] = row
        else:
            errors.setdefault(key, []).append(row)
    return [
        Found(
            table=total["table"],
            method=total["method"],
            seed=total["seed"],
            part=total["part"],
            errors=tuple(errors.get(key, ())),
            unplanted=int(total["rows"]),
            false_alarms=int(total["flagged"]),
            seconds=float(total["fit_seconds"]),
        )
        for key, total in totals.items()
    ]


def spread_of(measure: Measure, found: Iterable[Found]) -> Spread | None:
    """Return mean, lowest and highest value of a measure over fits; None where none has a value."""
    values = [value for value in map(measure.of, found) if value is not None]
    return Spread(mean=float(np.mean(values)), low=min(values), high=max(values)) if values else None


def groups_of(found: Iterable[Found]) -> dict[tuple[str, str, str], list[Found]]:
    """Return fits by table, method and part: those of one group differ by their seed."""
    groups: dict[tuple[str, str, str], list[Found]] = {}
    for one in found:
        groups.setdefault((one.table, one.method, one.part), []).append(one)
    return groups


def kinds_found(found: Iterable[Found], kind: str) -> tuple[int, int, int]:
    """Return, over fits, how many errors of a kind there are, are in the top 2 %, and are flagged."""
    errors = [
        (one.in_top(error), _is(error, "flagged")) for one in found for error in one.errors if error["kind"] == kind
    ]
    return len(errors), sum(top for top, _ in errors), sum(flagged for _, flagged in errors)
