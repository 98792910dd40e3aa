"""The cost of anomalies among the fitting rows: their share grows, the number of fitting rows stays.

Half of a set's anomalies may be fitted, the other half is tested; the normal rows are halved likewise. The number of
fitting rows is the same for each share, and allows the largest share.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.quality.experiments.benchmark import rows_for
from benchmarks.quality.jobs import Choice, Experiment, Job
from benchmarks.quality.measure import FIGURES, measured
from benchmarks.quality.methods import method_of
from benchmarks.quality.results import Row
from benchmarks.quality.splits import LabelledSet, Split, read_set, sets_by_name

SHARES: Final = (0.0, 0.01, 0.05, 0.1, 0.2)
"""Shares of anomalies among the fitting rows."""

_LEAST_ROWS: Final = 100  # one percent of fewer fitting rows is less than a row


def contaminated(labelled: LabelledSet, *, share: float, seed: int) -> Split | None:
    """Split a set so that a share of the fitting rows are anomalies.

    Args:
        labelled: The set.
        share: One of `SHARES`.
        seed: Seed of the draw, the split and the order of the rows.

    Returns:
        None where the set has too few anomalies for the largest share.
    """
    draw = np.random.RandomState(seed)
    drawn = labelled.drawn(draw)
    normal, anomalies = (draw.permutation(np.where(drawn.is_anomaly == kind)[0]) for kind in (False, True))
    usable = anomalies[: len(anomalies) // 2]
    rows = min(len(normal) // 2, int(len(usable) / max(SHARES)))
    if rows < _LEAST_ROWS:
        return None
    odd = round(share * rows)
    fitting = draw.permutation(np.r_[normal[: rows - odd], usable[:odd]])
    test = np.r_[normal[len(normal) // 2 :], anomalies[len(anomalies) // 2 :]]
    return Split(fitting=drawn.X[fitting], test=drawn.X[test], is_anomaly=drawn.is_anomaly[test])


def plan(choice: Choice) -> list[Job]:
    """Return the jobs, for the sets that have enough anomalies."""
    return [
        Job(
            experiment=CONTAMINATION.name,
            key={"set": name, "share": f"{share:g}", "method": method.name, "seed": str(seed)},
            data=str(path),
            modules=method.modules,
        )
        for name, path in sets_by_name(choice.data, choice.sets).items()
        if contaminated(read_set(path), share=0.0, seed=0) is not None
        for seed in choice.seeds
        for method in choice.methods
        if "U" in method.protocols  # other methods are told that the rows are normal
        for share in SHARES
    ]


def work(job: Job) -> list[Row]:
    """Fit a method on contaminated rows, and test it."""
    method, seed = method_of(job.key["method"]), int(job.key["seed"])
    split = contaminated(read_set(Path(job.data)), share=float(job.key["share"]), seed=seed)
    assert split is not None  # the plan has no others
    split = rows_for(method, split)
    return [job.key | measured(method, split.fitting, split.test, seed=seed).figures(split.is_anomaly)]


CONTAMINATION: Final = Experiment(
    name="contamination",
    says=f"{', '.join(f'{share:.0%}' for share in SHARES)} of anomalies among the fitting rows",
    file="contamination.csv",
    key=("set", "share", "method", "seed"),
    figures=FIGURES,
    plan=plan,
    work=work,
)
