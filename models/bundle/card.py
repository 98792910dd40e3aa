"""The cards of a bundle and of its columns: their contents as plain data; and the differences of two bundles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from models.bundle.layout import BESIDE, FILES
from models.bundle.loading import load_detector
from models.bundle.reading import read_manifest
from models.detector import Detector
from models.repository import MANIFEST

_ONE_BY_ONE: Final = (
    *("detector", "columns", "schema", "threshold", "metrics", "network"),
    *("settings", "comparison", "versions", "digests"),
)
"""The parts of a card that are compared, in the order in which differences are shown."""

_CATEGORIES: Final = 5  # of a column, the most frequent ones
_OF_COMPARISON: Final = ("recommendation", "ties", "reason", "settled")


def card_of(folder: Path) -> dict[str, Any]:
    """Verify a bundle and return its card, part by part.

    Raises:
        BundleError: It is damaged.
    """
    detector, manifest = load_detector(folder), read_manifest(folder)
    card = manifest["card"]
    return {
        "path": str(folder),
        "bytes": bytes_of(folder),
        "detector": {name: manifest[name] for name in ("name", "version", "created", "format_version", "engine")},
        "columns": {
            encoder.name: {"kind": str(encoder.kind), "enters_as": str(encoder.describe())}
            for encoder in detector.preprocessor.encodings
        },
        "schema": {name: part for name, part in detector.schema.to_json().items() if name != "columns"},
        "threshold": {**manifest["calibration"], "promise": str(detector.calibration.promise)},
        "metrics": {"realised_alert_rate": card.get("realised_alert_rate"), **_part(card, "metrics")},
        "rows": {"all": card.get("rows"), **_part(card, "parts")},
        "network": {**manifest["network"], "parameters": card.get("parameters")},
        "settings": _part(card, "settings"),
        "comparison": {name: part for name, part in _part(card, "comparison").items() if name in _OF_COMPARISON},
        "versions": manifest["versions"],
        "digests": manifest["files"],
        "warnings": card.get("warnings") or [],
    }


def bytes_of(folder: Path) -> int:
    """Return the size of a bundle."""
    return sum(path.stat().st_size for path in (folder / name for name in (MANIFEST, *FILES, *BESIDE)) if path.exists())


def differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the differences of two cards: part, name, and both values; None where a card has none."""
    return [
        {"part": part, "name": name, "left": ours.get(name), "right": theirs.get(name)}
        for part in _ONE_BY_ONE
        for ours, theirs in [(dict(leaves(left[part])), dict(leaves(right[part])))]
        for name in [*ours, *(name for name in theirs if name not in ours)]
        if ours.get(name) != theirs.get(name)
    ]


def leaves(plain: Mapping[str, Any], *, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested objects, each under its names with dots between them."""
    for name, value in plain.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, above=f"{above}{name}.")
        else:
            yield f"{above}{name}", value


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
    these, by the column's kind: ``quantiles`` and ``mean``; ``counts`` and ``others``; ``first`` and ``last``, with the
    rows in each hour of the day (``hours``, where there is one) and on each day of the week (``weekdays``).
    """
    summaries = detector.reference.get("columns", {})
    enters = {encoder.name: str(encoder.describe()) for encoder in detector.preprocessor.encodings}
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


def _part(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = card.get(name)
    return part if isinstance(part, Mapping) else {}
