"""Fits the network of a trial and measures it on rows that it has not seen. Imports TensorFlow."""

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
from training.comparison.outcomes import Outcome
from training.comparison.trials import Trial
from training.data.prepare import Prepared
from training.evaluate import average_precision, roc_auc
from training.network.learning import Learned, learn
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
    alike, untouched, is_anomaly = untouched_rows(prepared, config)
    scores = scorer.score(untouched).anomaly_score
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
            noise=wanted.alone.input_noise[0],
            trim=wanted.alone.trim,
        ),
        scoring_seconds=_scoring_seconds(scorer, alike),
        scores=tuple(np.round(scores[:_RANKED_ROWS], 6).tolist()),
        roc_auc=None if is_anomaly is None else roc_auc(scores, is_anomaly),
        average_precision=None if is_anomaly is None else average_precision(scores, is_anomaly),
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


def untouched_rows(prepared: Prepared, config: TrainConfig) -> tuple[Encoded, Encoded, NDArray[np.bool_] | None]:
    """Return the rows that nothing was learned or chosen on: those like the fitting rows, and all with their labels."""
    split, labels = prepared.split, prepared.is_anomaly
    untouched = split.calibration | split.test
    alike = untouched & ~labels if labels is not None and config.fit_on == "normal" else untouched
    like, everything = (np.flatnonzero(mask)[:_MOST_ROWS] for mask in (alike, untouched))
    transform = prepared.preprocessor.transform
    return (
        transform({name: values[like] for name, values in prepared.columns.items()}),
        transform({name: values[everything] for name, values in prepared.columns.items()}),
        None if labels is None else labels[everything],
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
    """Return the number of epochs that fit into a time limit, from the time of a short fit."""
    epochs = _learn(prepared, replace(config, epochs=_TIMED_EPOCHS)).history.epochs
    each_epoch = (epochs[-1].seconds - epochs[0].seconds) / (len(epochs) - 1)
    return max(1, int(seconds / each_epoch))


def _steps(prepared: Prepared, config: TrainConfig) -> int:
    """Return the number of steps of an epoch."""
    rows, features = prepared.rows["fitting"], len(prepared.preprocessor.features)
    [settings] = config.epoch_settings(rows=rows, features=features)
    return -(-rows // min(settings.batch_size, rows))


def _scoring_seconds(scorer: Scorer, rows: Encoded) -> float:
    """Return the seconds to score a row in the exported engine: the shortest of several rounds over the same rows."""
    timed = rows.rows(0, _TIMED_ROWS)
    rounds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        scorer.score(timed)
        rounds.append(time.perf_counter() - started)
    return min(rounds) / len(timed)
