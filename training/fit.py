"""From a prepared table to a calibrated detector: fit, calibrate, evaluate, save.

Weights, early stopping and threshold each have rows of their own; the figures of the detector are measured on rows that
none of them has seen.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import PARITY, write_bundle
from models.calibration import (
    THRESHOLD_METHODS,
    Calibration,
    CalibrationRows,
    check_rows,
    prepared_spec,
    rows_needed,
)
from models.columns.from_records import Columns
from models.detector import Detector
from models.errors import BundleError, ConfigError, Set
from models.messages import phrase
from models.network.architecture import kind_of
from models.scoring import Scorer
from models.tables.table import Table
from training.columns.learn_columns import reference_of
from training.data.prepare import Prepared, fits_of, held_out_rows, split_policy
from training.evaluate import Metrics, evaluate
from training.network.diagnostics import gradient_warnings, health_warnings
from training.network.history import Epoch
from training.network.keras_start import versions
from training.network.learning import BUILDERS, Learned, learn
from training.settings.config import TrainConfig
from training.thresholds.kept_promise import broken_promise
from training.thresholds.report import threshold_report
from training.told_columns import untold_columns, with_untold

_MANY_ANOMALIES = 0.05
_SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """A detector, calibrated and on the serving engine, and how it came to be.

    Args:
        threshold: What the threshold rests on, from `threshold_report`.
        realised_alert_rate: Share flagged of the test rows that are drawn like the calibration rows.
        metrics: Agreement with labels; None where there are none.
        sample: Some of the test rows, on which a saved detector has to score the same.
        epochs: Number of epochs of each run of each fit, in order.
        seconds: Wall time of all epochs.
        evaluated: The detector that was calibrated and evaluated, before it was fitted again on all rows: it has seen
            neither calibration nor test rows. A single network is fitted once.
    """

    detector: Detector
    learned: Learned
    warnings: tuple[str, ...]
    threshold: dict[str, Any]
    rows: dict[str, int]
    realised_alert_rate: float
    metrics: Metrics | None
    epochs: tuple[tuple[int, ...], ...]
    seconds: float
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
    """Fit a network on rows that were prepared with the same settings, calibrate it and evaluate it.

    `test_table` has labelled rows for evaluation alone. `on_epoch` and `should_stop` are called after each epoch; True
    ends the training, with the best weights so far.

    Raises:
        TrainingError: The loss is not a number.
        TableError: The test table has another shape.
    """
    split = prepared.split
    watched = split.calibration if config.families else split.validation
    first, *more = fits_of(prepared, config)
    epochs: list[tuple[int, ...]] = []

    def learning(rows: NDArray[np.bool_]) -> Learned:
        counts: list[int] = []

        def counted(epoch: Epoch) -> None:
            counts.extend([0] * (epoch.number == 1))
            counts[-1] += 1
            on_epoch(epoch)

        learned = learn(prepared, config, rows=rows, watched=watched, on_epoch=counted, should_stop=should_stop)
        epochs.append(tuple(counts))
        return learned

    learned = learning(first)
    seconds = learned.history.seconds
    calibration = _calibrate(learned.scorer, prepared, config)
    detector = Detector(
        name=name,
        version=version,
        schema=prepared.schema,
        scorer=learned.scorer,
        calibration=calibration,
        reference=reference_of(prepared.schema, prepared.part(first), calibration.pooled.scores),
    )
    reference = detector.reference
    alerts, metrics = _evaluate(detector, prepared, config, test_table)
    learned_once = not more or learned.history.interrupted
    if not learned_once:
        learned = learning(more[0])
        seconds += learned.history.seconds
        calibration = replace(calibration, rows=replace(calibration.rows, refitted=True))
        reference = reference_of(prepared.schema, prepared.part(more[0]), calibration.pooled.scores)
    told_by = prepared.part(first if learned_once else more[0])
    reference = with_untold(reference, untold_columns(learned.scorer, told_by))
    threshold = threshold_report(calibration)
    result = FitResult(
        detector=replace(detector, scorer=learned.scorer, calibration=calibration, reference=reference),
        learned=learned,
        warnings=(*_warnings(config, prepared, learned, calibration, alerts), *threshold["warnings"]),
        threshold=threshold,
        rows=prepared.rows,
        realised_alert_rate=float(alerts.mean()) if len(alerts) else float("nan"),
        metrics=metrics,
        epochs=tuple(epochs),
        seconds=seconds,
        sample={name: values[:_SAMPLE_ROWS] for name, values in prepared.part(split.test).items()},
        evaluated=detector,
    )
    return replace(result, detector=replace(result.detector, card=_card(result, prepared, config)))


def write_result(result: FitResult, folder: Path) -> None:
    """Write the bundle of a fit into a folder from `new_bundle`, and prove that it scores the same.

    Raises:
        BundleError: The saved detector scores differently.
    """
    learned = result.learned
    saved = write_bundle(
        folder,
        result.detector,
        network=learned.config,
        graph=learned.graph,
        first_member=learned.first_member,
        write_network=partial(BUILDERS[kind_of(learned.config)].save, learned.network),
        trained=learned.network,
        versions={
            "python": platform.python_version(),
            **versions(),
            **{package: package_version(package) for package in ("numpy", "onnxruntime", "scikit-learn")},
        },
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    expected, scores = (detector.score(result.sample).anomaly_score for detector in (result.detector, saved))
    difference = np.abs(scores - expected) / np.maximum(1.0, expected)
    if not (difference <= PARITY).all():
        raise BundleError(
            f"The saved detector scores up to {difference.max():.1e} apart from the fitted one; it was not kept. "
            "Please report this."
        )


def _calibrate(scorer: Scorer, prepared: Prepared, config: TrainConfig) -> Calibration:
    rows = _calibration_rows(scorer, prepared, config)
    spec = config.threshold_spec(calibration_rows=len(rows.reference))
    return Calibration.on(rows, prepared_spec(rows, spec))


def _calibration_rows(scorer: Scorer, prepared: Prepared, config: TrainConfig) -> CalibrationRows:
    """Return the calibration rows; for a promised rate without gross errors, where enough are left to promise it."""
    encoded = scorer.preprocessor.transform(prepared.part(prepared.split.calibration))
    scores = scorer.score(encoded).anomaly_score
    every_row = held_out_rows(scores, prepared, config)
    if scorer.extremes is None:
        return every_row
    rows = held_out_rows(scores, prepared, config, gross=scorer.extremes.gross(encoded))
    spec = config.threshold_spec(calibration_rows=len(rows.reference))
    try:
        check_rows(rows, spec)
    except ConfigError:
        return every_row
    return rows if THRESHOLD_METHODS[spec.method].targets[spec.target].is_rate else every_row


def _evaluate(
    detector: Detector, prepared: Prepared, config: TrainConfig, test_table: Table | None
) -> tuple[NDArray[np.bool_], Metrics | None]:
    """Return which test rows that are drawn like the calibration rows are flagged, and the metrics of labels."""
    test = prepared.split.test
    verdicts = detector.score(prepared.part(test))
    labels = None if prepared.is_anomaly is None else prepared.is_anomaly[test]
    alike = ~labels if labels is not None and config.fit_on == "normal" else np.ones(len(verdicts), np.bool_)
    alerts = verdicts.is_anomaly[alike]
    if test_table is not None and prepared.rule is not None:
        return alerts, evaluate(detector.score_table(test_table), prepared.rule.anomalies(test_table))
    return alerts, None if labels is None else evaluate(verdicts, labels)


def _warnings(
    config: TrainConfig,
    prepared: Prepared,
    learned: Learned,
    calibration: Calibration,
    alerts: NDArray[np.bool_],
) -> list[str]:
    history = learned.history
    warnings = [
        *health_warnings(
            learned.health,
            activation=config.activation,
            learning_rate=config.learning_rate,
            features=learned.config.features * learned.config.members,
        ),
        *gradient_warnings(history.epochs[0].gradients, activation=config.activation),
    ]
    if history.interrupted:
        warnings.append(
            phrase(
                "The training was interrupted after {epochs} epochs; the weights of the best of them, {best}, are "
                "kept. More epochs may find more: train again without Ctrl-C.",
                epochs=len(history.epochs),
                best=history.best,
            )
        )
    rates = THRESHOLD_METHODS[config.threshold_method].defaults
    if config.threshold_target is None and calibration.spec.value != (rate := rates[0]):
        warnings.append(
            phrase(
                "{rows} calibration rows are too few to promise an alert rate of {rate:g} % ({needed} are needed): the "
                "threshold is for {value:g} %. Give more rows for a stricter one.",
                rows=len(calibration.pooled.scores),
                rate=100 * rate,
                needed=rows_needed(rate),
                value=100 * calibration.spec.value,
            )
        )
    if (promised := calibration.promised_alert_rate) is not None:
        calibrated, tested = len(calibration.pooled.scores), len(alerts)
        broken = broken_promise(
            flagged=int(alerts.sum()), tested=tested, promised=promised, calibrated=calibrated, time=config.time
        )
        warnings += [] if broken is None else [broken]
    share = 0.0 if prepared.is_anomaly is None else float(prepared.is_anomaly.mean())
    if config.fit_on == "all" and share >= _MANY_ANOMALIES:
        warnings.append(
            phrase(
                "{share:.0%} of the rows are labelled anomalies and were learned from like the others: what is learned "
                "is not found. Say {setting} to learn from normal rows alone.",
                share=share,
                setting=Set("fit_on", "normal"),
            )
        )
    return warnings + [finding.message for finding in prepared.findings if finding.warning]


def _card(result: FitResult, prepared: Prepared, config: TrainConfig) -> dict[str, Any]:
    """Return the card of the bundle: its training as plain data."""
    schema, learned, history = prepared.schema, result.learned, result.learned.history
    return {
        "rows": len(prepared.table),
        "parts": result.rows,
        "split": split_policy(config),
        "left_out": dict(prepared.left_out),
        "weighted": prepared.row_weights is not None,
        "input_names": list(prepared.table.names),
        "repairs": list(prepared.table.repairs),
        "columns": [
            {"name": encoder.name, "kind": str(encoder.kind), "enters_as": str(encoder.describe())}
            for encoder in prepared.preprocessor.encodings
        ],
        "dropped": dict(schema.dropped),
        "features": len(prepared.preprocessor.features),
        "label": None if prepared.rule is None else {"column": prepared.rule.column, "reason": prepared.rule.reason},
        "settings": asdict(config),
        "parameters": learned.parameters,
        "epochs": len(history.epochs),
        "best_epoch": history.best,
        "interrupted": history.interrupted,
        "fit_seconds": round(history.seconds, 3),
        "loss": history.best_epoch.loss,
        "validation_loss": history.best_epoch.validation_loss,
        "units": [asdict(layer) for layer in learned.health],
        "gradients": {
            layer: {"first": first, "last": history.epochs[-1].gradients[layer]}
            for layer, first in history.epochs[0].gradients.items()
        },
        "slopes": {layer: list(slopes) for layer, slopes in learned.slopes.items()},
        "promise": result.detector.calibration.promise,
        "threshold": result.threshold,
        "realised_alert_rate": None if np.isnan(result.realised_alert_rate) else result.realised_alert_rate,
        "metrics": None if result.metrics is None else asdict(result.metrics),
        "findings": [str(finding) for finding in prepared.findings],
        "warnings": list(result.warnings),
    }
