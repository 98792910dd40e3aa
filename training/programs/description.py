"""Says how each column enters a detector, and what its typical values are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from models.bundle import load_detector
from models.bundle.column_cards import column_cards
from models.detector import Detector
from models.repository import resolve

_CATEGORIES: Final = 5  # that are shown of a column


def description_of(detector: Detector) -> dict[str, Any]:
    """Return how the columns of a detector enter, as plain data; other programs rely on its names."""
    schema = detector.schema
    return {
        "name": detector.name,
        "version": detector.version,
        "columns": column_cards(detector),
        "ids": list(schema.ids),
        "label": schema.label,
        "dropped": dict(schema.dropped),
        "features": len(detector.preprocessor.features),
    }


def typical_values(card: Mapping[str, Any]) -> str:
    """Say in one phrase what the values of a column in the fitting rows were.

    Args:
        card: From `column_cards`.
    """
    if "quantiles" in card:
        q = card["quantiles"]
        return f"{q['0.5']:g} (90 % from {q['0.05']:g} to {q['0.95']:g}, all from {q['0']:g} to {q['1']:g})"
    if "counts" in card:
        counts = {name: count for name, count in card["counts"].items() if count}
        total = sum(counts.values()) + card.get("others", 0)
        ranked = sorted(counts.items(), key=lambda pair: -pair[1])
        shown = ", ".join(f"{name} {count / total:.1%}" for name, count in ranked[:_CATEGORIES])
        return f"{shown}, …" if len(ranked) > _CATEGORIES else shown
    if "first" in card:
        return f"from {card['first']} to {card['last']}"
    return ""


def describe(arguments: argparse.Namespace) -> None:
    """Show how the columns of a bundle enter, to people or as JSON."""
    description = description_of(load_detector(resolve(arguments.bundle)))
    if arguments.json:
        print(json.dumps(description, ensure_ascii=False, allow_nan=False))
    else:
        _show(Console(highlight=False), description)


def _show(console: Console, description: Mapping[str, Any]) -> None:
    columns = description["columns"]
    console.print(
        f"{escape(description['name'])} version {description['version']}: {len(columns)} columns enter as "
        f"{description['features']} features"
    )
    grid = Grid("column", "kind", "enters as", "typical values", "missing", box=box.SIMPLE, pad_edge=False)
    for card in columns:
        grid.add_row(
            escape(card["name"]),
            card["kind"],
            escape(card["enters_as"]),
            escape(typical_values(card)),
            f"{card.get('missing', 0):,}",
        )
    for name in description["ids"]:
        grid.add_row(escape(name), "[cyan]id[/cyan]", "carried through to every output, never a feature")
    if description["label"] is not None:
        grid.add_row(escape(description["label"]), "[cyan]label[/cyan]", "says what is an anomaly, never a feature")
    for name, reason in description["dropped"].items():
        grid.add_row(f"[dim]{escape(name)}[/dim]", "[yellow]dropped[/yellow]", f"[dim]{escape(reason)}[/dim]")
    console.print(grid)
