"""From a prepared table to a calibrated detector: fit, calibrate, evaluate.

Weights, early stopping and threshold each have rows of their own; the figures of the detector are measured on rows that
none of them has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from models.calibration import THRESHOLD_METHODS, Calibration, prepared_spec, rows_needed
from models.columns.from_records import Columns
from models.detector import Detector
from models.errors import Message, Set
from models.network.architecture import AutoencoderConfig
from models.scoring import Scorer
from models.tables.table import Table
from training.columns.learn_columns import reference_of
from training.data.prepare import Prepared, fits_of, held_out_rows, split_policy
from training.evaluate import Metrics, evaluate
from training.network.diagnostics import LayerHealth, gradient_warnings, health_warnings, layer_health, learned_slopes
from training.network.history import Epoch, History
from training.network.keras_network import DenseNetwork, hidden_outputs, parameter_count
from training.network.learning import Learned, learn
from training.settings.config import TrainConfig
from training.thresholds.report import threshold_report

_MANY_ANOMALIES = 0.05
_SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """A detector, and how it came to be.

    Args:
        detector: Calibrated, on the serving engine.
        network_config: What the network looks like.
        network: Its variables and its forward pass.
        graph: The exported network.
        history: The epochs.
        health: Dead and saturated units on the validation rows.
        warnings: What should be looked at, with the remedy.
        threshold: What the threshold rests on, from `threshold_report`.
        rows: Number of rows in each part.
        realised_alert_rate: Share flagged of the test rows that are drawn like the calibration rows.
        metrics: Agreement with labels; None where there are none.
        slopes: Mean learned slope of each layer, for prelu.
        parameters: Number of weights.
        sample: Some of the test rows, on which a saved detector has to score the same.
        evaluated: The detector that was calibrated and evaluated, before it was fitted again on all rows: it has seen
            neither calibration nor test rows. A single network is fitted once.
    """

    detector: Detector
    network_config: AutoencoderConfig
    network: DenseNetwork
    graph: bytes
    history: History
    health: tuple[LayerHealth, ...]
    warnings: tuple[str, ...]
    threshold: dict[str, Any]
    rows: dict[str, int]
    realised_alert_rate: float
    metrics: Metrics | None
    slopes: dict[str, tuple[float, float, float]]
    parameters: int
    sample: Columns
    evaluated: Detector


def fit(
    prepared: Prepared,
    config: TrainConfig,
    *,
    name: str,
    version: str,
    test_table: Table | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Fit a network on prepared rows, calibrate it and evaluate it.

    Args:
        prepared: From `prepare`, with the same settings.
        config: The settings.
        name: What the detector will be called.
        version: Which of its versions this will be.
        test_table: Labelled rows for evaluation alone.
        on_epoch: Called after each epoch.
        should_stop: Called after each epoch; True ends the training, with the best weights so far.

    Raises:
        TrainingError: The loss is not a number.
        TableError: The test table has another shape.
    """
    split = prepared.split
    watched = split.calibration if config.families else split.validation
    learning = partial(learn, prepared, config, watched=watched, on_epoch=on_epoch, should_stop=should_stop)
    first, *more = fits_of(prepared, config)
    learned = learning(rows=first)
    calibration = _calibrate(learned.scorer, prepared, config)
    detector = Detector(
        name=name,
        version=version,
        schema=prepared.schema,
        scorer=learned.scorer,
        calibration=calibration,
        reference=reference_of(prepared.schema, prepared.part(split.fitting), calibration.scores),
    )
    realised, metrics = _evaluate(detector, prepared, config, test_table)
    if more and not learned.history.interrupted:
        learned = learning(rows=more[0])
        calibration = replace(calibration, rows=replace(calibration.rows, refitted=True))
    network_config = learned.config
    threshold = threshold_report(calibration)
    health = _health(learned)
    result = FitResult(
        detector=replace(detector, scorer=learned.scorer, calibration=calibration),
        network_config=network_config,
        network=learned.network,
        graph=learned.graph,
        history=learned.history,
        health=health,
        warnings=(*_warnings(config, prepared, learned.history, health, calibration), *threshold["warnings"]),
        threshold=threshold,
        rows=prepared.rows,
        realised_alert_rate=realised,
        metrics=metrics,
        slopes=learned_slopes(learned.weights),
        parameters=parameter_count(learned.weights),
        sample={name: values[:_SAMPLE_ROWS] for name, values in prepared.part(split.test).items()},
        evaluated=detector,
    )
    return replace(result, detector=replace(result.detector, card=_card(result, prepared, config)))


def _health(learned: Learned) -> tuple[LayerHealth, ...]:
    """Return what the units do with the weights that were kept; the history of an ensemble is that of some members."""
    if learned.config.members == 1:
        return learned.history.best_epoch.units
    outputs = hidden_outputs(learned.network, learned.watched.Z)
    return layer_health(outputs, activation=learned.config.activation)


def _calibrate(scorer: Scorer, prepared: Prepared, config: TrainConfig) -> Calibration:
    columns = prepared.part(prepared.split.calibration)
    rows = held_out_rows(scorer.score(scorer.preprocessor.transform(columns)).anomaly_score, prepared, config)
    spec = config.threshold_spec(calibration_rows=len(rows.reference))
    return Calibration.on(rows, prepared_spec(rows, spec))


def _evaluate(
    detector: Detector, prepared: Prepared, config: TrainConfig, test_table: Table | None
) -> tuple[float, Metrics | None]:
    """Return the realised alert rate, and the metrics where there are labels."""
    test = prepared.split.test
    verdicts = detector.score(prepared.part(test))
    labels = None if prepared.is_anomaly is None else prepared.is_anomaly[test]
    alike = ~labels if labels is not None and config.fit_on == "normal" else np.ones(len(verdicts), np.bool_)
    realised = float(verdicts.is_anomaly[alike].mean()) if alike.any() else float("nan")
    if test_table is not None and prepared.rule is not None:
        return realised, evaluate(detector.score_table(test_table), prepared.rule.anomalies(test_table))
    return realised, None if labels is None else evaluate(verdicts, labels)


def _warnings(
    config: TrainConfig,
    prepared: Prepared,
    history: History,
    health: tuple[LayerHealth, ...],
    calibration: Calibration,
) -> list[str]:
    warnings = [
        *health_warnings(health, activation=config.activation, learning_rate=config.learning_rate),
        *gradient_warnings(history.epochs[0].gradients, activation=config.activation),
    ]
    if history.interrupted:
        warnings.append(
            f"The training was interrupted after {len(history.epochs)} epochs; the weights of the best of them, "
            f"{history.best}, are kept. More epochs may find more: train again without Ctrl-C."
        )
    rates = THRESHOLD_METHODS[config.threshold_method].defaults
    if config.threshold_target is None and calibration.value != (rate := rates[0]):
        warnings.append(
            f"{len(calibration.scores)} calibration rows are too few to promise an alert rate of {100 * rate:g} % "
            f"({rows_needed(rate)} are needed): the threshold is for {100 * calibration.value:g} %. Give more rows for "
            "a stricter one."
        )
    share = 0.0 if prepared.is_anomaly is None else float(prepared.is_anomaly.mean())
    if config.fit_on == "all" and share >= _MANY_ANOMALIES:
        warnings.append(
            Message(
                f"{share:.0%} of the rows are labelled anomalies and were learned from like the others: what is "
                "learned is not found. Say ",
                Set("fit_on", "normal"),
                " to learn from normal rows alone.",
            )
        )
    return warnings + [finding.message for finding in prepared.findings if finding.warning]


def _card(result: FitResult, prepared: Prepared, config: TrainConfig) -> dict[str, Any]:
    """Return the card of the bundle: its training as plain data."""
    schema, history = prepared.schema, result.history
    return {
        "rows": len(prepared.table),
        "parts": result.rows,
        "split": split_policy(config),
        "left_out": dict(prepared.left_out),
        "weighted": prepared.row_weights is not None,
        "input_names": list(prepared.table.names),
        "repairs": list(prepared.table.repairs),
        "columns": [
            {"name": encoder.name, "kind": str(encoder.kind), "enters_as": encoder.describe()}
            for encoder in prepared.preprocessor.encodings
        ],
        "dropped": dict(schema.dropped),
        "features": len(prepared.preprocessor.features),
        "label": None if prepared.rule is None else {"column": prepared.rule.column, "reason": prepared.rule.reason},
        "settings": asdict(config),
        "parameters": result.parameters,
        "epochs": len(history.epochs),
        "best_epoch": history.best,
        "interrupted": history.interrupted,
        "fit_seconds": round(history.seconds, 3),
        "loss": history.best_epoch.loss,
        "validation_loss": history.best_epoch.validation_loss,
        "units": [asdict(layer) for layer in result.health],
        "gradients": {
            layer: {"first": first, "last": history.epochs[-1].gradients[layer]}
            for layer, first in history.epochs[0].gradients.items()
        },
        "slopes": {layer: list(slopes) for layer, slopes in result.slopes.items()},
        "promise": result.detector.calibration.promise,
        "threshold": result.threshold,
        "realised_alert_rate": None if np.isnan(result.realised_alert_rate) else result.realised_alert_rate,
        "metrics": None if result.metrics is None else asdict(result.metrics),
        "findings": [str(finding) for finding in prepared.findings],
        "warnings": list(result.warnings),
    }
