"""What a report is about: rows, columns and settings, as tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from models.network.activations import ACTIVATIONS
from training.data.prepare import Prepared, split_policy
from training.report.kit.parts import Grid
from training.settings.config import TrainConfig


def rows_grid(prepared: Prepared, config: TrainConfig) -> Grid:
    """Return how many rows are for what."""
    uses = {
        "fitting": "weights are learned from them",
        "validation": "they say which epoch of a single network was best",
        "calibration": "held out: thresholds and p-values come from them",
        "test": "held out: what is said about the detector is measured on them",
    }
    rows = [(part, f"{count:,}", uses[part]) for part, count in prepared.rows.items()]
    rows += [("left out", f"{count:,}", reason) for reason, count in prepared.left_out.items()]
    rows.append(("all", f"{len(prepared.table):,}", f"split {split_policy(config)}"))
    return Grid(title="Rows", header=("part", "rows", "what for"), rows=rows, prose=True)


def columns_grid(prepared: Prepared) -> Iterator[Grid]:
    """Yield what became of every column, and what was noticed."""
    schema = prepared.schema
    rows = [(encoder.name, str(encoder.kind), encoder.describe()) for encoder in prepared.preprocessor.encodings]
    rows += [(name, "id", "carried through to every output, never a feature") for name in schema.ids]
    if prepared.rule is not None:
        rows.append((prepared.rule.column, "label", prepared.rule.reason))
    rows += [(name, "dropped", reason) for name, reason in schema.dropped.items()]
    yield Grid(title="Columns", header=("column", "kind", "enters as"), rows=rows, prose=True, folded=True)
    noticed = [*prepared.table.repairs, *map(str, prepared.findings)]
    if noticed:
        yield Grid(
            title="What was noticed while reading",
            header=("number", "note"),
            rows=[(str(number), note) for number, note in enumerate(noticed, 1)],
            prose=True,
            folded=True,
        )


def settings_grid(config: TrainConfig, *, without: Collection[str] = ()) -> Grid:
    """Return the settings.

    Args:
        config: The settings.
        without: Those that are told elsewhere.
    """
    return Grid(
        title="Settings",
        header=("setting", "value"),
        rows=[
            (f"--{name.replace('_', '-')}", _shown(value))
            for name, value in config.to_json().items()
            if name not in without
        ],
        note="A dash stands for what follows from the data or from the preset.",
        prose=True,
        folded=True,
    )


def activation_settings(config: TrainConfig) -> dict[str, float]:
    """Return the parameters that activations have."""
    names = {spec.parameter for spec in ACTIVATIONS.values() if spec.parameter is not None}
    return {name: float(getattr(config, name)) for name in sorted(names)}


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)
