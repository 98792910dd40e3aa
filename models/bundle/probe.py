"""The probe: made-up rows with the scores of the training network, with which a loaded detector is compared.

There are two kinds: rows of `Z`, a little beyond what the fitting rows had, and records, which go through the
encoders first: each with its own kinds of values, a missing one and, for categories, one that was never seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.encoders import (
    CategoricalEncoding,
    Encoding,
    FloatMatrix,
    NumericEncoding,
    TimestampEncoding,
    features_from_plain,
)
from models.encoders.preprocessor import Encoded, Preprocessor
from models.errors import BundleError
from models.network.engine import Engine
from models.scoring import Scorer
from models.strict_json import from_plain

PARITY: Final = 1e-5
"""Largest difference of two computations of a score, relative to max(1, score)."""

ENSEMBLE_PARITY: Final = 1e-4
"""The same for an ensemble, whose unit is a typical error, so that the rounding of float32 counts more."""

_PROBE_ROWS: Final = 8
_MOST_CATEGORIES: Final = 64
_NEVER_SEEN: Final = "(never seen)"


def probe_of(scorer: Scorer, trained: Engine) -> dict[str, Any]:
    """Make up rows (no record of the user's is kept) and score them with the training network."""
    preprocessor = scorer.preprocessor
    random = np.random.default_rng(0)
    low, high = preprocessor.limits.astype(np.float64)
    share = random.uniform(-0.1, 1.1, (_PROBE_ROWS, len(low)))
    share[0], share[1] = -0.1, 1.1  # beyond each end of the range
    Z = (low + share * (high - low)).astype(np.float32)
    values = {encoder.name: _made_up(encoder, random) for encoder in preprocessor.encodings}
    rows = max(map(len, values.values()))
    records = {name: [cells[row % len(cells)] for row in range(rows)] for name, cells in values.items()}
    scorer = replace(scorer, engine=trained)
    return {
        "Z": Z.astype(float).tolist(),
        "anomaly_score": _scores(scorer, Encoded(Z=Z)).tolist(),
        "records": records,
        "records_anomaly_score": _scores(scorer, preprocessor.transform(_columns(preprocessor, records))).tolist(),
    }


def check_probe(scorer: Scorer, probe: Mapping[str, Any]) -> None:
    """Compare a loaded detector with the network that was trained.

    Raises:
        BundleError: It scores the probe differently.
    """
    try:
        Z = features_from_plain(probe["Z"])
        if not len(Z) or Z.shape[1:] != (len(scorer.preprocessor.features),):
            raise ValueError(f"it is of shape {Z.shape}")
        _check_first_member(scorer, Z)
        parity = PARITY if scorer.ensemble is None else ENSEMBLE_PARITY
        _compare(_scores(scorer, Encoded(Z=Z)), probe["anomaly_score"], parity)
        encoded = scorer.preprocessor.transform(_columns(scorer.preprocessor, probe["records"]))
        _compare(_scores(scorer, encoded), probe["records_anomaly_score"], parity)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(
            f"probe.json is not readable ({error!r}); the bundle's parts come from two fits, or it was edited."
        ) from error


def _check_first_member(scorer: Scorer, Z: FloatMatrix) -> None:
    """Compare the first member alone with the first of the ensemble."""
    if scorer.first_member is None:
        return
    within = scorer.preprocessor.within_limits(Z)
    alone, first = scorer.first_member.reconstruct(within)[0], scorer.engine.reconstruct(within)[0]
    if not (np.abs(alone - first) <= ENSEMBLE_PARITY * np.maximum(1.0, np.abs(first))).all():
        raise BundleError(
            "first_member.onnx expects other values than the first member of network.onnx; they come from two fits. "
            "Train the detector anew."
        )


def _scores(scorer: Scorer, encoded: Encoded) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):  # of damaged weights: the scores will differ
        return scorer.score(encoded).anomaly_score


def _compare(scores: NDArray[np.float64], expected: object, parity: float) -> None:
    recorded = np.array(from_plain(expected, list[float]))
    if recorded.shape != scores.shape:
        raise ValueError(f"{len(recorded)} scores for {len(scores)} rows")
    difference = np.abs(scores - recorded) / np.maximum(1.0, np.abs(recorded))
    if not (difference <= parity).all():
        raise BundleError(
            f"network.onnx scores the probe up to {difference.max():.1e} apart from the network that was trained; at "
            f"most {parity:.0e} is right. Train the detector anew, or report this."
        )


def _made_up(encoder: Encoding, random: np.random.Generator) -> list[Any]:
    """Return values of one column as JSON has them: usual ones, unusual ones and a missing one."""
    if isinstance(encoder, CategoricalEncoding):
        return [*(*encoder.categories, *encoder.rare)[:_MOST_CATEGORIES], _NEVER_SEEN, None]
    if isinstance(encoder, NumericEncoding):
        spread: FloatMatrix = random.uniform(-4, 4, (_PROBE_ROWS, len(encoder.features))).astype(np.float32)
        return [*map(encoder.decode, spread), None]
    if isinstance(encoder, TimestampEncoding):
        times = np.linspace(-1, 3, _PROBE_ROWS) + random.uniform(0, 0.1, _PROBE_ROWS)  # some before the first row
        return [*(encoder.start + encoder.scale * times).tolist(), None]
    return [0.0, 1.0, None]


def _columns(preprocessor: Preprocessor, records: object) -> Columns:
    cells = from_plain(records, dict[str, list[float | str | None]])
    columns: dict[str, NDArray[Any]] = {}
    for encoder in preprocessor.encodings:
        values = cells[encoder.name]
        if isinstance(encoder, CategoricalEncoding):
            from_plain(values, list[str | None])
            columns[encoder.name] = np.array([*values, None], object)[:-1]  # never an array of texts
        else:
            columns[encoder.name] = np.array(from_plain(values, list[float | None]), np.float64)
    if len({len(values) for values in columns.values()}) != 1 or not len(next(iter(columns.values()))):
        raise ValueError("the columns of its records are not of one length")
    return columns
