"""One trial: fits a network and measures it, on rows that it has not seen. TensorFlow is imported here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.preprocessor import Encoded, Preprocessor
from models.scoring import Scorer
from models.scoring.ensemble import column_sums
from training.comparison.results import Outcome
from training.comparison.trials import Trial
from training.data.prepare import Prepared
from training.network.diagnostics import learned_slopes
from training.network.keras_network import parameter_count
from training.network.learning import Learned, learn
from training.settings.config import TrainConfig

_MOST_ROWS: Final = 10_000  # that are measured on
_RANKED_ROWS: Final = 1_000  # whose scores are kept
_TIMED_ROWS: Final = 1_000
_ROUNDS: Final = 15
_NOISE_SEED: Final = 0
_TIMED_EPOCHS: Final = 4


def run_trial(prepared: Prepared, config: TrainConfig, trial: Trial, *, seconds: float | None = None) -> Outcome:
    """Fit a network and measure it.

    Args:
        prepared: The table; its fitting rows are learned from, its validation rows say which epoch was best.
        config: The settings that all trials have in common.
        trial: The others.
        seconds: How long the fit may take, instead of how many epochs.

    Raises:
        TrainingError: The loss is not a number.
    """
    wanted = trial.config(config)
    if seconds is not None:
        wanted = replace(wanted, epochs=_epochs_within(seconds, prepared, wanted))
    learned = _learn(prepared, wanted)
    history, scorer = learned.history, learned.scorer
    alike, judged, is_anomaly = untouched_rows(prepared, config)
    scores = scorer.score(judged).anomaly_score
    roc_auc, average_precision = _agreement(scores, is_anomaly)
    return Outcome(
        trial=trial,
        parameters=parameter_count(learned.weights),
        steps=_steps(prepared, wanted),
        best_epoch=history.best,
        seconds=history.seconds,
        losses=tuple(epoch.loss for epoch in history.epochs),
        validation_losses=tuple(epoch.validation_loss for epoch in history.epochs),
        elapsed=tuple(epoch.seconds for epoch in history.epochs),
        dead_by_epoch={
            layer.layer: tuple(epoch.units[place].dead / layer.units for epoch in history.epochs)
            for place, layer in enumerate(history.epochs[0].units)
        },
        first_gradients=dict(history.epochs[0].gradients),
        last_gradients=dict(history.epochs[-1].gradients),
        units=history.best_epoch.units,
        slopes=learned_slopes(learned.weights),
        error=noisy_error(
            lambda Z: scorer.engine.reconstruct(Z)[0],
            alike,
            scorer.preprocessor,
            noise=wanted.alone.input_noise[0],
            left_out=wanted.alone.left_out,
        ),
        scoring_seconds=_scoring_seconds(scorer, alike),
        scores=tuple(np.round(scores[:_RANKED_ROWS], 6).tolist()),
        roc_auc=roc_auc,
        average_precision=average_precision,
    )


def _agreement(
    scores: NDArray[np.float64], is_anomaly: NDArray[np.bool_] | None
) -> tuple[float, float] | tuple[None, None]:
    """Return ROC AUC and average precision; None where there are no two classes."""
    if is_anomaly is None or not is_anomaly.any() or is_anomaly.all():
        return None, None
    from sklearn.metrics import average_precision_score, roc_auc_score

    return float(roc_auc_score(is_anomaly, scores)), float(average_precision_score(is_anomaly, scores))


def noisy_error(
    reconstruct: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    rows: Encoded,
    preprocessor: Preprocessor,
    *,
    noise: float,
    left_out: float,
) -> float:
    """Return the mean error over rows of which a network is given a noisy copy: what it minimised, on fresh rows.

    Without noise that is the reconstruction error. With it, copying the input is no way to a low error: as Vincent
    (Neural Computation 2011) showed, the lower it is, the better the network knows where rows lie.

    Args:
        reconstruct: The network, `(n, d)` → `(n, d)`.
        rows: That it has not seen.
        preprocessor: Knows the columns.
        noise: Deviation of the noise, as in fitting; the same noise for all networks.
        left_out: Share of the rows, those with the largest error, that do not count, as in fitting.
    """
    Z = preprocessor.within_limits(rows.Z)
    drawn = np.random.default_rng(_NOISE_SEED).normal(0, noise, Z.shape).astype(np.float32)
    squares = np.square(Z - reconstruct(Z + drawn)) * preprocessor.weights
    errors = np.sort(column_sums(squares, rows, preprocessor).sum(axis=1))
    return float(errors[: max(1, math.ceil((1 - left_out) * len(errors)))].mean())


def untouched_rows(prepared: Prepared, config: TrainConfig) -> tuple[Encoded, Encoded, NDArray[np.bool_] | None]:
    """Return rows that nothing was learned or chosen on: those like the fitting rows; and all, with their labels."""
    split, labels = prepared.split, prepared.is_anomaly
    untouched = split.calibration | split.test
    alike = untouched & ~labels if labels is not None and config.fit_on == "normal" else untouched
    like, judged = (np.flatnonzero(mask)[:_MOST_ROWS] for mask in (alike, untouched))
    transform = prepared.preprocessor.transform
    return (
        transform({name: values[like] for name, values in prepared.columns.items()}),
        transform({name: values[judged] for name, values in prepared.columns.items()}),
        None if labels is None else labels[judged],
    )


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
    """Return how many epochs so many seconds are enough for, by those that a short fit takes."""
    epochs = _learn(prepared, replace(config, epochs=_TIMED_EPOCHS)).history.epochs
    each = (epochs[-1].seconds - epochs[0].seconds) / (len(epochs) - 1)
    return max(1, int(seconds / each))


def _steps(prepared: Prepared, config: TrainConfig) -> int:
    """Return the number of steps of an epoch."""
    rows, features = prepared.rows["fitting"], len(prepared.preprocessor.features)
    [settings] = config.epoch_settings(rows=rows, features=features)
    return -(-rows // min(settings.batch_size, rows))


def _scoring_seconds(scorer: Scorer, rows: Encoded) -> float:
    """Return what scoring takes a row, in the exported engine: the shortest of some rounds over the same rows."""
    some = rows.rows(0, _TIMED_ROWS)
    rounds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        scorer.score(some)
        rounds.append(time.perf_counter() - started)
    return min(rounds) / len(some)
