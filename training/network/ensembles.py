"""Learns from the fitting rows how the errors of an ensemble's members are combined into one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.preprocessor import Encoded, Preprocessor
from models.network.engine import Engine
from models.schema import Kind
from models.scoring.ensemble import Ensemble, Family, member_errors, scales_of
from models.scoring.histograms import Histograms
from training.settings.presets import FamilyPlan

_CHUNK_ROWS: Final = 256
_LEAST_TYPICAL_ERROR: Final = 1e-3  # of the variance: below it, an error is the rounding of float32 as much as anything


def ensemble_of(
    engine: Engine,
    encoded: Encoded,
    preprocessor: Preprocessor,
    *,
    families: Sequence[FamilyPlan],
    histogram_weight: float,
) -> Ensemble:
    """Measure the members of an engine on the fitting rows; `families` are their plans, in the order of the members."""
    errors = _errors(engine, encoded, preprocessor)
    typical = np.maximum(np.median(errors, axis=1), _LEAST_TYPICAL_ERROR)
    histograms = Histograms.of(encoded.Z, limits=preprocessor.limits, weights=_histogram_weights(preprocessor))
    ends = list(accumulate(len(plan.input_noise) for plan in families))
    parts = [slice(end - len(plan.input_noise), end) for plan, end in zip(families, ends, strict=True)]
    unscaled = [
        Family(
            name=plan.name,
            typical_errors=tuple(typical[part].tolist()),
            scale=plan.weight,
            logarithmic=plan.logarithmic,
        )
        for plan, part in zip(families, parts, strict=True)
    ]
    terms = [
        family.score((errors[part] / typical[part, None]).max(axis=0))
        for family, part in zip(unscaled, parts, strict=True)
    ]
    rarity = np.concatenate(
        [histograms.column_rarity(chunk, preprocessor.starts).sum(axis=1) for chunk in _chunks(encoded)]
    )
    *scales, histogram_scale = scales_of([*terms, rarity], [*(family.scale for family in unscaled), histogram_weight])
    return Ensemble(
        families=tuple(replace(family, scale=scale) for family, scale in zip(unscaled, scales, strict=True)),
        histograms=histograms,
        histogram_scale=histogram_scale,
    )


def _errors(engine: Engine, encoded: Encoded, preprocessor: Preprocessor) -> NDArray[np.float64]:
    """Return the errors of all members `(M, n)`."""
    errors = [
        member_errors(engine.reconstruct(preprocessor.within_limits(chunk.Z)), chunk, preprocessor)
        for chunk in _chunks(encoded)
    ]
    return np.concatenate(errors, axis=1).astype(np.float64)


def _chunks(encoded: Encoded) -> list[Encoded]:
    return [encoded.rows(start, start + _CHUNK_ROWS) for start in range(0, len(encoded), _CHUNK_ROWS)]


def _histogram_weights(preprocessor: Preprocessor) -> NDArray[np.float32]:
    """Return what the rarity of each feature counts `(d,)`: one for each column, in the mean over the columns.

    The levels of a category are one value between them, so their rarities add up; the cycles of a time are not.
    """
    encoders = preprocessor.encodings
    weights = [
        1.0 / (len(encoders) * (len(encoder.features) if encoder.kind is Kind.DATETIME else 1))
        for encoder in encoders
        for _ in encoder.features
    ]
    return np.array(weights, np.float32)
