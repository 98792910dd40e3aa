"""Scores, flags and reasons of one fit, for the rows that it was fitted on and for fresh ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted.planting import PARTS, Part
from benchmarks.quality.experiments.decisions import pyod_rule
from benchmarks.quality.methods import Method
from benchmarks.quality.ours import is_ours, new_ours, settings_by_name
from benchmarks.quality.tables import encoder_of

if TYPE_CHECKING:
    import pandas as pd

_FITTED: Final = PARTS[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What is said of a planted row.

    Args:
        blamed: The column that is named first.
        expected: Expected values by column, of all columns that are features.
    """

    blamed: str
    expected: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The verdicts on the n rows of a part.

    Args:
        scores: Higher for anomalies `(n,)`.
        flagged: Which rows are flagged `(n,)`.
        reasons: A reason for each error of the part; empty for methods that give none.
    """

    scores: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    reasons: tuple[Reason, ...] = ()

    def rank(self, row: int) -> int:
        """Return the rank of a row, 1 for the highest score; equal scores have the last of their ranks."""
        return int((self.scores >= self.scores[row]).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The verdicts of one fit by part, and its seconds; ours scores the fitted rows within them."""

    parts: Mapping[str, Scored]
    seconds: float


def verdicts_of(method: Method, parts: Mapping[str, Part], *, ids: tuple[str, ...], seed: int) -> Fitted:
    """Fit a method on the fitted rows, errors included, and score both parts.

    Ours gets the table as it is and decides with its default threshold. Peers get it encoded, without the columns that
    name a row, and flag by PyOD's rule, the highest tenth of the fitted scores.
    """
    if is_ours(method.name):
        return _ours(settings_by_name(method.name), parts, seed=seed)
    return _peer(method.fit, parts, ids=ids, seed=seed)


def _ours(settings: Mapping[str, Any], parts: Mapping[str, Part], *, seed: int) -> Fitted:
    detector, fitted = new_ours(settings, seed), parts[_FITTED].rows
    started = time.perf_counter()
    flagged = detector.fit_predict(fitted) == -1
    seconds = time.perf_counter() - started
    scored = {
        name: Scored(
            scores=detector.training_scores_ if name == _FITTED else detector.anomaly_score(part.rows),
            flagged=flagged if name == _FITTED else detector.predict(part.rows) == -1,
            reasons=_reasons(detector.explain, part),
        )
        for name, part in parts.items()
    }
    return Fitted(parts=scored, seconds=seconds)


def _reasons(explain: Callable[..., pd.DataFrame], part: Part) -> tuple[Reason, ...]:
    if not part.errors:
        return ()
    rows = part.rows.iloc[[error.row for error in part.errors]]
    found = explain(rows, top=len(rows.columns))
    reasons = []
    for _, of_row in found.groupby("row", sort=True):
        expected = dict(zip(of_row["feature"], of_row["expected"], strict=True))
        reasons.append(Reason(blamed=str(of_row["feature"].iloc[0]), expected=expected))
    return tuple(reasons)


def _peer(
    fit: Callable[[Any, int], Callable[[Any], NDArray[np.floating]]],
    parts: Mapping[str, Part],
    *,
    ids: tuple[str, ...],
    seed: int,
) -> Fitted:
    rows = {name: part.rows.drop(columns=list(ids)) for name, part in parts.items()}
    encode = encoder_of(rows[_FITTED])
    encoded = {name: encode(frame) for name, frame in rows.items()}
    started = time.perf_counter()
    score = fit(encoded[_FITTED], seed)
    seconds = time.perf_counter() - started
    scores = {name: np.asarray(score(Z), np.float64).ravel() for name, Z in encoded.items()}
    return Fitted(
        parts={name: Scored(scores=found, flagged=pyod_rule(scores[_FITTED], found)) for name, found in scores.items()},
        seconds=seconds,
    )
