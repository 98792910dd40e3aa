"""Does the method `fpr` keep its promise? Real tables × seeds, judged on fresh normal rows.

    python -m benchmarks.false_alarms --data DIR [--seeds 20]

For each table and seed a detector is fitted (briefly: the promise holds whatever the network) and calibrated at
5 % and 1 %; rows that nothing has seen and that are normal are judged. If the promise holds, the false-positive
rate of a fit with n calibration rows is drawn from Beta(m, n + 1 − m), m = ⌊(n + 1) α⌋, whose mean is at most α,
and the flagged ones of F fresh rows are binomial with that rate (Vovk, Conditional validity of inductive conformal
predictors, 2012). The flagged ones are compared with the upper end of that law, at a confidence of 99.9 % for all
rows of the table together (Bonferroni).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from rich.progress import track

from models.calibration import Calibration
from models.tables import Table, read_table
from training.config import TrainConfig
from training.fit import fit
from training.prepare import prepare

RATES: Final = (0.05, 0.01)
TABLES: Final = {
    "pyod_cardio.csv": {"label": "label", "fit_on": "normal"},
    "ai4i2020.csv": {"label": "Machine failure", "fit_on": "normal"},
    "uci_bank_additional.csv": {"label": "y", "fit_on": "normal"},
    "skab_anomaly_free.csv": {},
    "pycaret_income.csv": {"label": "income >50K", "fit_on": "normal"},
}
"""Five tables, and which of their rows are normal."""

_CONFIDENCE: Final = 0.999
_DRAWS: Final = 1_000_000

Counts = list[tuple[int, int, int]]  # of each fit: flagged rows, fresh rows, calibration rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 where the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files")
    parser.add_argument("--seeds", type=int, default=20, help="fits a table (default: 20)")
    arguments = parser.parse_args(argv)
    everything: dict[float, Counts] = {rate: [] for rate in RATES}
    kept = True
    print("| table | promised | realised | at most, if the promise holds | kept |\n|---|---|---|---|---|")
    for name, settings in TABLES.items():
        table = read_table([arguments.data / name])
        counts: dict[float, Counts] = {rate: [] for rate in RATES}
        for seed in track(range(arguments.seeds), description=name, transient=True):
            for rate, count in _judged(table, TrainConfig(epochs=10, seed=seed, **settings)).items():
                counts[rate].append(count)
        for rate in RATES:
            everything[rate] += counts[rate]
            kept &= _show(name, rate, counts[rate])
    for rate in RATES:
        kept &= _show("all", rate, everything[rate])
    return 0 if kept else 1


def _judged(table: Table, config: TrainConfig) -> dict[float, tuple[int, int, int]]:
    prepared = prepare(table, config)
    detector = fit(prepared, config, name="fresh", version="1").detector
    fresh = prepared.split.test if prepared.is_anomaly is None else prepared.split.test & ~prepared.is_anomaly
    scores = detector.judge(prepared.part(fresh)).anomaly_score
    counts = {}
    for rate in RATES:
        calibration = Calibration.of(detector.calibration.scores, method="fpr", value=rate)
        counts[rate] = (int(calibration.is_anomaly(scores).sum()), len(scores), len(calibration.scores))
    return counts


def _show(name: str, rate: float, counts: Counts) -> bool:
    """Print a row of the table; return whether the promise was kept."""
    flagged, fresh = sum(count[0] for count in counts), sum(count[1] for count in counts)
    rng = np.random.default_rng(0)
    simulated = np.zeros(_DRAWS)
    for _, rows, calibration_rows in counts:
        m = int((calibration_rows + 1) * rate + 1e-9)
        simulated += rng.binomial(rows, rng.beta(m, calibration_rows + 1 - m, _DRAWS))
    comparisons = len(RATES) * (len(TABLES) + 1)
    most = float(np.quantile(simulated, 1 - (1 - _CONFIDENCE) / comparisons))
    kept = flagged <= most
    cells = [name, f"{rate:.0%}", f"{flagged / fresh:.2%}", f"{most / fresh:.2%}", "yes" if kept else "NO"]
    print(f"| {' | '.join(cells)} |", flush=True)
    return kept


if __name__ == "__main__":
    sys.exit(main())
