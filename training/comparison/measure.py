"""Fits the network of a trial and measures it on rows that it has not seen. Imports TensorFlow."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import THRESHOLD_METHODS, rows_needed
from models.calibration.ranks import conformal_threshold
from models.encoders.preprocessor import Encoded, Preprocessor
from models.scoring import Scorer
from models.scoring.ensemble import column_sums
from training.comparison.outcomes import FoundKind, Outcome
from training.comparison.trials import Trial
from training.data.prepare import Prepared
from training.evaluate import average_precision, roc_auc
from training.network.history import EpochSettings
from training.network.learning import Learned, learn
from training.planting.held_out import PlantedRows, planted_rows
from training.settings.config import TrainConfig

_MOST_ROWS: Final = 10_000  # of a measurement
_RANKED_ROWS: Final = 1_000  # whose scores are kept, to compare the ranking of two seeds
_TIMED_ROWS: Final = 1_000
_ROUNDS: Final = 15
_NOISE_SEED: Final = 0
_TIMED_EPOCHS: Final = 4


def run_trial(prepared: Prepared, config: TrainConfig, trial: Trial, *, seconds: float | None = None) -> Outcome:
    """Fit a network on the fitting rows and measure it; the validation rows choose the best epoch.

    A time limit of the fit, in seconds, replaces the number of epochs.

    Raises:
        TrainingError: The loss is not a number.
    """
    wanted = trial.config(config)
    if seconds is not None:
        wanted = replace(wanted, epochs=_epochs_within(seconds, prepared, wanted))
    learned = _learn(prepared, wanted)
    history, scorer = learned.history, learned.scorer
    rows = untouched_rows(prepared, config)
    alike, untouched = (prepared.preprocessor.transform(prepared.part(part)) for part in (rows.alike, rows.all))
    is_anomaly = rows.is_anomaly
    scores = scorer.score(untouched).anomaly_score
    usual = np.sort(scores if is_anomaly is None else scores[~is_anomaly])
    rate = _false_alarm_rate(wanted, rows=len(usual))
    first = wanted.families[0] if wanted.families else wanted.alone  # the member that says what is expected
    return Outcome(
        trial=trial,
        parameters=learned.parameters,
        steps=_steps(prepared, wanted),
        best_epoch=history.best,
        seconds=history.seconds,
        losses=tuple(epoch.loss for epoch in history.epochs),
        validation_losses=tuple(epoch.validation_loss for epoch in history.epochs),
        elapsed=tuple(epoch.seconds for epoch in history.epochs),
        dead_by_epoch={
            layer.layer: tuple(epoch.units[i].dead / layer.units for epoch in history.epochs)
            for i, layer in enumerate(history.epochs[0].units)
        },
        first_gradients=dict(history.epochs[0].gradients),
        last_gradients=dict(history.epochs[-1].gradients),
        units=history.best_epoch.units,
        slopes=learned.slopes,
        error=noisy_error(
            lambda Z: scorer.engine.reconstruct(Z)[0],
            alike,
            scorer.preprocessor,
            noise=first.input_noise[0],
            trim=first.trim,
        ),
        scoring_seconds=_scoring_seconds(scorer, alike),
        scores=_rounded(scores[:_RANKED_ROWS]),
        found=_found(scorer, planted_rows(prepared, rows.usual, seed=trial.seed), usual, rate=rate),
        false_alarm_rate=rate,
        roc_auc=None if is_anomaly is None else roc_auc(scores, is_anomaly),
        average_precision=None if is_anomaly is None else average_precision(scores, is_anomaly),
        anomalies=() if is_anomaly is None else _rounded(_shares_below(scores[is_anomaly], usual)),
    )


def noisy_error(
    reconstruct: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    rows: Encoded,
    preprocessor: Preprocessor,
    *,
    noise: float,
    trim: float,
) -> float:
    """Return the denoising error: the loss of fitting, on fresh rows.

    Without noise it is the reconstruction error. With noise, a network that only copies its input has a high error; the
    lower the error, the better the network knows the density of the rows (Vincent, Neural Computation 2011).

    Noise (its standard deviation) and trim (the share of the rows, those with the largest error, that is left out) are
    as in fitting; the drawn noise is the same for all networks, which are functions `(n, d)` → `(n, d)`.
    """
    Z = preprocessor.within_limits(rows.Z)
    drawn = np.random.default_rng(_NOISE_SEED).normal(0, noise, Z.shape).astype(np.float32)
    squares = np.square(Z - reconstruct(Z + drawn)) * preprocessor.weights
    errors = np.sort(column_sums(squares, rows, preprocessor).sum(axis=1))
    return float(errors[: max(1, math.ceil((1 - trim) * len(errors)))].mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class UntouchedRows:
    """Indices of rows of the table that nothing was learned or chosen on.

    Args:
        alike: Those like the fitting rows.
        all: All of them `(n,)`.
        is_anomaly: Their labels `(n,)`; None without labels.
    """

    alike: NDArray[np.intp]
    all: NDArray[np.intp]
    is_anomaly: NDArray[np.bool_] | None

    @property
    def usual(self) -> NDArray[np.intp]:
        """Those that no label calls an anomaly."""
        return self.all if self.is_anomaly is None else self.all[~self.is_anomaly]


def untouched_rows(prepared: Prepared, config: TrainConfig) -> UntouchedRows:
    """Return the rows that nothing was learned or chosen on, of each sort at most 10,000."""
    split, labels = prepared.split, prepared.is_anomaly
    untouched = split.calibration | split.test
    alike = untouched & ~labels if labels is not None and config.fit_on == "normal" else untouched
    like, everything = (np.flatnonzero(mask)[:_MOST_ROWS] for mask in (alike, untouched))
    return UntouchedRows(alike=like, all=everything, is_anomaly=None if labels is None else labels[everything])


def _found(scorer: Scorer, planted: PlantedRows, usual: NDArray[np.float64], *, rate: float) -> tuple[FoundKind, ...]:
    """Return how well planted errors are told from untouched rows, whose scores ascend `(n,)`, by kind."""
    if not len(planted) or not len(usual):
        return ()
    scores = scorer.score(scorer.preprocessor.transform(planted.columns)).anomaly_score
    kinds = np.array(planted.kinds)
    threshold = conformal_threshold(usual, rate) if len(usual) >= rows_needed(rate) else np.inf
    flagged = scores > threshold
    below = _shares_below(scores, usual)
    return tuple(
        FoundKind(
            kind=str(kind),
            rows=int(is_kind.sum()),
            roc_auc=float(below[is_kind].mean()),
            at_rate=float(flagged[is_kind].mean()),
        )
        for kind in dict.fromkeys(planted.kinds)
        for is_kind in [kinds == kind]
    )


def _shares_below(scores: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of usual rows below each score `(m,)`, equal ones counted half; their mean is the ROC AUC."""
    if not len(usual):
        return np.empty(0)
    below, above = (np.searchsorted(usual, scores, side=side) for side in ("left", "right"))
    shares: NDArray[np.float64] = (below + above) / (2 * len(usual))
    return shares


def _rounded(figures: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.round(figures, 6).tolist())


def _false_alarm_rate(config: TrainConfig, *, rows: int) -> float:
    """Return the alert rate that was asked for, if so many rows can promise it, else that of training's default."""
    if config.alert_rate is not None and rows >= rows_needed(config.alert_rate):
        return config.alert_rate
    return THRESHOLD_METHODS["fpr"].default(calibration_rows=rows)


def _learn(prepared: Prepared, config: TrainConfig) -> Learned:
    split = prepared.split
    return learn(
        prepared,
        config,
        rows=split.fitting,
        watched=split.validation,
        on_epoch=lambda epoch: None,
        should_stop=lambda: False,
    )


def _epochs_within(seconds: float, prepared: Prepared, config: TrainConfig) -> int:
    """Return the number of epochs that fit into a time limit, from the time of a short fit."""
    epochs = _learn(prepared, replace(config, epochs=_TIMED_EPOCHS)).history.epochs
    each_epoch = (epochs[-1].seconds - epochs[0].seconds) / (len(epochs) - 1)
    first, *others = _settings(prepared, config)
    relative = 1 + sum(run.epochs * run.members for run in others) / (first.epochs * first.members)
    return max(1, int(seconds / (each_epoch * relative)))


def _steps(prepared: Prepared, config: TrainConfig) -> int:
    """Return the number of steps of an epoch."""
    rows = prepared.rows["fitting"]
    return -(-rows // min(_settings(prepared, config)[0].batch_size, rows))


def _settings(prepared: Prepared, config: TrainConfig) -> tuple[EpochSettings, ...]:
    return config.epoch_settings(rows=prepared.rows["fitting"], features=len(prepared.preprocessor.features))


def _scoring_seconds(scorer: Scorer, rows: Encoded) -> float:
    """Return the seconds to score a row in the exported engine: the shortest of several rounds over the same rows."""
    timed = rows.rows(0, _TIMED_ROWS)
    rounds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        scorer.score(timed)
        rounds.append(time.perf_counter() - started)
    return min(rounds) / len(timed)
