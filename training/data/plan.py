"""The plan of a training: every decision about a table, before anything is fitted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.prepare import Prepared, split_policy
from training.settings.config import TrainConfig


def plan_of(prepared: Prepared, config: TrainConfig) -> dict[str, Any]:
    """Return all decisions as plain data, as ``--dry-run --json`` prints them; the keys are an interface."""
    schema, preprocessor = prepared.schema, prepared.preprocessor
    network = config.architecture(features=len(preprocessor.features))
    epochs = config.epoch_settings(rows=prepared.rows["fitting"], features=network.features)[0]
    return {
        "rows": len(prepared.table),
        "parts": prepared.rows,
        "split": split_policy(config),
        "left_out": dict(prepared.left_out),
        "repairs": list(prepared.table.repairs),
        "columns": [
            {"name": encoder.name, "kind": str(encoder.kind), "enters_as": encoder.describe()}
            for encoder in preprocessor.encodings
        ],
        "columns_dropped": dict(schema.dropped),
        "findings": [str(finding) for finding in prepared.findings],
        "ids": list(schema.ids),
        "label": None if prepared.rule is None else {"column": prepared.rule.column, "reason": prepared.rule.reason},
        "anomalies": None if prepared.is_anomaly is None else int(prepared.is_anomaly.sum()),
        "preset": config.preset,
        "training_rows": config.known_rows,
        "members": network.members,
        "layers": [network.features, *network.layer_units, network.features],
        "activation": network.activation,
        "epochs": epochs.epochs,
        "batch_size": epochs.batch_size,
        "threshold_method": config.threshold_method,
        "threshold_value": config.threshold_spec(calibration_rows=prepared.rows["calibration"]).value,
        "settings": asdict(config),
    }


def fits_of(prepared: Prepared, config: TrainConfig) -> tuple[NDArray[np.bool_], ...]:
    """Return the fitting rows of each fit of a training, one mask `(n,)` a fit.

    A single network is fitted once, on the fitting rows. An ensemble is fitted twice: first without the held-out rows,
    to learn how it scores rows that it has not seen, then on all rows that may be learned from; that fit is saved.
    """
    split = prepared.split
    if not config.families:
        return (split.fitting,)
    seen = split.fitting | split.validation
    known = prepared.is_anomaly if config.fit_on == "normal" and prepared.is_anomaly is not None else False
    return seen, (seen | split.calibration | split.test) & ~np.asarray(known)


def epochs_of(prepared: Prepared, config: TrainConfig) -> int:
    """Return the largest number of epochs of all fits of a training together."""
    features = len(prepared.preprocessor.features)
    return sum(
        settings.epochs
        for rows in fits_of(prepared, config)
        for settings in config.epoch_settings(rows=int(rows.sum()), features=features)
    )
