"""The results as tables of Markdown and as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from benchmarks.planted.kinds import KINDS
from benchmarks.planted.measures import MEASURES, Found, Measure, Spread, groups_of, kinds_found, spread_of
from benchmarks.planted.planting import PARTS
from benchmarks.training.tables import row_of, table_head

_TRUTH: Final = ("row", "columns", "true", "planted")
_VERDICT: Final = ("rank", "flagged", "blamed", "expected")
_WHOLE: Final = {"row", "rank", "flagged"}


def tables_of(found: Sequence[Found]) -> str:
    """Return the measures by part, table and method, and the kinds by table for the first method."""
    first = found[0].method
    return "\n\n".join([*(measures_table(found, part) for part in PARTS), kinds_table(found, first)])


def measures_table(found: Sequence[Found], part: str) -> str:
    """Return a line of measures for each table and method: means over the seeds, and from lowest to highest."""
    seeds = len({one.seed for one in found})
    titles = [measure.title for measure in MEASURES.values()]
    lines = [
        f"Errors in {'fitted' if part == PARTS[0] else 'fresh'} rows, {seeds} seed{'s' * (seeds > 1)}:\n",
        table_head("table", "method", *titles),
    ]
    for (table, method, where), group in groups_of(found).items():
        if where == part:
            cells = [_cell(measure, spread_of(measure, group)) for measure in MEASURES.values()]
            lines.append(row_of(table, method, *cells))
    return "\n".join(lines)


def kinds_table(found: Sequence[Found], method: str) -> str:
    """Return, for each kind and table, how many errors are in the top 2 % and how many are flagged, of how many."""
    names = list(dict.fromkeys(one.table for one in found))
    lines = [
        f"Kinds of errors, {method}: in the top 2 % / flagged, of all planted, fitted and fresh together:\n",
        table_head("kind", *names),
    ]
    for kind in KINDS:
        cells = []
        for table in names:
            total, top, flagged = kinds_found(
                [one for one in found if (one.table, one.method) == (table, method)], kind
            )
            cells.append(f"{top} / {flagged} of {total}" if total else "–")
        lines.append(row_of(kind, *cells))
    return "\n".join(lines)


def means_table(found: Sequence[Found], part: str) -> str:
    """Return a line of measures for each method: means over the tables, the best of each column in bold."""
    methods = list(dict.fromkeys(one.method for one in found))
    names = ("recall_top_k", "recall_top_2_percent", "flagged", "false_alarms")
    values = {
        (method, name): _mean_over_tables(found, MEASURES[name], method=method, part=part)
        for method in methods
        for name in names
    }
    lines = [table_head("method", *(MEASURES[name].title for name in names))]
    for method in methods:
        cells = []
        for name in names:
            value = values[method, name]
            known = [other for key, other in values.items() if key[1] == name and other is not None]
            text = MEASURES[name].text(value)
            best = value is not None and name.startswith("recall") and value == max(known)
            cells.append(f"**{text}**" if best else text)
        lines.append(row_of(method, *cells))
    return "\n".join(lines)


def plain_of(found: Sequence[Found]) -> dict[str, Any]:
    """Return all results as plain data, with the truth of which rows were planted."""
    return {
        "measures": {measure.name: measure.says for measure in MEASURES.values()},
        "kinds": {kind.name: kind.says for kind in KINDS.values()},
        "summary": [
            {
                "table": table,
                "method": method,
                "part": part,
                "seeds": [int(one.seed) for one in group],
                "fit_seconds": float(np.mean([one.seconds for one in group])),
                "measures": {
                    name: None if (spread := spread_of(measure, group)) is None else asdict(spread)
                    for name, measure in MEASURES.items()
                },
            }
            for (table, method, part), group in groups_of(found).items()
        ],
        "planted": list(_planted(found)),
    }


def _planted(found: Iterable[Found]) -> Iterable[dict[str, Any]]:
    """Yield each error once, with the verdicts of all methods."""
    errors: dict[tuple[str, ...], dict[str, Any]] = {}
    for one in found:
        for error in one.errors:
            truth = {"table": one.table, "seed": int(one.seed), "part": one.part, "kind": error["kind"]}
            truth |= {name: _value(error, name) for name in _TRUTH} | {"beyond": error["beyond"] == "1"}
            key = (one.table, one.seed, one.part, error["kind"])
            entry = errors.setdefault(key, truth | {"verdicts": {}})
            verdict = {name: _value(error, name) for name in _VERDICT}
            entry["verdicts"][one.method] = verdict | {"in_top_2_percent": one.in_top(error)}
    return errors.values()


def _value(error: Any, name: str) -> Any:
    text = error[name]
    if name == "flagged":
        return text == "1"
    if name in _WHOLE:
        return int(text)
    return text.split("|") if name in {"columns", "true", "planted"} else text or None


def _cell(measure: Measure, spread: Spread | None) -> str:
    if spread is None:
        return "–"
    middle = measure.text(spread.mean)
    return middle if spread.low == spread.high else f"{middle} ({measure.text(spread.low)}–{measure.text(spread.high)})"


def _mean_over_tables(found: Sequence[Found], measure: Measure, *, method: str, part: str) -> float | None:
    spreads = [
        spread_of(measure, group)
        for (_, name, where), group in groups_of(found).items()
        if (name, where) == (method, part)
    ]
    values = [spread.mean for spread in spreads if spread is not None]
    return float(np.mean(values)) if values else None
