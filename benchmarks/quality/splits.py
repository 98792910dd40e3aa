"""Draws and splits: the fitting and the test rows of a set.

They are the same as in figures published before (`quality_splits.py`), so that rows of different programs can be
compared; a test compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import ConfigError, TableError

CAP: Final = 10_000
"""Larger sets are drawn down to so many rows, stratified by label."""

PROTOCOLS: Final = {
    "S": "novelty: fitted on half of the normal rows, tested on the other half and all anomalies",
    "U": "unlabelled: fitted and tested on all rows",
}
"""Descriptions of the protocols, by the name that ``--protocols`` takes."""

_LEAST_SCALE: Final = 1e-12  # below it a column is constant, and is only centred


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The rows of one fit.

    Args:
        fitting: Rows to fit `(n, d)`.
        test: Rows to score `(m, d)`; the same object as `fitting` where these are scored.
        is_anomaly: Labels of the test rows `(m,)`.
    """

    fitting: NDArray[np.floating]
    test: NDArray[np.floating]
    is_anomaly: NDArray[np.bool_]

    def standardised(self) -> Split:
        """Return the rows standardised by the fitting rows, in float32."""
        mean, scale = self.fitting.mean(axis=0), self.fitting.std(axis=0)
        scale[scale < _LEAST_SCALE] = 1.0
        fitting = ((self.fitting - mean) / scale).astype(np.float32, order="C")
        same = self.test is self.fitting
        test = fitting if same else ((self.test - mean) / scale).astype(np.float32, order="C")
        return Split(fitting=fitting, test=test, is_anomaly=self.is_anomaly)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """A labelled set: `X` `(n, d)`, and a mask of its anomalies `(n,)`."""

    X: NDArray[np.float64]
    is_anomaly: NDArray[np.bool_]

    def drawn(self, draw: np.random.RandomState, *, cap: int = CAP) -> LabelledSet:
        """Return at most `cap` rows, in their order."""
        if len(self.X) <= cap:
            return self
        share = float(self.is_anomaly.mean())
        anomalies = max(1, round(cap * share))
        chosen = draw.choice(np.where(self.is_anomaly)[0], anomalies, replace=False)
        normal = draw.choice(np.where(~self.is_anomaly)[0], cap - anomalies, replace=False)
        rows = np.sort(np.r_[normal, chosen])
        return LabelledSet(X=self.X[rows], is_anomaly=self.is_anomaly[rows])

    def split(self, *, protocol: str, seed: int) -> Split:
        """Draw the set down and split it.

        Args:
            protocol: A key of `PROTOCOLS`.
            seed: Seed of the draw and of the split.
        """
        draw = np.random.RandomState(seed)
        drawn = self.drawn(draw)
        if protocol == "U":
            return Split(fitting=drawn.X, test=drawn.X, is_anomaly=drawn.is_anomaly)
        normal = draw.permutation(np.where(~drawn.is_anomaly)[0])
        fitting = normal[: len(normal) // 2]
        test = np.r_[normal[len(normal) // 2 :], np.where(drawn.is_anomaly)[0]]
        return Split(fitting=drawn.X[fitting], test=drawn.X[test], is_anomaly=drawn.is_anomaly[test])


def read_set(path: Path) -> LabelledSet:
    """Read an npz file with `X` `(n, d)` and `y` `(n,)`, 1 for anomalies.

    Raises:
        TableError: It holds something else.
    """
    try:
        with np.load(path) as archive:
            X, y = np.asarray(archive["X"], np.float64), np.asarray(archive["y"]).astype(int).ravel()
    except (OSError, KeyError, ValueError) as error:
        raise TableError(f"{path}: is no set ({error}); a set is an npz file with X (rows × columns) and y.") from error
    if X.ndim != 2 or len(X) != len(y) or set(np.unique(y)) != {0, 1}:
        raise TableError(
            f"{path}: X must be rows × columns and y hold 0 (normal) and 1 (anomaly) for each row, got X {X.shape} and "
            f"{len(y)} labels with the values {', '.join(map(str, np.unique(y)[:5]))}."
        )
    return LabelledSet(X=X, is_anomaly=y == 1)


def sets_by_name(folder: Path, only: Sequence[str] = ()) -> dict[str, Path]:
    """Return the sets of a folder, the smallest file first; `only` has names without ``.npz``.

    Raises:
        ConfigError: There are no sets, or a named one is missing.
    """
    found = {path.stem: path for path in folder.glob("*.npz")}
    if not found:
        raise ConfigError(f"--data: {folder} has no npz files; each set is one, with X (rows × columns) and y.")
    unknown = [name for name in only if name not in found]
    if unknown:
        raise ConfigError(f"--sets: {folder} has no {', '.join(unknown)}; it has {', '.join(sorted(found))}.")
    return {name: found[name] for name in sorted(only or found, key=lambda name: (found[name].stat().st_size, name))}
