"""The rows of a threshold's report that a terminal shows."""

from __future__ import annotations

from typing import Any, Final

from models.calibration import THRESHOLD_METHODS

_SHOWN_SEGMENTS: Final = 10


def threshold_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and texts of a report from `threshold_report`, for a terminal."""
    shows = THRESHOLD_METHODS[report["method"]].shows
    target = f", {_words(report['goal'])} {report['value']:g}" if "value" in shows else ""
    rows = [("threshold", f"{report['threshold']:.6g} ({report['method']}{target})")]
    if "figures" in shows:
        rows.append(("", f"{', '.join(_figures(report))}; on the rows that it was chosen on, 95 % intervals"))
    if "tail" in shows:
        rows += [("tail", text) for text in _tail(report["tail"])]
    segments = report.get("segments", [])
    for segment in segments[:_SHOWN_SEGMENTS]:
        whose = "of all rows" if segment["pooled"] else "its own"
        text = f"{segment['segment']}: {segment['threshold']:.6g} ({whose}; {segment['calibration_rows']:,} rows)"
        rows.append(("", text))
    if len(segments) > _SHOWN_SEGMENTS:
        rows.append(("", f"and {len(segments) - _SHOWN_SEGMENTS:,} more segments"))
    return rows


def _figures(report: dict[str, Any]) -> list[str]:
    return [
        f"{_words(name)} {'–' if figure['value'] is None else format(figure['value'], '.3f')} "
        f"({figure['low']:.3f} … {figure['high']:.3f})"
        for name, figure in report["figures"].items()
    ]


def _tail(fit: dict[str, float]) -> list[str]:
    shape = f"shape {fit['shape']:.2f} ({fit['shape_low']:.2f} … {fit['shape_high']:.2f})"
    quality = f"Anderson–Darling {fit['anderson_darling']:.2f} (p = {fit['p_value']:.2f})"
    texts = [f"{fit['excesses']:,} scores above {fit['start']:.6g}, {shape}, {quality}"]
    if "rate_low" in fit:
        texts.append(f"if it fits, an alert rate from {fit['rate_low']:.2g} to {fit['rate_high']:.2g}")
    return texts


def _words(name: str) -> str:
    return name.replace("_", " ")
