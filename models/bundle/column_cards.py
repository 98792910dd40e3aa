"""Column cards: how each column enters a detector, and a summary of its values in the fitting rows."""

from __future__ import annotations

from typing import Any

from models.detector import Detector
from models.schema import Column


def column_cards(detector: Detector) -> list[dict[str, Any]]:
    """Return one object for each column: name, kind, how its values may be written, how it enters, and a summary.

    The summary is of the fitting rows. It has the number of ``missing`` values and a ``typical`` one, and beside
    these, by the column's kind: ``quantiles`` and ``mean``; ``counts`` and ``others``; ``first`` and ``last``.
    """
    summaries = detector.reference.get("columns", {})
    enters = {encoder.name: encoder.describe() for encoder in detector.preprocessor.encodings}
    return [
        _written_as(column) | {"enters_as": enters[column.name]} | summaries.get(column.name, {})
        for column in detector.schema.columns
    ]


def _written_as(column: Column) -> dict[str, Any]:
    """Return name and kind of a column, and how its values may be written."""
    plain = column.to_json()
    missing = plain.pop("missing", None)
    return plain | ({"missing_values": missing} if missing else {})
