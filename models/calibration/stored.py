"""The stored form of a calibration in a bundle: plain data and an array."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from numpy.typing import NDArray

from models.calibration.calibration import Calibration
from models.calibration.methods import spec_of
from models.calibration.rows import CalibrationRows

_ROUNDING: Final = 1e-9  # processors round the exponentials of a tail differently; all else is exact


def calibration_json(calibration: Calibration) -> dict[str, Any]:
    """Return all of a calibration but its rows as plain data; `CalibrationRows.to_array` gives these."""
    rows, spec = calibration.rows, calibration.spec
    return {
        "method": spec.method,
        "target": spec.target,
        "value": spec.value,
        "tail_share": spec.tail_share,
        "threshold": calibration.threshold,
        "thresholds": {name: cutoff.threshold for name, cutoff in calibration.by_segment.items()},
        "segments": list(rows.segments),
        "population": rows.population,
        "anomaly_weight": rows.anomaly_weight,
        "refitted": rows.refitted,
    }


def calibration_of(plain: Mapping[str, Any], array: NDArray[Any]) -> Calibration:
    """Calibrate anew on stored rows: a threshold that was edited would contradict the p-values.

    Args:
        plain: What `calibration_json` gave.
        array: What `CalibrationRows.to_array` gave.

    Raises:
        ConfigError, KeyError, TypeError, ValueError: They are not what was stored.
    """
    rows = CalibrationRows.from_array(array, plain)
    spec = spec_of(plain["method"], float(plain["value"]))
    spec = replace(spec, target=str(plain["target"]), tail_share=float(plain["tail_share"]))
    calibration = Calibration.on(rows, spec)
    found = {None: calibration.threshold} | {name: c.threshold for name, c in calibration.by_segment.items()}
    stored = {None: plain["threshold"]} | dict(plain["thresholds"])
    if found.keys() != stored.keys():
        raise ValueError("the thresholds are those of other segments")
    for name, threshold in stored.items():
        if not math.isclose(found[name], threshold, rel_tol=0.0 if calibration.pooled.tail is None else _ROUNDING):
            of = "" if name is None else f" of {name!r}"
            raise ValueError(f"the threshold{of} {threshold} is not the one of its scores")
    return calibration
