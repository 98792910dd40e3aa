"""Fits one case in a worker, by the trial of `training.compare`."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.activations.plan import RELU_OUTPUT, WIDTH, Case, registered
from benchmarks.quality.splits import read_set
from models.tables.table import Table
from training.comparison.trials import Setting, Trial
from training.data.prepare import Prepared, prepare
from training.settings.config import TrainConfig

LABEL = "is anomaly"


def figures_of(case: Case, path: Path) -> dict[str, Any]:
    """Fit and measure a case; return its figures as plain data.

    Args:
        case: The case.
        path: The file of its set.

    Raises:
        TrainingError: The loss is not a number.
    """
    prepared, config = prepared_set(path, case.noise)
    config = replace(config, dropout=case.dropout)
    usual = config.architecture(features=1).hidden_units
    setting = Setting(hidden_units=(WIDTH,) * case.depth or usual, learning_rate=case.learning_rate)
    if case.activation == RELU_OUTPUT:
        return {"error": relu_output_error(prepared, Trial(activation="relu", setting=setting, seed=case.seed), config)}
    from training.comparison.measure import run_trial

    with registered(case.activation) as name:
        outcome = run_trial(prepared, config, Trial(activation=name, setting=setting, seed=case.seed))
    level = min(outcome.validation_losses)
    return {
        "error": outcome.error,
        "roc_auc": outcome.roc_auc,
        "average_precision": outcome.average_precision,
        "dead_share": outcome.share("dead"),
        "saturated_share": outcome.share("saturated"),
        "zero_share": outcome.zeros,
        "step_seconds": outcome.step_seconds,
        "steps": outcome.steps,
        "scoring_seconds": outcome.scoring_seconds,
        "gradient_ratio": outcome.gradient_ratio,
        "best_loss": level,
        "losses": list(outcome.validation_losses),
        "slopes": {layer: list(slopes) for layer, slopes in outcome.slopes.items()},
    }


def relu_output_error(prepared: Prepared, trial: Trial, config: TrainConfig) -> float:
    """Return the held-out error of a network with a ReLU after the output layer."""
    from training.comparison.measure import noisy_error, untouched_rows
    from training.network.epochs import run_epochs
    from training.network.keras_network import DenseNetwork
    from training.network.keras_start import keras

    class WithReluOutput(DenseNetwork):
        """A network with a ReLU behind its output layer."""

        def forward(self, Z: Any, *, training: bool = False) -> Any:
            value, outputs = super().forward(Z, training=training)
            return keras.ops.relu(value), outputs

    wanted = trial.config(config)
    preprocessor, split = prepared.preprocessor, prepared.split
    fitting, validation = (preprocessor.transform(prepared.part(part)) for part in (split.fitting, split.validation))
    validation = replace(validation, Z=preprocessor.within_limits(validation.Z))
    [settings] = wanted.epoch_settings(rows=len(fitting), features=fitting.Z.shape[1])
    network = WithReluOutput(wanted.architecture(features=fitting.Z.shape[1]), seed=trial.seed)
    run_epochs(
        network,
        fitting=fitting,
        validation=validation,
        weights=preprocessor.weights,
        features=preprocessor.features,
        settings=settings,
    )
    alike = preprocessor.transform(prepared.part(untouched_rows(prepared, config).alike))
    plan = wanted.alone
    return noisy_error(
        lambda Z: network.reconstruct(Z)[0],
        alike,
        preprocessor,
        noise=plan.input_noise[0],
        trim=plan.trim,
    )


@lru_cache(maxsize=4)
def prepared_set(path: Path, noise: float) -> tuple[Prepared, TrainConfig]:
    """Return a set, drawn down and prepared: fitted on normal rows, tested on others and all anomalies."""
    drawn = read_set(path).drawn(np.random.RandomState(0))
    X = drawn.X
    if noise:
        scale = X.std(axis=0)
        X = X + noise * scale * np.random.default_rng(0).normal(size=X.shape)
    columns: dict[str, Any] = {f"x{i}": X[:, i] for i in range(X.shape[1])}
    columns[LABEL] = np.where(drawn.is_anomaly, "anomaly", "normal")
    config = TrainConfig(label=LABEL, fit_on="normal", least_rows=5, preset="fast")
    return prepare(Table(data=pa.table(columns)), config), config
