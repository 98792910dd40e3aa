"""The section on thresholds: promised and realised rates, and broken promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.quality.plots import OURS
from benchmarks.quality.results import Row
from training.report.kit.page import Cell, Grid, Section

_BY_CHANCE: Final = 0.01
"""p-value below which the alerts of a fit are too many for a rule that keeps its promise."""

_HEADER: Final = (
    *("method", "protocol", "rule", "promise about", "promised", "fits", "refused", "mean realised", "median"),
    *("largest", "on a set", "fits with too many", "false alarms", "anomalies flagged"),
)


def sections(rows: Sequence[Row]) -> list[Section]:
    """Return the section."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["rule"]:
            key = (row["method"], row["protocol"], row["rule"], row["about"], row["rate"])
            groups.setdefault(key, []).append(row)
    grid = Grid(
        title="Promised and realised alert rates",
        header=_HEADER,
        rows=[_line(key, group) for key, group in sorted(groups.items(), key=_place)],
        note="Realised is the share of fresh rows of the promised kind that were flagged, over sets and seeds; a "
        "single fit scatters around its promise, the more so the fewer calibration rows there are. Too many are as "
        f"many as a rule that keeps its promise gives in less than {_BY_CHANCE:.0%} of all fits (beta-binomial law). "
        "False alarms are among normal rows, whatever the promise is about. A rule is refused, and the CSV says why, "
        "where the calibration rows are too few for it.",
        marked=OURS,
    )
    return [Section(anchor="thresholds", title="Thresholds: promises kept", parts=[grid])]


def _line(key: tuple[str, ...], group: Sequence[Row]) -> list[Cell | str]:
    method, protocol, rule, about, rate = key
    kept = [row for row in group if not row["refused"] and int(row["fresh"])]
    head: list[Cell | str] = [method, protocol, rule, about, f"{float(rate):.0%}", str(len(kept))]
    head.append(str(len(group) - len(kept)))
    if not kept:
        return [*head, *["–"] * 7]
    realised = np.array([int(row["flagged"]) / int(row["fresh"]) for row in kept])
    recalls = [float(row["recall"]) for row in kept if row["recall"]]
    largest = int(realised.argmax())
    return [
        *head,
        Cell(text=f"{realised.mean():.1%}", best=bool(realised.mean() <= float(rate))),
        f"{np.median(realised):.1%}",
        f"{realised[largest]:.1%}",
        kept[largest]["set"],
        f"{sum(map(_too_many, kept))} of {len(kept)}",
        f"{np.mean([float(row['false_alarm_rate']) for row in kept]):.1%}",
        f"{np.mean(recalls):.1%}" if recalls else "–",
    ]


def _too_many(row: Row) -> bool:
    """Return whether a rule that keeps its promise gives so many alerts with a probability below `_BY_CHANCE`.

    The rate of a fit with n calibration rows is drawn from Beta(m, n + 1 − m), m = ⌊(n + 1) α⌋, and the flagged ones
    of F fresh rows are binomial with that rate (Vovk 2012).
    """
    from scipy.stats import betabinom

    n, fresh, flagged = int(row["calibration_rows"]), int(row["fresh"]), int(row["flagged"])
    m = max(1, int((n + 1) * float(row["rate"]) + 1e-9))
    return bool(betabinom.sf(flagged - 1, fresh, m, n + 1 - m) < _BY_CHANCE)


def _place(group: tuple[tuple[str, ...], list[Row]]) -> tuple[str, str, str, float]:
    method, protocol, rule, _, rate = group[0]
    return method, protocol, rule, -float(rate)
