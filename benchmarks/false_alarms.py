"""Tests the promised alert rates on tables × seeds, with and without anomalies in the training rows.

    python -m benchmarks.false_alarms --data DIR [--seeds 20] [--preset balanced]

For each table and seed a random fifth of the rows is held out. A detector is fitted on the others, once on the
normal ones alone and once on all of them, and calibrated at 5 %, 1 % and 0.1 % from the same scores. Then the held-out
rows are scored. (The promises of a single network, `--preset fast`, hold whatever the network; an ensemble is
fitted a second time after it was calibrated, and this shows the effect.) The promises differ:

    on normal rows, fpr               at most α of the fresh normal rows are flagged
    on all rows, fpr                  at most α of all fresh rows are flagged, anomalies included
    on all rows, labels               at most α of the fresh normal rows are flagged (--false-positive-rate)
    evt                               as fpr, about α, where the rows are too few for fpr (or to compare with it)

If the first three hold, the rate of a fit with n calibration rows is drawn from Beta(m, n + 1 − m), m = ⌊(n + 1) α⌋,
whose mean is at most α, and the flagged ones of F fresh rows are binomial with that rate (Vovk, Conditional validity of
inductive conformal predictors, 2012). For evt the law of the rate is found by refitting tails to resampled excesses.
The flagged ones are compared with the upper end of that law, at a confidence of 99.9 % for all lines together
(Bonferroni).
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rich.progress import track

from models.calibration import (
    THRESHOLD_METHODS,
    Calibration,
    CalibrationRows,
    ThresholdSpec,
    check_rows,
    prepared_spec,
    spec_of,
)
from models.calibration.tail import LEAST_RATE, estimate, excess_of, survival
from models.calibration.tail_quality import resampled
from models.errors import ConfigError
from models.tables.files import read_table
from models.tables.table import Table
from training.data.prepare import prepare
from training.fit import fit
from training.settings.config import TrainConfig
from training.settings.presets import PRESETS

RATES: Final = (0.05, 0.01, 0.001)
TABLES: Final = {
    "pyod_cardio.csv": "label",
    "ai4i2020.csv": "Machine failure",
    "uci_bank_additional.csv": "y",
    "pycaret_income.csv": "income >50K",
    "skab_anomaly_free.csv": None,
    "generated": "state",
}
"""Tables, and their label columns."""

_EVT_RATES: Final = (0.01, 0.001)
_GENERATED_ROWS: Final = 20_000
_GENERATED_ANOMALIES: Final = 0.05
_CONFIDENCE: Final = 0.999
_DRAWS: Final = 200_000
_RESAMPLES: Final = 300
_FRESH: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the table.

    Args:
        rows: The kind of fitting rows.
        method: The threshold method.
        rate: The promised rate.
    """

    rows: str
    method: str
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Counts of fresh rows of one fit.

    Args:
        flagged: Number of flagged rows.
        fresh: Number of rows.
        rates: Draws from the distribution of the fit's rate, if the promise holds.
    """

    flagged: int
    fresh: int
    rates: NDArray[np.float64]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 where a guarantee is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files")
    parser.add_argument("--seeds", type=int, default=20, help="fits a table, on normal and on all rows (default: 20)")
    parser.add_argument("--preset", choices=list(PRESETS), default="balanced", help="what is fitted")
    arguments = parser.parse_args(argv)
    kept = True
    everything: dict[Line, list[Count]] = defaultdict(list)
    print("| table | fitted on | method | promised | realised | at most, if it holds | fits | holds |")
    print("|---|---|---|---|---|---|---|---|")
    for name, label in TABLES.items():
        counts: dict[Line, list[Count]] = defaultdict(list)
        refused: dict[Line, str] = {}
        for seed in track(range(arguments.seeds), description=name, transient=True):
            table = generated(seed) if name == "generated" else read_table([arguments.data / name])
            for fit_on in ("normal", "all") if label else ("all",):
                config = TrainConfig(preset=arguments.preset, seed=seed, label=label, fit_on=fit_on)
                for line, found in counted(table, config):
                    if isinstance(found, Count):
                        counts[line].append(found)
                    else:
                        refused[line] = found
        for line in sorted({*counts, *refused}, key=_place):
            everything[line] += counts[line]
            kept &= _show(name, line, counts[line], refused.get(line, ""), fits=arguments.seeds)
    for line, fits in sorted(everything.items(), key=lambda pair: _place(pair[0])):
        kept &= _show("all tables", line, fits, "", fits=len(fits))
    return 0 if kept else 1


def counted(table: Table, config: TrainConfig) -> Iterator[tuple[Line, Count | str]]:
    """Fit once and count the flagged fresh rows by each method and rate; a refused rate gives its reason."""
    aside = np.random.default_rng(config.seed).random(len(table)) < _FRESH
    known, fresh_table = (replace(table, data=table.data.filter(pa.array(rows))) for rows in (~aside, aside))
    prepared = prepare(known, config)
    detector = fit(prepared, config, name="fresh", version="1").detector
    kept = detector.calibration.rows
    scores = detector.score_table(fresh_table).anomaly_score
    normal = np.ones(len(scores), np.bool_) if prepared.rule is None else ~prepared.rule.anomalies(fresh_table)
    fresh = scores[normal] if config.fit_on == "normal" else scores
    for rate in RATES:
        rows = f"{config.fit_on} rows"
        for method in ("fpr", "evt"):
            spec = spec_of(method, rate)
            if method == "evt" and rate not in _EVT_RATES:
                continue
            yield Line(rows=rows, method=method, rate=rate), _count(kept, spec, fresh)
        if config.fit_on == "all" and len(kept.anomalies):
            spec = ThresholdSpec(method="labels", target="false_positive_rate", value=rate)
            yield Line(rows=rows, method="labels", rate=rate), _count(kept, spec, scores[normal])


def generated(seed: int) -> Table:
    """Generate correlated numbers with heavy tails; in one row of twenty the correlation is broken."""
    rng = np.random.default_rng(seed)
    load = rng.standard_t(5, _GENERATED_ROWS)
    broken = rng.random(_GENERATED_ROWS) < _GENERATED_ANOMALIES
    columns = {f"x{i}": (i + 1) * load + rng.standard_t(4, _GENERATED_ROWS) for i in range(6)}
    columns["x1"] = np.where(broken, -columns["x1"] + rng.normal(0, 6, _GENERATED_ROWS), columns["x1"])
    return Table(data=pa.table(columns | {"state": np.where(broken, "fault", "normal")}))


def _count(kept: CalibrationRows, spec: ThresholdSpec, fresh: NDArray[np.float64]) -> Count | str:
    try:
        check_rows(kept, spec)
        calibration = Calibration.on(kept, prepared_spec(kept, spec))
    except ConfigError as error:
        return str(error)
    rates = _rates(
        calibration, len(kept.normal) if THRESHOLD_METHODS[spec.method].needs_labels else len(calibration.pooled.scores)
    )
    return Count(flagged=int(calibration.decide(fresh).is_anomaly.sum()), fresh=len(fresh), rates=rates)


def _rates(calibration: Calibration, n: int) -> NDArray[np.float64]:
    """Draw from the distribution of the alert rate of a fit with n calibration rows."""
    rate, tail = calibration.spec.value, calibration.pooled.tail
    if tail is None or rate >= tail.share:
        m = int((n + 1) * rate + LEAST_RATE)
        return np.random.default_rng(0).beta(m, n + 1 - m, _DRAWS)
    rates = []
    for excesses, above_start in resampled(tail, n, times=_RESAMPLES):
        threshold = excess_of(np.array([rate / tail.share]), *estimate(excesses))
        rates.append(above_start * survival(threshold, tail.shape, tail.scale)[0])
    return np.array(rates)


def _place(line: Line) -> tuple[bool, int, float]:
    return line.rows == "all rows", ("fpr", "labels", "evt").index(line.method), -line.rate


def _show(table: str, line: Line, counts: list[Count], refused: str, *, fits: int) -> bool:
    """Print a row of the table; return whether a guarantee was kept."""
    head = [table, line.rows, line.method, f"{line.rate:.1%}"]
    if not counts:
        print(f"| {' | '.join([*head, '–', '–', f'0 of {fits}', refused.split('. ', maxsplit=1)[0]])} |", flush=True)
        return True
    flagged, fresh = sum(count.flagged for count in counts), sum(count.fresh for count in counts)
    rng = np.random.default_rng(0)
    simulated = np.zeros(_DRAWS)
    for count in counts:
        simulated += rng.binomial(count.fresh, rng.choice(count.rates, _DRAWS))
    comparisons = (3 * len(RATES) + 2 * len(_EVT_RATES)) * (len(TABLES) + 1)
    most = float(np.quantile(simulated, 1 - (1 - _CONFIDENCE) / comparisons))
    holds = flagged <= most
    verdict = "yes" if holds else "no (a model)" if line.method == "evt" else "NO"
    cells = [f"{flagged / fresh:.3%}", f"{most / fresh:.3%}", f"{len(counts)} of {fits}", verdict]
    print(f"| {' | '.join([*head, *cells])} |", flush=True)
    return holds or line.method == "evt"


if __name__ == "__main__":
    sys.exit(main())
