"""The card of a bundle: its contents as plain data; and the differences of two cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from models.bundle.layout import FILES
from models.bundle.loading import load_detector
from models.bundle.reading import read_manifest
from models.repository import MANIFEST

_ONE_BY_ONE: Final = (
    *("detector", "columns", "schema", "threshold", "metrics", "network"),
    *("settings", "comparison", "versions", "digests"),
)
"""The parts of a card that are compared, in the order in which differences are shown."""

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
            encoder.name: {"kind": str(encoder.kind), "enters_as": encoder.describe()}
            for encoder in detector.preprocessor.encodings
        },
        "schema": {name: part for name, part in detector.schema.to_json().items() if name != "columns"},
        "threshold": {**manifest["calibration"], "promise": detector.calibration.promise},
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
    return sum(path.stat().st_size for path in (folder / name for name in (MANIFEST, *FILES)) if path.exists())


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


def _part(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = card.get(name)
    return part if isinstance(part, Mapping) else {}
