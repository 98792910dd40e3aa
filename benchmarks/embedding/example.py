"""Explains one unit of the bottleneck by the columns that drive it, on the demo data set.

It is the unit whose mean over the anomalies differs most from that over the normal rows, in its standard deviations. A
column's drive is its share of that difference, by Shapley values: the values of an anomaly are replaced by those of a
normal row, column by column in a random order; the drive is the mean change of the unit over many pairs and orders
(Štrumbelj and Kononenko, 2014). The shares of all columns sum to 100 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.embedding.measure import SEED

_ORDERS: Final = 200
_LEAST_DEVIATION: Final = 1e-6  # below it a unit is constant

Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """The effect of one column on a unit.

    Args:
        column: Name of the column.
        share: Its share of the difference.
        anomalies: Mean over the anomalies, in the column's units.
        normal: Mean over the normal rows.
    """

    column: str
    share: float
    anomalies: float
    normal: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One unit.

    Args:
        unit: Number of the unit, from 1.
        units: Number of units.
        anomalies: Its mean over the anomalies.
        normal: Its mean over the normal rows.
        difference: Difference of the means, in standard deviations over all rows.
        zero_anomalies: Share of the anomalies on which it is 0.
        zero_normal: Share of the normal rows on which it is 0.
        drives: Effect of each column, the largest first.
    """

    unit: int
    units: int
    anomalies: float
    normal: float
    difference: float
    zero_anomalies: float
    zero_normal: float
    drives: tuple[Drive, ...]


def example_of(*, k: int, activation: str, preset: str, training_rows: str) -> Example:
    """Fit a detector on the demo data set, without its label, and explain the unit that differs most."""
    from benchmarks.embedding.features import detector_of, embedding_of
    from training.data.demo_data import LABEL, embedded_table

    data = embedded_table().data
    is_anomaly = np.array([cell != "benign" for cell in data[LABEL].to_pylist()])
    names = [name for name in data.column_names if name != LABEL]
    X = np.column_stack([data[name].to_numpy() for name in names])
    detector = detector_of(X, k=k, activation=activation, preset=preset, training_rows=training_rows, seed=SEED)
    embed = embedding_of(detector)
    Z = embed(X).astype(np.float64)
    deviations = Z.std(axis=0)
    gaps = Z[is_anomaly].mean(axis=0) - Z[~is_anomaly].mean(axis=0)
    heard = np.where(deviations > _LEAST_DEVIATION, deviations, np.inf)
    unit = int(np.argmax(np.abs(gaps) / heard))
    shares = _shares(X[is_anomaly], X[~is_anomaly], lambda rows: embed(rows)[:, unit].astype(np.float64))
    means = [X[rows].mean(axis=0).tolist() for rows in (is_anomaly, ~is_anomaly)]
    drives = [
        Drive(column=name, share=share, anomalies=anomalies, normal=normal)
        for name, share, anomalies, normal in zip(names, shares, *means, strict=True)
    ]
    return Example(
        unit=unit + 1,
        units=k,
        anomalies=float(Z[is_anomaly, unit].mean()),
        normal=float(Z[~is_anomaly, unit].mean()),
        difference=float(gaps[unit] / heard[unit]),
        zero_anomalies=float((Z[is_anomaly, unit] == 0).mean()),
        zero_normal=float((Z[~is_anomaly, unit] == 0).mean()),
        drives=tuple(sorted(drives, key=lambda drive: -abs(drive.share))),
    )


def _shares(anomalies: Matrix, normal: Matrix, unit: Callable[[Matrix], Matrix]) -> list[float]:
    """Return each column's share of the difference between the means of a unit."""
    rows, columns = anomalies.shape
    draw = np.random.default_rng(SEED)
    drives = np.zeros(columns)
    for _ in range(_ORDERS):
        partners = normal[draw.integers(len(normal), size=rows)]
        order = draw.permutation(columns)
        steps = np.repeat(anomalies[None], columns + 1, axis=0)  # one more column replaced in each
        for done, column in enumerate(order, start=1):
            steps[done:, :, column] = partners[:, column]
        means = unit(steps.reshape(-1, columns)).reshape(columns + 1, rows).mean(axis=1)
        drives[order] += means[:-1] - means[1:]
    shares: list[float] = (drives / drives.sum()).tolist()
    return shares
