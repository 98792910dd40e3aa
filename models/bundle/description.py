"""Describes the columns of a detector: how each enters it, and a summary of its values in the fitting rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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


def column_cards(detector: Detector) -> list[dict[str, Any]]:
    """Return one object for each column: name, kind, how its values may be written, how it enters, and a summary.

    The summary is of the fitting rows. It has the number of ``missing`` values and a ``typical`` one, and beside
    these, by the column's kind: ``quantiles`` and ``mean``; ``counts`` and ``others``; ``first`` and ``last``.
    """
    summaries = detector.reference.get("columns", {})
    enters = {encoder.name: encoder.describe() for encoder in detector.preprocessor.encodings}
    return [
        {"missing_values" if name == "missing" else name: value for name, value in column.to_json().items()}
        | {"enters_as": enters[column.name]}
        | summaries.get(column.name, {})
        for column in detector.schema.columns
    ]


def typical_values(card: Mapping[str, Any]) -> str:
    """Return one phrase on the values of a column in the fitting rows, from its card."""
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
