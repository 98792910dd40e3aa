"""Results of trials, and the JSON Lines file that keeps them, so that a comparison resumes where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.errors import ConfigError, Message, Set
from models.strict_json import from_plain, parse_json
from training.comparison.trials import Trial
from training.network.diagnostics import LayerHealth

COMPARISONS: Final = Path("comparisons")
"""The folder of all comparisons."""

_VERSION: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKind:
    """How well planted errors of one kind are told from the untouched rows.

    Args:
        kind: A key of `training.planting.kinds.KINDS`.
        rows: Number of planted errors.
        roc_auc: Chance that one of them scores above an untouched row.
        at_rate: Share of them that is flagged at the rate of false alarms that training would promise.
    """

    kind: str
    rows: int
    roc_auc: float
    at_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The measurements of one fitted network.

    Args:
        steps: Steps of an epoch.
        best_epoch: The epoch with the lowest validation loss, whose weights were kept.
        seconds: Wall time of the fit, all epochs.
        losses, validation_losses: Loss on the fitting and on the validation rows of each epoch.
        elapsed: Seconds from the start to the end of each epoch.
        dead_by_epoch: Share of dead units after each epoch, by layer.
        first_gradients: Norm of the gradient of each layer's kernel at the first step.
        last_gradients: That of the running mean over the last steps.
        units: Counts of dead and saturated units of each hidden layer, with the weights that were kept.
        slopes: Lowest, mean and highest learned slope of each layer, where slopes are learned.
        error: Held-out error, on rows that nothing was learned or chosen on.
        scoring_seconds: Seconds for one row of a thousand, in the exported engine.
        scores: Anomaly scores of some of the untouched rows, the same rows in every trial.
        found: Planted errors that are found, by kind; empty where no kind fits the table.
        false_alarm_rate: The share of usual rows that training would promise to flag at most.
        roc_auc, average_precision: On the untouched rows; None without labels of both kinds.
        anomalies: For each labelled anomaly among them, the share of the usual rows that score below it.
    """

    trial: Trial
    parameters: int
    steps: int
    best_epoch: int
    seconds: float
    losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    elapsed: tuple[float, ...]
    dead_by_epoch: dict[str, tuple[float, ...]]
    first_gradients: dict[str, float]
    last_gradients: dict[str, float]
    units: tuple[LayerHealth, ...]
    slopes: dict[str, tuple[float, float, float]]
    error: float
    scoring_seconds: float
    scores: tuple[float, ...]
    found: tuple[FoundKind, ...]
    false_alarm_rate: float
    roc_auc: float | None
    average_precision: float | None
    anomalies: tuple[float, ...] = ()

    @property
    def found_planted(self) -> float:
        """ROC AUC of the planted errors, the mean over their kinds."""
        return float(np.mean([kind.roc_auc for kind in self.found]))

    @property
    def found_at_rate(self) -> float:
        """Share of the planted errors that is flagged at `false_alarm_rate`, the mean over their kinds."""
        return float(np.mean([kind.at_rate for kind in self.found]))

    @property
    def step_seconds(self) -> float:
        """Seconds of a step, the median over the epochs without the first one, which includes compilation."""
        epochs = np.diff(self.elapsed) if len(self.elapsed) > 1 else np.array(self.elapsed)
        return float(np.median(epochs)) / self.steps

    @property
    def seconds_to_best(self) -> float:
        """Seconds from the start to the end of the best epoch."""
        return self.elapsed[self.best_epoch - 1]

    def share(self, state: str) -> float:
        """Return the share of all units that are ``dead``, ``nearly_dead`` or ``saturated``."""
        count = sum(getattr(layer, state) for layer in self.units)
        return float(count / sum(layer.units for layer in self.units))

    @property
    def zeros(self) -> float:
        """Share of all hidden outputs that are zero."""
        return sum(layer.zeros * layer.units for layer in self.units) / sum(layer.units for layer in self.units)

    @property
    def dead_layer(self) -> bool:
        """Whether more than half of the units of a layer are dead."""
        return any(2 * layer.dead > layer.units for layer in self.units)

    @property
    def gradient_ratio(self) -> float:
        """Gradient at the first layer over that at the output layer, at the first step: small where it vanishes."""
        norms = list(self.first_gradients.values())
        return norms[0] / max(norms[-1], 1e-30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A trial whose loss was not a number, with the error's message."""

    trial: Trial
    complaint: str


TrialResult = Outcome | Failure


class TrialFile:
    """The file of a comparison: a header with the subject, then a line for each trial.

    Args:
        path: The file; it is created where it does not exist.
        subject: The rows, columns and settings that all trials share, as plain data.

    Raises:
        ConfigError: The file belongs to another comparison, or is no such file.
    """

    def __init__(self, path: Path, subject: dict[str, Any]) -> None:
        self._path = path
        header = {"version": _VERSION, "subject": json.loads(json.dumps(subject))}
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):  # cut off while it was written
            lines.pop()
        self.results: list[TrialResult] = []
        if not lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")
            return
        try:
            kept = parse_json(lines[0])
            self.results = [_read(parse_json(line)) for line in lines[1:]]
        except ValueError as error:
            problem = f"{path} is no file of a comparison ({error}). To start again: "
            raise ConfigError(problem, Set("overwrite", True), ".") from error
        if kept != header:
            problem = f"{path} is of another comparison ({_differences(kept, header)}). To start again: "
            other = Message("; to keep it, choose another folder: ", Set("output", like="DIR"), ".")
            raise ConfigError(problem, Set("overwrite", True), other)
        path.write_bytes(b"".join(lines))

    def append(self, result: TrialResult) -> None:
        """Keep the result of a trial."""
        kind = "outcome" if isinstance(result, Outcome) else "failure"
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({kind: asdict(result)}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.results.append(result)

    def missing(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials without a result."""
        done = {result.trial for result in self.results}
        return [trial for trial in trials if trial not in done]

    def of(self, trials: Sequence[Trial]) -> list[TrialResult]:
        """Return the results of some trials, in their order; trials without one are left out."""
        by_trial = {result.trial: result for result in self.results}
        return [by_trial[trial] for trial in trials if trial in by_trial]


def _read(plain: Any) -> TrialResult:
    if not isinstance(plain, dict) or len(plain) != 1:
        raise ValueError("a line is not of a trial")
    [(kind, result)] = plain.items()
    if kind == "outcome":
        return from_plain(result, Outcome)
    if kind == "failure":
        return from_plain(result, Failure)
    raise ValueError(f"{kind!r} is unknown")


def _differences(kept: Any, wanted: dict[str, Any]) -> str:
    """Return which parts of the subject differ, as text."""
    before = kept.get("subject", {}) if isinstance(kept, dict) else {}
    after = wanted["subject"]
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return f"what differs: {', '.join(names)}" if names else "another version"
