"""Tables of the rows, columns and settings that a report is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Any

from training.data.prepare import Prepared, split_policy
from training.report.kit.page import Grid
from training.settings.config import TrainConfig

_USES = {
    "fitting": "to learn the weights",
    "validation": "to choose the best epoch of a single network",
    "calibration": "held out, for thresholds and p-values",
    "test": "held out, to measure the detector",
}


def subject_tables(prepared: Prepared, config: TrainConfig, *, without: Collection[str] = ()) -> Iterator[Grid]:
    """Yield the parts of the split, the use of every column, notes made while reading, and settings but `without`."""
    rows = [(part, f"{count:,}", _USES[part]) for part, count in prepared.rows.items()]
    rows += [("left out", f"{count:,}", reason) for reason, count in prepared.left_out.items()]
    rows.append(("all", f"{len(prepared.table):,}", f"split {split_policy(config)}"))
    yield Grid(title="Rows", header=("part", "rows", "purpose"), rows=rows, prose=True)
    schema = prepared.schema
    rows = [(encoder.name, str(encoder.kind), encoder.describe()) for encoder in prepared.preprocessor.encodings]
    rows += [(name, "id", "carried through to every output, never a feature") for name in schema.ids]
    if prepared.rule is not None:
        rows.append((prepared.rule.column, "label", prepared.rule.reason))
    rows += [(name, "dropped", reason) for name, reason in schema.dropped.items()]
    yield Grid(title="Columns", header=("column", "kind", "enters as"), rows=rows, prose=True, folded=True)
    notes = [(str(i), str(note)) for i, note in enumerate((*prepared.table.repairs, *prepared.findings), 1)]
    if notes:
        yield Grid(title="Notes made while reading", header=("number", "note"), rows=notes, prose=True, folded=True)
    values = {name: value for name, value in asdict(config).items() if name not in without}
    yield Grid(
        title="Settings",
        header=("setting", "value"),
        rows=[(f"--{name.replace('_', '-')}", _text_of(value)) for name, value in values.items()],
        note="A dash: the data or the preset decide.",
        prose=True,
        folded=True,
    )


def _text_of(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)
