"""How much more an activation finds than the baseline: paired, beyond the spread of seeds and of what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.network.activations import ACTIVATIONS
from training.comparison.outcomes import Outcome
from training.comparison.summary import REFERENCE, Summary

Found = NDArray[np.float64]
"""How well each thing that is to be found is told from usual rows, with each seed `(things, seeds)`."""

LEAST_ANOMALIES: Final = 5
"""Fewest labelled anomalies among the untouched rows that count."""

SIGNIFICANT: Final = 0.05
_CERTAIN: Final = 1e-12  # spread below which all differences are equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """How much more one activation finds than the baseline.

    Args:
        gain: Difference of ROC AUC: 0.01 is a point more than the baseline.
        low, high: Ends of its 95 % interval.
        p: p-value of the difference, with Holm's correction for the number of comparisons.
        verdict: ``baseline``, ``more`` and ``fewer`` (surely, by more than the margin), ``equal`` (surely within the
            margin) or ``open`` (these seeds cannot tell).
    """

    activation: str
    gain: float
    low: float
    high: float
    p: float
    verdict: str


def baseline_of(names: Sequence[str]) -> str:
    """Return the activation that another has to beat: relu, else the simplest that does not saturate, if there is."""
    ordered = [name for name in ACTIVATIONS if name in names]
    rising = [name for name in ordered if not ACTIVATIONS[name].ends]
    return REFERENCE if REFERENCE in names else (rising or ordered)[0]


def found_planted(summaries: Mapping[str, Summary], seeds: Sequence[int]) -> dict[str, Found]:
    """Return, for each activation, ROC AUC of each kind of planted errors; nothing where none fits the table."""
    of_trials = {
        name: [{kind.kind: kind.roc_auc for kind in outcome.found} for outcome in _outcomes(summary, seeds)]
        for name, summary in summaries.items()
    }
    everywhere = [set(found) for trials in of_trials.values() for found in trials]
    kinds = sorted(set.intersection(*everywhere)) if everywhere else []
    if not kinds:
        return {}
    return {name: np.array([[found[kind] for found in trials] for kind in kinds]) for name, trials in of_trials.items()}


def found_labelled(summaries: Mapping[str, Summary], seeds: Sequence[int]) -> dict[str, Found]:
    """Return, for each activation, the share of usual rows below each labelled anomaly; nothing for fewer than 5."""
    of_trials = {
        name: [outcome.anomalies for outcome in _outcomes(summary, seeds)] for name, summary in summaries.items()
    }
    if min((len(found) for trials in of_trials.values() for found in trials), default=0) < LEAST_ANOMALIES:
        return {}
    return {name: np.array(trials).T for name, trials in of_trials.items()}


def gains_of(found: Mapping[str, Found], *, margin: float) -> tuple[Gain, ...]:
    """Compare each activation with the baseline, the one that finds most first; the baseline is among them.

    Both the seeds and what is to be found (kinds of errors, or labelled anomalies) are samples: each could have been
    others. So the variance of a mean difference is the sum of both, that of the means over the seeds and that of the
    means over the things; Student's t, with the degrees of freedom of Welch and Satterthwaite. Activations that
    saturate do not count in the correction: they are not recommended beside others.
    """
    if not found:
        return ()
    baseline = baseline_of(list(found))
    compared = {name: _difference(values - found[baseline]) for name, values in found.items() if name != baseline}
    counted = [name for name in compared if not ACTIVATIONS[name].ends]
    corrected = dict(zip(counted, holm([compared[name][3] for name in counted]), strict=True))
    gains = [Gain(activation=baseline, gain=0.0, low=0.0, high=0.0, p=1.0, verdict="baseline")]
    for name, (gain, low, high, alone) in compared.items():
        p = corrected.get(name, alone)
        verdict = "equal" if -margin <= low and high <= margin else "open"
        if p < SIGNIFICANT and abs(gain) > margin:
            verdict = "more" if gain > 0 else "fewer"
        gains.append(Gain(activation=name, gain=gain, low=low, high=high, p=p, verdict=verdict))
    return tuple(sorted(gains, key=lambda item: -item.gain))


def _outcomes(summary: Summary, seeds: Sequence[int]) -> list[Outcome]:
    return [outcome for outcome in summary.outcomes if outcome.trial.seed in seeds]


def _difference(differences: Found) -> tuple[float, float, float, float]:
    """Return a mean difference, both ends of its interval, and p."""
    mean = float(differences.mean())
    both = [means for means in (differences.mean(axis=0), differences.mean(axis=1)) if len(means) > 1]
    variances = [float(means.var(ddof=1)) / len(means) for means in both]
    variance = sum(variances)
    if variance < _CERTAIN**2:
        return mean, mean, mean, float(abs(mean) <= _CERTAIN)
    from scipy.stats import t  # takes half a second; `--help` does not need it

    freedom = variance**2 / sum(each**2 / (len(means) - 1) for each, means in zip(variances, both, strict=True))
    half = float(t.ppf(0.975, freedom)) * variance**0.5
    return mean, mean - half, mean + half, float(2 * t.sf(abs(mean) / variance**0.5, freedom))


def holm(ps: Sequence[float]) -> list[float]:
    """Return p-values corrected for multiple comparisons (Holm, Scandinavian Journal of Statistics 1979)."""
    corrected, largest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(np.argsort(ps, kind="stable")):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[i]))
        corrected[i] = largest
    return corrected
