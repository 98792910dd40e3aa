"""Promised and realised alert rates: ours is fitted once a set, and calibrated by each method for each rate.

S: fitted on half of the normal rows, tested on the other half; the promise is about normal rows. U: fitted on half of
all rows, tested on the other, unseen half; the promise of the methods without labels is about all rows, that of
`labels` about the normal ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.jobs import Choice, Experiment, Job
from benchmarks.quality.ours import new_ours, settings_by_name
from benchmarks.quality.results import Row
from benchmarks.quality.splits import LabelledSet, Split, read_set, sets_by_name
from models.calibration import THRESHOLD_METHODS, Calibration, CalibrationRows, ThresholdSpec, check_rows, prepared_spec
from models.calibration.rows import NORMAL
from models.errors import ConfigError

RATES: Final = (0.1, 0.05, 0.01)
"""Promised rates."""

_LABEL: Final = "truth"
_BY_LABELS: Final = ("labels", "false_positive_rate")


def halves(labelled: LabelledSet, *, protocol: str, seed: int) -> Split:
    """Return fitting rows, and test rows of the same distribution; in S the anomalies are tested, too."""
    if protocol == "S":
        return labelled.split(protocol="S", seed=seed)
    draw = np.random.RandomState(seed)
    drawn = labelled.drawn(draw)
    order = draw.permutation(len(drawn.X))
    fitting, test = order[: len(order) // 2], order[len(order) // 2 :]
    return Split(fitting=drawn.X[fitting], test=drawn.X[test], is_anomaly=drawn.is_anomaly[test])


def plan(choice: Choice) -> list[Job]:
    """Return the jobs.

    Raises:
        ConfigError: A method is not ours.
    """
    for method in choice.methods:
        settings_by_name(method.name)
    return choice.jobs(THRESHOLDS.name, sets_by_name(choice.data, choice.sets))


def work(job: Job) -> list[Row]:
    """Fit once; calibrate and test for each method and rate."""
    protocol, seed = job.key["protocol"], int(job.key["seed"])
    read = read_set(Path(job.data))
    # The label is the last column; in S no fitting row is an anomaly, and the column is dropped.
    labelled = LabelledSet(X=np.c_[read.X, read.is_anomaly], is_anomaly=read.is_anomaly)
    split = halves(labelled, protocol=protocol, seed=seed)
    told = {"label": _LABEL} if protocol == "U" else {}
    detector = new_ours(settings_by_name(job.key["method"]) | told, seed)
    detector.fit(_frame(split.fitting, with_label=bool(told)))
    kept = detector.detector_.calibration.rows
    scores = detector.anomaly_score(_frame(split.test, with_label=bool(told)))
    rows: list[Row] = []
    for method, target in _rules(protocol):
        about_normal = protocol == "S" or (method, target) == _BY_LABELS
        for rate in RATES:
            found = _decided(
                kept, ThresholdSpec(method=method, target=target, value=rate), scores, split.is_anomaly, about_normal
            )
            rows.append(
                job.key
                | {"rule": method, "rate": f"{rate:g}", "about": "normal rows" if about_normal else "all rows"}
                | found
            )
    return rows


def _rules(protocol: str) -> list[tuple[str, str]]:
    """Return the methods that promise a rate, each with the setting that names it."""
    rules = [
        (name, goal)
        for name, method in THRESHOLD_METHODS.items()
        for goal, what in list(method.targets.items())[:1]
        if what.is_rate
    ]
    return [*rules, _BY_LABELS] if protocol == "U" else rules


def _decided(
    kept: CalibrationRows,
    spec: ThresholdSpec,
    scores: NDArray[np.float64],
    is_anomaly: NDArray[np.bool_],
    about_normal: bool,
) -> dict[str, str]:
    normal = kept.label == NORMAL if THRESHOLD_METHODS[spec.method].needs_labels else np.ones(len(kept.score), np.bool_)
    known = {"calibration_rows": str(int(normal.sum()))}
    try:
        check_rows(kept, spec)
        calibration = Calibration.on(kept, prepared_spec(kept, spec))
    except ConfigError as error:
        return known | {"refused": str(error).partition(". ")[0]}
    flagged = calibration.decide(scores).is_anomaly
    fresh = flagged[~is_anomaly] if about_normal else flagged
    return known | {
        "fresh": str(len(fresh)),
        "flagged": str(int(fresh.sum())),
        "false_alarm_rate": f"{flagged[~is_anomaly].mean():.5f}",
        "recall": f"{flagged[is_anomaly].mean():.5f}" if is_anomaly.any() else "",
        "refused": "",
    }


def _frame(rows: NDArray[np.floating], *, with_label: bool) -> Any:
    """Return rows, whose last column is the label, as a data frame."""
    import pandas as pd

    frame = pd.DataFrame(rows[:, :-1], columns=[f"x{i}" for i in range(rows.shape[1] - 1)])
    return frame.assign(**{_LABEL: np.where(rows[:, -1] == 1, "anomaly", "normal")}) if with_label else frame


THRESHOLDS: Final = Experiment(
    name="thresholds",
    says="promised and realised alert rates of ours, by threshold method",
    file="thresholds.csv",
    key=("set", "protocol", "method", "seed"),
    figures=(
        *("rule", "rate", "about", "calibration_rows"),
        *("fresh", "flagged", "false_alarm_rate", "recall", "refused"),
    ),
    plan=plan,
    work=work,
    methods=("ours",),
)
