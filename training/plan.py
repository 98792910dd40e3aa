"""What a training would do with a table, before anything is fitted."""

from __future__ import annotations

from typing import Any

from training.config import TrainConfig
from training.prepare import Prepared, split_policy


def plan_of(prepared: Prepared, config: TrainConfig) -> dict[str, Any]:
    """Return all decisions as plain data; other programs rely on its names.

    Args:
        prepared: From `prepare`, with the same settings.
        config: The settings.
    """
    schema, preprocessor = prepared.schema, prepared.preprocessor
    network = config.architecture(features=len(preprocessor.features))
    epochs = config.epoch_settings(rows=prepared.rows["fitting"])
    value = config.threshold_value(calibration_rows=prepared.rows["calibration"])
    return {
        "rows": len(prepared.table),
        "parts": prepared.rows,
        "split": split_policy(config),
        "left_out": dict(prepared.left_out),
        "repairs": list(prepared.table.repairs),
        "columns": [
            {"name": encoder.name, "kind": str(encoder.kind), "enters_as": encoder.describe()}
            for encoder in preprocessor.encoders
        ],
        "columns_dropped": dict(schema.dropped),
        "findings": [str(finding) for finding in prepared.findings],
        "ids": list(schema.ids),
        "label": None if prepared.rule is None else {"column": prepared.rule.column, "reason": prepared.rule.reason},
        "anomalies": None if prepared.is_anomaly is None else int(prepared.is_anomaly.sum()),
        "layers": [network.features, *network.layer_units, network.features],
        "activation": network.activation,
        "epochs": epochs.epochs,
        "batch_size": epochs.batch_size,
        "threshold_method": config.threshold_method,
        "threshold_value": value,
        "settings": config.to_json(),
    }
