"""One fold of one set: features are learned without labels from its training rows, and probed on its test rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.embedding.features import ACTIVATIONS, PEERS, Features, detector_of, embedding_of, encoding_of
from benchmarks.embedding.probes import PROBES
from benchmarks.quality.splits import read_set

FOLDS: Final = 5
SEED: Final = 0

Row = dict[str, str]
KEY: Final = ("set", "fold", "method")
FIGURES: Final = (*(probe.name for probe in PROBES), "units", "silent", "zeros", "seconds")
"""Columns of the results: average precisions; features, those that are 0 on every test row, share of zeros; time."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A fold of a set.

    Args:
        name: Name of the set.
        path: Its file.
        fold: Index of the fold, from 0.
        rows: Number of rows that larger sets are drawn down to.
        k: Number of features.
        preset: Preset of the detectors.
        training_rows: Their `--training-rows`.
    """

    name: str
    path: Path
    fold: int
    rows: int
    k: int
    preset: str
    training_rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Rows with known labels, from which probes learn, and test rows."""

    known: NDArray[np.float64]
    is_anomaly: NDArray[np.bool_]
    fresh: NDArray[np.float64]
    truth: NDArray[np.bool_]


def fold_of(job: Job) -> Fold:
    """Draw a set down and return one of its folds, stratified by label."""
    from sklearn.model_selection import StratifiedKFold

    labelled = read_set(job.path).drawn(np.random.RandomState(SEED), cap=job.rows)
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(labelled.X, labelled.is_anomaly)
    known, fresh = list(splits)[job.fold]
    return Fold(
        known=labelled.X[known],
        is_anomaly=labelled.is_anomaly[known],
        fresh=labelled.X[fresh],
        truth=labelled.is_anomaly[fresh],
    )


def measured(job: Job) -> list[Row]:
    """Return a row for each kind of features."""
    fold = fold_of(job)
    return [
        {"set": job.name, "fold": str(job.fold), "method": name} | _figures(features, fold, seconds)
        for name, features, seconds in _learned(job, fold)
    ]


def _learned(job: Job, fold: Fold) -> Iterator[tuple[str, Features, float]]:
    """Learn every kind of features from the known rows, without their labels; return the seconds of each, too."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(fold.known)
    encode: Features = scaler.transform
    for activation in ACTIVATIONS:
        fit = partial(detector_of, fold.known, k=job.k, activation=activation, seed=SEED)
        detector, seconds = _timed(partial(fit, preset=job.preset, training_rows=job.training_rows))
        encode = encoding_of(detector)  # the same for every activation
        yield activation, embedding_of(detector), seconds
    for peer in PEERS:
        if peer.at_hand:
            inputs = encode if peer.encoded else scaler.transform
            learned, seconds = _timed(partial(peer.learn, inputs(fold.known), job.k, SEED))
            yield peer.name, _after(inputs, learned), seconds


def _after(first: Features, second: Features) -> Features:
    return lambda rows: second(first(rows))


def _figures(features: Features, fold: Fold, seconds: float) -> dict[str, str]:
    known, fresh = features(fold.known), features(fold.fresh)
    found = {
        probe.name: f"{probe.average_precision(known, fold.is_anomaly, fresh, fold.truth):.5f}" for probe in PROBES
    }
    return found | {
        "units": str(fresh.shape[1]),
        "silent": str(int((fresh == 0).all(axis=0).sum())),
        "zeros": f"{float((fresh == 0).mean()):.5f}",
        "seconds": f"{seconds:.3f}",
    }


def _timed(step: Callable[[], _T]) -> tuple[_T, float]:
    started = time.perf_counter()
    return step(), time.perf_counter() - started
