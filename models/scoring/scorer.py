"""The one and only path from encoded rows to anomaly scores.

The anomaly score of a record is the mean, over the K columns of the user's, of the squared distance between
the record and its reconstruction, in standard deviations²:

    score = Σ_columns error_column        error_column = Σ_features weight · (Z − Ẑ)² + novelty penalty

About 1 is what predicting the mean of every column would give; higher is more anomalous, always. The sum over
the columns is exact. Where several networks were fitted, `models/scoring/ensemble.py` makes one score of
their errors, and numbers beyond nearly all others of their column add to it (`models/scoring/extremes.py`); the sum
stays exact. Which scores are anomalies is decided in `models/calibration`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders import FloatMatrix
from models.encoders.preprocessor import Encoded, Preprocessor
from models.network.engine import Engine
from models.scoring.ensemble import Ensemble, column_sums, member_errors
from models.scoring.extremes import Extremes
from models.threads import allowed_threads

CACHED_ROWS: Final = 1024
"""Rows that stay in the processor's cache from their columns to their scores: larger calls are slower a row."""


@cache
def _map() -> Callable[..., Iterator[Any]]:
    """Return a `map` over chunks: by threads, as an engine uses one thread a call; the built-in one for one thread."""
    threads = allowed_threads()
    return map if threads == 1 else ThreadPoolExecutor(threads, thread_name_prefix="score").map


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_map.cache_clear)  # a forked process has none of the threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of n rows.

    Args:
        anomaly_score: `(n,)`; higher is more anomalous. Of a single network: in standard deviations²; of an ensemble:
            in scores of the median fitting row.
        column_errors: What each column adds `(n, K)`; the rows sum to `anomaly_score`.
        Z: The rows that were scored, encoded `(n, d)`.
        reconstruction: What the network expected `(n, d)`, standardised; of an ensemble: the first member.
    """

    anomaly_score: NDArray[np.float64]
    column_errors: NDArray[np.float64]
    Z: FloatMatrix
    reconstruction: FloatMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """Scores encoded rows with an engine; a single network has no ensemble.

    Args:
        first_member: The first member of an ensemble alone; None for a single network, and in old bundles.
        extremes: None where no column has a range, and in old bundles.
    """

    preprocessor: Preprocessor
    engine: Engine
    first_member: Engine | None = None
    ensemble: Ensemble | None = None
    extremes: Extremes | None = None

    def score(self, encoded: Encoded) -> Scores:
        """Score n encoded rows; a row scores the same alone and among others."""
        chunks = list(self._chunks(encoded))
        if len(chunks) == 1:
            return self._score_chunk(chunks[0])
        scored = list(_map()(self._score_part, chunks))
        return Scores(
            anomaly_score=np.concatenate([scores.anomaly_score for scores in scored]),
            column_errors=np.concatenate([scores.column_errors for scores in scored]),
            Z=encoded.Z,
            reconstruction=np.concatenate([scores.reconstruction for scores in scored]),
        )

    def reconstruction_error(self, encoded: Encoded) -> NDArray[np.float64]:
        """Return how far n encoded rows are from their reconstructions `(n,)`, in standard deviations².

        Of a single network that is the anomaly score without the extremes, of an ensemble the mean over the members.
        """
        if self.ensemble is None:
            return replace(self, extremes=None).score(encoded).anomaly_score
        errors = [
            member_errors(
                self.engine.reconstruct(self.preprocessor.within_limits(chunk.Z)), chunk, self.preprocessor
            ).mean(axis=0, dtype=np.float64)
            for chunk in self._chunks(encoded)
        ]
        return np.concatenate(errors)

    def expected(self, Z: FloatMatrix, columns: NDArray[np.intp]) -> FloatMatrix:
        """Return what is expected of m rows of `Z` `(m, d)` in one column each, by its index `(m,)`.

        The column is hidden from the network: all features that tell it have their means. So the others alone say what
        is expected, and a gross error does not draw it near. Of an ensemble, the first member says it.
        """
        hidden = self.preprocessor.within_limits(Z)
        hidden[self.preprocessor.tells[columns]] = 0.0
        expected: FloatMatrix = (self.first_member or self.engine).reconstruct(hidden)[0]
        return expected

    def embed(self, encoded: Encoded) -> FloatMatrix:
        """Return the bottleneck's output `(n, k)`."""
        embedding: list[FloatMatrix] = []
        for chunk in self._chunks(encoded):
            first = self.engine.embed(self.preprocessor.within_limits(chunk.Z))
            embedding.append(first.copy())  # it is a view of what all members gave, which would be held
        return np.concatenate(embedding)

    def _chunks(self, encoded: Encoded) -> Iterator[Encoded]:
        rows = CACHED_ROWS if self.ensemble is None else max(2, CACHED_ROWS // self.ensemble.members)
        if len(encoded) <= rows:
            yield encoded
            return
        for start in range(0, len(encoded), rows):
            yield encoded.rows(start, start + rows)

    def _score_part(self, encoded: Encoded) -> Scores:
        """Score a chunk of several: its reconstruction is a view of those by all members, which would be held."""
        scores = self._score_chunk(encoded)
        return replace(scores, reconstruction=scores.reconstruction.copy())

    def _score_chunk(self, encoded: Encoded) -> Scores:
        reconstruction = self.engine.reconstruct(self.preprocessor.within_limits(encoded.Z))
        if self.ensemble is None:
            squares = np.square(encoded.Z - reconstruction[0]) * self.preprocessor.weights
            column_errors = column_sums(squares, encoded, self.preprocessor)
        else:
            column_errors = self.ensemble.column_errors(reconstruction, encoded, self.preprocessor)
        if self.extremes is not None and (found := self.extremes.excesses(encoded)) is not None:
            columns = self.preprocessor.column_of_feature[found.features]
            column_errors[found.rows, columns] += self.extremes.scale * found.units
        return Scores(
            anomaly_score=column_errors.sum(axis=1),
            column_errors=column_errors,
            Z=encoded.Z,
            reconstruction=reconstruction[0],
        )
