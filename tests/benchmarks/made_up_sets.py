"""Made-up sets for the tests of the benchmark, and methods that need no extra."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def write_set(path: Path, *, rows: int = 120, columns: int = 3, anomalies: int = 12, seed: int = 0) -> Path:
    """Write a set whose last rows are anomalies, far away."""
    draw = np.random.RandomState(seed)
    X = draw.normal(size=(rows, columns)) * [1.0, 10.0, 0.1][:columns] + 5
    X[-anomalies:] += 8 * X.std(axis=0)
    X = np.round(X, 3)
    y = np.zeros(rows, int)
    y[-anomalies:] = 1
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, X=X, y=y)
    return path


def distance(X: Any, seed: int) -> Callable[[Any], Any]:
    """Score by the distance from the mean."""
    mean = X.mean(axis=0)
    return lambda rows: ((rows - mean) ** 2).sum(axis=1)


def forest(X: Any, seed: int) -> Callable[[Any], Any]:
    """Score by scikit-learn's isolation forest, a small one."""
    from sklearn.ensemble import IsolationForest

    fitted = IsolationForest(n_estimators=10, random_state=seed).fit(X)
    return lambda rows: -fitted.score_samples(rows)


def memory(X: Any, seed: int) -> Callable[[Any], Any]:
    """Take 100 MB while fitting."""
    assert np.ones(100_000_000 // 8).sum() > 0
    return distance(X, seed)


def raises(X: Any, seed: int) -> Callable[[Any], Any]:
    """Raise an error."""
    raise ValueError("these rows are\nnot to my liking")


def dies(X: Any, seed: int) -> Callable[[Any], Any]:
    """End the process as a crash does."""
    os.abort()


def sleeps(X: Any, seed: int) -> Callable[[Any], Any]:
    """Take a minute."""
    time.sleep(60)
    return distance(X, seed)


def nothing(X: Any, seed: int) -> Callable[[Any], Any]:
    """Score with what are no numbers."""
    return lambda rows: np.full(len(rows), np.nan)
