"""One measurement: time of a fit and its scoring, peak memory, and the quality of the scores."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.methods import Method

FIGURES: Final = ("roc_auc", "average_precision", "fit_seconds", "score_seconds", "peak_mb")
"""The columns of a measurement."""

_T = TypeVar("_T")
_PEAK_IS_FORGOTTEN = "5"  # proc(5), clear_refs


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The measurements of one fit.

    Args:
        scores: Scores of the test rows `(m,)`, higher for anomalies.
        fit_seconds: Wall time of the fit.
        score_seconds: Wall time of scoring the test rows.
        peak_mb: Peak resident memory above what was resident before: the interpreter, the libraries, a first small
            fit and the rows themselves. It is exact in a process of its own, as the runs are.
    """

    scores: NDArray[np.floating]
    fit_seconds: float
    score_seconds: float
    peak_mb: float

    def figures(self, is_anomaly: NDArray[np.bool_]) -> dict[str, str]:
        """Return the columns `FIGURES`, given the labels of the test rows `(m,)`."""
        from sklearn.metrics import average_precision_score, roc_auc_score

        return {
            "roc_auc": f"{roc_auc_score(is_anomaly, self.scores):.5f}",
            "average_precision": f"{average_precision_score(is_anomaly, self.scores):.5f}",
            "fit_seconds": f"{self.fit_seconds:.3f}",
            "score_seconds": f"{self.score_seconds:.3f}",
            "peak_mb": f"{self.peak_mb:.1f}",
        }


def measured(method: Method, fitting: Any, test: Any, *, seed: int) -> Measured:
    """Fit a method and score with it.

    Args:
        method: The method.
        fitting: Rows to fit.
        test: Rows to score.
        seed: Seed of the method.

    Raises:
        ValueError: The scores are not one number a row.
    """
    gc.collect()
    _forget_peak()
    before = _peak_mb()
    score, fit_seconds = _timed(lambda: method.fit(fitting, seed))
    scores, score_seconds = _timed(lambda: np.asarray(score(test), np.float64).ravel())
    if len(scores) != len(test) or not np.isfinite(scores).all():
        raise ValueError(
            f"{len(test)} rows were scored, {len(scores)} scores came, {int((~np.isfinite(scores)).sum())} not finite"
        )
    return Measured(
        scores=scores, fit_seconds=fit_seconds, score_seconds=score_seconds, peak_mb=max(0.0, _peak_mb() - before)
    )


def _timed(step: Callable[[], _T]) -> tuple[_T, float]:
    started = time.perf_counter()
    return step(), time.perf_counter() - started


def _forget_peak() -> None:
    """Reset the peak of resident memory; where the system cannot, the peak of the imports stays in the figure."""
    clear_refs = Path("/proc/self/clear_refs")
    if os.access(clear_refs, os.W_OK):
        clear_refs.write_text(_PEAK_IS_FORGOTTEN)


def _peak_mb() -> float:
    import resource  # POSIX only, like the runs

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
