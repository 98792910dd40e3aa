"""NSL-KDD: fitted on the normal rows of train20, tested on test21, beside two peers on the same encoded matrix.

    python -m benchmarks.nslkdd_peers --data DIR [--seeds 3]

The peers (PyOD's AutoEncoder, scikit-learn's isolation forest) get, with their own defaults, every row that
ours learns from, encoded by our preprocessor. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

from models.columns.from_tables import columns_of_table
from models.programs.reading_flags import column_names
from models.tables.files import read_table
from models.tables.read_options import ReadOptions
from training.data.prepare import Prepared, prepare
from training.fit import fit
from training.settings.config import TrainConfig

Matrix = NDArray[np.float32]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the NSL-KDD files")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: 3)")
    arguments = parser.parse_args(argv)
    data: Path = arguments.data
    header = column_names([str(data / "nslkdd_field_names.csv"), "label", "difficulty"])
    train = read_table([data / "nslkdd_train20.txt"], ReadOptions(header=header))
    test = read_table([data / "nslkdd_test21.txt"], ReadOptions(header=header))
    figures: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(arguments.seeds):
        config = TrainConfig(label="label", fit_on="normal", exclude=("difficulty",), seed=seed)
        prepared = prepare(train, config, test_table=test)
        assert prepared.rule is not None
        labels = prepared.rule.anomalies(test)
        columns = columns_of_table(prepared.schema, test)
        fitting = _encoded(prepared)
        Z = prepared.preprocessor.transform(columns).Z
        for method, score in _methods(prepared, config, columns=columns, fitting=fitting, Z=Z, seed=seed).items():
            started = time.perf_counter()
            scores = score()
            seconds = time.perf_counter() - started
            figures.setdefault(method, []).append(
                (float(roc_auc_score(labels, scores)), float(average_precision_score(labels, scores)), seconds)
            )
    print("| method | ROC AUC | average precision | fit and score, s |\n|---|---|---|---|")
    for method, rows in figures.items():
        mean, spread = np.mean(rows, axis=0), np.ptp(rows, axis=0) / 2
        print(
            f"| {method} | {mean[0]:.3f} ± {spread[0]:.3f} | {mean[1]:.3f} ± {spread[1]:.3f} | {mean[2]:.1f} |",
            flush=True,
        )
    return 0


def _encoded(prepared: Prepared) -> Matrix:
    """Return every row that ours learns from, its calibration rows included: peers hold none out."""
    split = prepared.split
    rows = split.fitting | split.validation | split.calibration
    return prepared.preprocessor.transform(prepared.part(rows)).Z


def _methods(
    prepared: Prepared, config: TrainConfig, *, columns: Any, fitting: Matrix, Z: Matrix, seed: int
) -> dict[str, Callable[[], NDArray[Any]]]:
    def ours() -> NDArray[Any]:
        return fit(prepared, config, name="nslkdd", version="1").detector.score(columns).anomaly_score

    def pyod() -> NDArray[Any]:
        from pyod.models.auto_encoder import AutoEncoder

        peer = AutoEncoder(random_state=seed, verbose=0)
        peer.fit(fitting)
        return np.asarray(peer.decision_function(Z))

    def forest() -> NDArray[Any]:
        return -np.asarray(IsolationForest(random_state=seed).fit(fitting).score_samples(Z))

    return {"ours (defaults)": ours, "PyOD AutoEncoder": pyod, "isolation forest": forest}


if __name__ == "__main__":
    sys.exit(main())
