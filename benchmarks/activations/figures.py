"""Compares figures of activations: paired by set and seed, tested over sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from benchmarks.activations.plan import Case

Frame = pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A comparison of two activations.

    Args:
        mean: Mean over sets: geometric for ratios, arithmetic for differences.
        p: p-value of Wilcoxon's signed-rank test over the sets, two-sided.
        pairs: Logarithm of the ratio, or difference, for each set and seed.
    """

    mean: float
    p: float
    pairs: NDArray[Any]


def frame_of(found: Mapping[Case, Mapping[str, Any]]) -> Frame:
    """Return a row for each network whose fit did not fail."""
    return pd.DataFrame(
        [{**asdict(case), **figures} for case, figures in found.items() if figures["error"] is not None]
    )


def ratio(rows: Frame, name: str, reference: str, figure: str) -> Against:
    """Return the ratio of a figure of two activations, paired by set and seed."""
    logs = _pairs(rows, name, reference, rows[figure].astype(float).map(np.log))
    by_set = logs.groupby("set").mean()
    return Against(mean=float(np.exp(by_set.mean())), p=_signed_rank(by_set), pairs=logs.to_numpy())


def gap(rows: Frame, name: str, reference: str, figure: str) -> Against:
    """Return the difference of a figure of two activations, paired by set and seed."""
    apart = _pairs(rows, name, reference, rows[figure].astype(float))
    by_set = apart.groupby("set").mean()
    return Against(mean=float(by_set.mean()), p=_signed_rank(by_set), pairs=apart.to_numpy())


def geometric(values: Iterable[float]) -> float:
    """Return the geometric mean of positive values."""
    return float(np.exp(np.mean(np.log(np.maximum(list(values), 1e-30)))))


def p_text(p: float) -> str:
    """Return a p-value with four digits."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _pairs(rows: Frame, name: str, reference: str, values: pd.Series[float]) -> pd.Series[float]:
    """Return the difference of two activations' values by set and seed, where both exist."""
    keyed = rows[["set", "seed", "activation"]].assign(value=values)
    wide = keyed.pivot_table("value", ["set", "seed"], "activation")
    return (wide[name] - wide[reference]).dropna()


def _signed_rank(differences: pd.Series[float]) -> float:
    return float(wilcoxon(differences).pvalue) if differences.any() else 1.0
