"""Tables of the rows, columns and settings that a report is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Any

from training.data.prepare import Prepared, split_policy
from training.report.kit.page import Grid
from training.settings.config import TrainConfig


def rows_grid(prepared: Prepared, config: TrainConfig) -> Grid:
    """Return the number of rows in each part of the split."""
    uses = {
        "fitting": "to learn the weights",
        "validation": "to choose the best epoch of a single network",
        "calibration": "held out, for thresholds and p-values",
        "test": "held out, to measure the detector",
    }
    rows = [(part, f"{count:,}", uses[part]) for part, count in prepared.rows.items()]
    rows += [("left out", f"{count:,}", reason) for reason, count in prepared.left_out.items()]
    rows.append(("all", f"{len(prepared.table):,}", f"split {split_policy(config)}"))
    return Grid(title="Rows", header=("part", "rows", "purpose"), rows=rows, prose=True)


def columns_grid(prepared: Prepared) -> Iterator[Grid]:
    """Yield the use of every column, and the notes made while reading."""
    schema = prepared.schema
    rows = [(encoder.name, str(encoder.kind), encoder.describe()) for encoder in prepared.preprocessor.encodings]
    rows += [(name, "id", "carried through to every output, never a feature") for name in schema.ids]
    if prepared.rule is not None:
        rows.append((prepared.rule.column, "label", prepared.rule.reason))
    rows += [(name, "dropped", reason) for name, reason in schema.dropped.items()]
    yield Grid(title="Columns", header=("column", "kind", "enters as"), rows=rows, prose=True, folded=True)
    notes = [*prepared.table.repairs, *map(str, prepared.findings)]
    if notes:
        yield Grid(
            title="Notes made while reading",
            header=("number", "note"),
            rows=[(str(number), note) for number, note in enumerate(notes, 1)],
            prose=True,
            folded=True,
        )


def settings_grid(config: TrainConfig, *, without: Collection[str] = ()) -> Grid:
    """Return the settings.

    Args:
        config: The settings.
        without: Names of settings to leave out.
    """
    return Grid(
        title="Settings",
        header=("setting", "value"),
        rows=[
            (f"--{name.replace('_', '-')}", _text_of(value))
            for name, value in asdict(config).items()
            if name not in without
        ],
        note="A dash: the data or the preset decide.",
        prose=True,
        folded=True,
    )


def _text_of(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)
