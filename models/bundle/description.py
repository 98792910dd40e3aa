"""Describes the columns of a detector: how each enters it, and its typical values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from models.bundle.column_cards import column_cards
from models.detector import Detector

_CATEGORIES: Final = 5  # of a column, the most frequent ones


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
    """Return one phrase on the values of a column in the fitting rows.

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
        phrase = ", ".join(f"{name} {count / total:.1%}" for name, count in ranked[:_CATEGORIES])
        return f"{phrase}, …" if len(ranked) > _CATEGORIES else phrase
    if "first" in card:
        return f"from {card['first']} to {card['last']}"
    return ""


def show_description(console: Console, description: Mapping[str, Any]) -> None:
    """Print a description from `description_of` as a table."""
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
