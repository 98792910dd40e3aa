"""Figures of one activation over its seeds: means with confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.languages import shown
from models.messages import phrase, plural
from training.comparison.outcomes import Failure, FoundKind, Outcome, TrialResult
from training.comparison.trials import Setting

CONFIDENCE: Final = 0.95
REFERENCE: Final = "relu"
"""The activation whose lowest validation loss is the target of `Summary.reached`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over seeds with its 95 % interval (Student's t), which has no width for a single value.

    Positive figures (errors, times, gradients) are compared as ratios, so that their mean is the geometric one and its
    interval is that of the logarithms: no end is below zero. Shares have the usual mean, and an interval that ends at 0
    and 1.
    """

    mean: float
    low: float
    high: float
    single: bool = False

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """Return the mean of one or more figures; the geometric one if all are above zero."""
        positive = min(values) > 0
        mean, half = _students(np.log(values) if positive else np.asarray(values, np.float64))
        ends = (mean, mean - half, max(mean + half, mean))
        middle, low, high = np.exp(ends).tolist() if positive else (mean, max(ends[1], 0.0), ends[2])
        return cls(mean=middle, low=low, high=high, single=len(values) < 2)

    @classmethod
    def of_shares(cls, values: Sequence[float]) -> Mean:
        """Return the mean of one or more shares."""
        mean, half = _students(np.asarray(values, np.float64))
        return cls(mean=mean, low=max(mean - half, 0.0), high=min(mean + half, 1.0), single=len(values) < 2)

    def to_json(self) -> dict[str, Any]:
        """Return mean and interval as plain data."""
        return {"mean": self.mean, "interval": None if self.single else [self.low, self.high]}


def _students(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of values `(n,)`, and half the width of its interval; 0 for a single value."""
    if len(values) < 2:
        return float(values[0]), 0.0
    from scipy.stats import t  # takes half a second; `--help` does not need it

    spread = float(np.std(values, ddof=1)) / np.sqrt(len(values))
    return float(np.mean(values)), float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One activation under one setting.

    Args:
        outcomes: In the order of the seeds.
        reached: For each seed, epochs and seconds until the validation loss reached the lowest one of `REFERENCE` with
            the same seed; None where it never did.
    """

    activation: str
    setting: Setting
    outcomes: tuple[Outcome, ...]
    failures: tuple[Failure, ...]
    reached: tuple[tuple[int, float] | None, ...]

    @property
    def error(self) -> Mean:
        """Held-out error, the mean over the seeds."""
        return self.mean(lambda outcome: outcome.error)

    def mean(self, figure: Callable[[Outcome], float]) -> Mean:
        """Return the mean of a figure over the seeds."""
        return Mean.of([figure(outcome) for outcome in self.outcomes])

    def share(self, figure: Callable[[Outcome], float]) -> Mean:
        """Return the mean over the seeds of a figure that is in [0, 1], as is every share and every ROC AUC."""
        return Mean.of_shares([figure(outcome) for outcome in self.outcomes])

    @property
    def found(self) -> Mean | None:
        """ROC AUC of the planted errors, the mean over kinds and seeds; None where no kind fits the table."""
        return self.share(lambda outcome: outcome.found_planted) if self.outcomes[0].found else None

    @property
    def labelled(self) -> Mean | None:
        """ROC AUC by the labels, the mean over the seeds; None without labels."""
        if self.outcomes[0].roc_auc is None:
            return None
        return self.share(lambda outcome: outcome.roc_auc or 0.0)

    @property
    def found_by_kind(self) -> dict[str, tuple[float, float, int]]:
        """ROC AUC, the share that is flagged, and the number of planted errors, by kind: means over the seeds."""
        kinds: dict[str, list[FoundKind]] = {}
        for outcome in self.outcomes:
            for found in outcome.found:
                kinds.setdefault(found.kind, []).append(found)
        return {
            kind: (
                float(np.mean([each.roc_auc for each in found])),
                float(np.mean([each.at_rate for each in found])),
                sum(each.rows for each in found),
            )
            for kind, found in kinds.items()
        }

    @property
    def dead_by_layer(self) -> dict[str, float]:
        """Share of dead units of each hidden layer, the mean over the seeds."""
        shares = [[layer.dead / layer.units for layer in outcome.units] for outcome in self.outcomes]
        names = [layer.layer for layer in self.outcomes[0].units]
        return dict(zip(names, np.mean(shares, axis=0).tolist(), strict=True))

    def gradients(self, norms: Callable[[Outcome], Mapping[str, float]]) -> dict[str, float]:
        """Return the gradient of each layer, the mean over the seeds: the first or the last ones."""
        of_seeds = [norms(outcome) for outcome in self.outcomes]
        return {layer: float(np.mean([each[layer] for each in of_seeds])) for layer in of_seeds[0]}

    @property
    def rank_stability(self) -> float | None:
        """Spearman's correlation between the scores of two seeds, the mean over all pairs; None for a single seed."""
        from scipy.stats import rankdata

        ranks = [rankdata(outcome.scores) for outcome in self.outcomes]
        pairs = [float(np.corrcoef(a, b)[0, 1]) for a, b in combinations(ranks, 2)]
        return float(np.mean(pairs)) if pairs else None

    @property
    def seeds_with_dead_layer(self) -> int:
        """Seeds in which more than half of the units of a layer are dead."""
        return sum(outcome.dead_layer for outcome in self.outcomes)

    @property
    def slopes(self) -> dict[str, tuple[float, float, float]]:
        """Lowest, mean and highest learned slope of each layer, over the seeds."""
        slopes = {
            layer: zip(*(item.slopes[layer] for item in self.outcomes), strict=True)
            for layer in self.outcomes[0].slopes
        }
        return {layer: (min(lows), float(np.mean(means)), max(highs)) for layer, (lows, means, highs) in slopes.items()}

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain data; other programs rely on its names."""
        reached = [pair for pair in self.reached if pair is not None]
        figures: dict[str, Callable[[Outcome], float]] = {
            "validation_error": lambda outcome: outcome.error,
            "seconds": lambda outcome: outcome.seconds,
            "best_epoch": lambda outcome: outcome.best_epoch,
            "seconds_to_best_epoch": lambda outcome: outcome.seconds_to_best,
            "step_seconds": lambda outcome: outcome.step_seconds,
            "scoring_seconds": lambda outcome: outcome.scoring_seconds,
            "first_gradient_ratio": lambda outcome: outcome.gradient_ratio,
        }
        shares: dict[str, Callable[[Outcome], float]] = {
            "dead_share": lambda outcome: outcome.share("dead"),
            "nearly_dead_share": lambda outcome: outcome.share("nearly_dead"),
            "saturated_share": lambda outcome: outcome.share("saturated"),
            "zero_share": lambda outcome: outcome.zeros,
        }
        for name in ("roc_auc", "average_precision"):
            if getattr(self.outcomes[0], name) is not None:
                shares[name] = lambda outcome, name=name: float(getattr(outcome, name))  # type: ignore[misc]
        report: dict[str, Any] = {name: self.mean(figure).to_json() for name, figure in figures.items()}
        report |= {name: self.share(figure).to_json() for name, figure in shares.items()}
        if self.found is not None:
            report["found"] = self.found.to_json() | {
                "at_rate": self.share(lambda outcome: outcome.found_at_rate).to_json(),
                "false_alarm_rate": self.outcomes[0].false_alarm_rate,
                "kinds": {
                    kind: {"roc_auc": roc_auc, "at_rate": at_rate, "errors": errors}
                    for kind, (roc_auc, at_rate, errors) in self.found_by_kind.items()
                },
            }
        last = self.gradients(lambda outcome: outcome.last_gradients)
        return report | {
            "parameters": self.outcomes[0].parameters,
            "seeds": [outcome.trial.seed for outcome in self.outcomes],
            "failed_seeds": [failure.trial.seed for failure in self.failures],
            "hidden_units": list(self.setting.hidden_units),
            "learning_rate": self.setting.learning_rate,
            "epochs_to_relu_level": Mean.of([epochs for epochs, _ in reached]).to_json() if reached else None,
            "seconds_to_relu_level": Mean.of([seconds for _, seconds in reached]).to_json() if reached else None,
            "seeds_that_reached_relu_level": len(reached),
            "rank_stability": self.rank_stability,
            "gradients": {
                layer: {"first": norm, "last": last[layer]}
                for layer, norm in self.gradients(lambda outcome: outcome.first_gradients).items()
            },
            "dead_by_layer": self.dead_by_layer,
            "slopes": {layer: list(slopes) for layer, slopes in self.slopes.items()},
        }


def summaries_of(results: Sequence[TrialResult]) -> list[Summary]:
    """Group results by setting and activation, in the order of their first result.

    An activation that failed with every seed has no summary.
    """
    groups: dict[tuple[Setting, str], list[TrialResult]] = {}
    for result in results:
        groups.setdefault((result.trial.setting, result.trial.activation), []).append(result)
    levels = {
        (result.trial.setting, result.trial.seed): min(result.validation_losses)
        for result in results
        if isinstance(result, Outcome) and result.trial.activation == REFERENCE
    }
    summaries = []
    for (setting, activation), members in groups.items():
        outcomes = sorted((item for item in members if isinstance(item, Outcome)), key=lambda item: item.trial.seed)
        failures = tuple(item for item in members if isinstance(item, Failure))
        reached = tuple(_reached(item, levels.get((setting, item.trial.seed), -np.inf)) for item in outcomes)
        if outcomes:
            summaries.append(
                Summary(
                    activation=activation,
                    setting=setting,
                    outcomes=tuple(outcomes),
                    failures=failures,
                    reached=reached,
                )
            )
    return summaries


def _reached(outcome: Outcome, level: float) -> tuple[int, float] | None:
    times = enumerate(zip(outcome.validation_losses, outcome.elapsed, strict=False), 1)
    return next(((epoch, seconds) for epoch, (loss, seconds) in times if loss <= level), None)


def best_settings(summaries: Sequence[Summary]) -> list[Summary]:
    """Return, for each activation, the summary under the setting with which it finds most.

    By the labels, else by planted errors, else by the lowest held-out error.
    """

    def rank(summary: Summary) -> tuple[float, ...]:
        found = summary.labelled or summary.found
        return (-len(summary.failures), 0.0 if found is None else found.mean, -summary.error.mean)

    best: dict[str, Summary] = {}
    for summary in summaries:
        rival = best.get(summary.activation)
        if rival is None or rank(summary) > rank(rival):
            best[summary.activation] = summary
    return list(best.values())


def labels_of(summaries: Sequence[Summary]) -> list[str]:
    """Return a name for each summary: its activation, and the part of its setting that differs between summaries."""
    settings = [summary.setting for summary in summaries]
    layers = [len(setting.hidden_units) for setting in settings]
    several_depths = len(set(layers)) > 1
    several_rates = len({setting.learning_rate for setting in settings}) > 1
    labels: list[str] = []
    for summary, count in zip(summaries, layers, strict=True):
        parts: list[str] = [summary.activation]
        if several_depths:
            parts.append(plural("{count} layer", "{count} layers", count=count))
        if several_rates:
            parts.append(phrase("rate {rate:g}", rate=summary.setting.learning_rate))
        labels.append(", ".join(map(shown, parts)))
    return labels
