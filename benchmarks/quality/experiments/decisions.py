"""F1 of decisions: our default threshold, PyOD's rule, and PyThresh's thresholders.

Every rule is learned from the scores of the fitting rows alone and applied to the test rows, as its users would.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.experiments.benchmark import rows_for
from benchmarks.quality.jobs import Choice, Experiment, Job
from benchmarks.quality.methods import method_of
from benchmarks.quality.ours import is_ours, new_ours, settings_by_name
from benchmarks.quality.results import Row
from benchmarks.quality.splits import read_set, sets_by_name

OWN_RULE: Final = "default"
"""Our own decision, with the default threshold."""

PYOD_RULE: Final = "contamination 0.1"
"""PyOD's default threshold, above which the highest tenth of the fitting rows' scores lies."""

_PYOD_SHARE: Final = 0.1
_THRESHOLDERS: Final = ("AUCP", "CLF", "FILTER", "IQR", "KARCH", "MAD", "MIXMOD", "YJ", "ZSCORE")
"""Thresholders of PyThresh that need no further library and are quick on 10,000 scores."""

Scores = NDArray[np.float64]
Rule = Callable[[Scores, Scores], NDArray[np.bool_]]


def pyod_rule(fitted: Scores, tested: Scores) -> NDArray[np.bool_]:
    """Flag scores in the range of the highest tenth of the fitting rows."""
    return np.asarray(tested > np.percentile(fitted, 100 * (1 - _PYOD_SHARE)))


def rules(*, with_pythresh: bool) -> Mapping[str, Rule]:
    """Return the rules that work with the scores of any method."""
    names = _THRESHOLDERS if with_pythresh else ()
    return {PYOD_RULE: pyod_rule} | {f"PyThresh {name}": _thresholder(name) for name in names}


def plan(choice: Choice) -> list[Job]:
    """Return the jobs; PyThresh's thresholders are among the rules where it is installed."""
    kind = "all" if find_spec("pythresh") else "without PyThresh"
    return choice.jobs(DECISIONS.name, sets_by_name(choice.data, choice.sets), rules=kind)


def work(job: Job) -> list[Row]:
    """Fit a method once, and decide by every rule."""
    method, seed = method_of(job.key["method"]), int(job.key["seed"])
    split = rows_for(method, read_set(Path(job.data)).split(protocol=job.key["protocol"], seed=seed))
    rows: list[Row] = []
    if is_ours(method.name):
        detector = new_ours(settings_by_name(method.name), seed).fit(split.fitting)
        score: Callable[[Any], Any] = detector.anomaly_score
        rows.append(_row(job, OWN_RULE, detector.predict(split.test) == -1, split.is_anomaly))
    else:
        score = method.fit(split.fitting, seed)
    fitted, tested = (np.asarray(score(part), np.float64).ravel() for part in (split.fitting, split.test))
    for name, rule in rules(with_pythresh=job.key["rules"] == "all").items():
        try:
            flags = rule(fitted, tested)
        except (ValueError, ArithmeticError, IndexError) as error:  # thresholders fail on some scores
            lines = str(error).strip().splitlines() or [type(error).__name__]
            rows.append(job.key | {"rule": name, "refused": lines[0]})
        else:
            rows.append(_row(job, name, flags, split.is_anomaly))
    return rows


def _row(job: Job, rule: str, flags: NDArray[np.bool_], is_anomaly: NDArray[np.bool_]) -> Row:
    """Return the figures of decisions; without a flag precision and F1 are 0."""
    found = int((flags & is_anomaly).sum())
    flagged, anomalies = int(flags.sum()), int(is_anomaly.sum())
    figures = {
        "f1": 2 * found / (flagged + anomalies),
        "precision": found / flagged if flagged else 0.0,
        "recall": found / anomalies,
        "flagged": flagged / len(flags),
    }
    return job.key | {"rule": rule} | {name: f"{figure:.5f}" for name, figure in figures.items()} | {"refused": ""}


def _thresholder(name: str) -> Rule:
    def rule(fitted: Scores, tested: Scores) -> NDArray[np.bool_]:
        thresholder = getattr(importlib.import_module(f"pythresh.thresholds.{name.lower()}"), name)()
        return np.asarray(thresholder.fit(fitted).predict(tested)).ravel().astype(bool)

    return rule


DECISIONS: Final = Experiment(
    name="f1",
    says="F1 of our default verdict, of PyOD's contamination rule and of PyThresh's thresholders",
    file="f1.csv",
    key=("set", "protocol", "method", "rules", "seed"),
    figures=("rule", "f1", "precision", "recall", "flagged", "refused"),
    plan=plan,
    work=work,
)
