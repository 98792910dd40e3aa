"""Shadows: the challenger of a detector scores the same rows as the active version, off the path of the answers."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns
from models.detector import Detector, Verdicts
from models.encoders.preprocessor import Encoded
from models.errors import ConfigError, DetectorError, UnknownDetectorError
from service.registry import Registry, Table
from service.registry.aliases import CHALLENGER

MOST_PAIRS: Final = 10_000
"""Rows whose two scores the rank correlation is of: the last ones."""

_MOST_WAITING: Final = 20_000  # rows; further ones are dropped, and counted
_MOST_AT_ONCE: Final = 1_000  # rows of one batch: more would take long

OUTCOMES: Final = ("both", "neither", "only_active", "only_challenger")
"""What the two versions say of a row: that it is an anomaly, or not."""

log = logging.getLogger(__name__)


@final
@dataclass(slots=True, eq=False, kw_only=True)
class Shadow:
    """The comparison of an active version with the challenger, since one of them became what it is.

    Args:
        name: The detector.
        version: The active version.
        challenger: The version that scores beside it.
        outcomes: Rows by what the two versions say, as `OUTCOMES` has them.
        dropped: Rows that were not compared: too many waited.
        problem: Why nothing is compared; None if all is well.
    """

    name: str
    version: str
    challenger: str
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    dropped: int = 0
    problem: str | None = None
    scores: deque[tuple[NDArray[np.float64], NDArray[np.float64]]] = field(default_factory=deque)
    pairs: int = 0
    detector: Detector | None = None  # the challenger, when it is loaded

    @property
    def labels(self) -> tuple[str, str, str]:
        """What it is counted by."""
        return self.name, self.version, self.challenger

    def figures(self) -> dict[str, Any]:
        """Return the figures of the comparison by name."""
        outcomes = dict(self.outcomes)
        rows = sum(outcomes.values())
        active, challenger = (
            None if not rows else (outcomes["both"] + outcomes[only]) / rows
            for only in ("only_active", "only_challenger")
        )
        pairs = list(self.scores)
        return {
            "detector": self.name,
            "version": self.version,
            "challenger": self.challenger,
            "rows": rows,
            "dropped": self.dropped,
            "alert_rate": {"active": active, "challenger": challenger},
            "disagreements": {only: outcomes[only] for only in ("only_active", "only_challenger")},
            "rank_correlation": rank_correlation(*map(np.concatenate, zip(*pairs, strict=True))) if pairs else None,
        } | ({} if self.problem is None else {"problem": self.problem})

    def compare(self, scores: NDArray[np.float64], alerts: NDArray[np.bool_], other: Verdicts) -> dict[str, int]:
        """Take the scores and decisions of both for n rows `(n,)`; return the rows by outcome."""
        found = {
            "both": alerts & other.is_anomaly,
            "neither": ~alerts & ~other.is_anomaly,
            "only_active": alerts & ~other.is_anomaly,
            "only_challenger": ~alerts & other.is_anomaly,
        }
        counts = {outcome: int(np.count_nonzero(mask)) for outcome, mask in found.items()}
        for outcome, count in counts.items():
            self.outcomes[outcome] += count
        self.scores.append((scores, other.anomaly_score))
        self.pairs += len(scores)
        while self.pairs - len(self.scores[0][0]) >= MOST_PAIRS:
            self.pairs -= len(self.scores.popleft()[0])
        return counts


@final
class Shadows:
    """Has the challenger of each detector score a share of what the active version scores, on a thread.

    Args:
        registry: The detectors; the alias `challenger` names the version.
        share: Share of the batches of rows that are compared, in [0, 1].

    Attributes:
        count: Is called with detector, version and challenger, an outcome or `dropped`, and a number of rows.
    """

    def __init__(self, registry: Registry, *, share: float) -> None:
        self._registry = registry
        self._share = share
        self.count: Callable[[tuple[str, str, str], str, int], None] = lambda labels, outcome, rows: None
        self._table: Table | None = None  # for which `_shadows` is made
        self._shadows: dict[tuple[str, str], Shadow] = {}
        self._waiting: deque[tuple[Shadow, Columns, NDArray[np.float64], NDArray[np.bool_]]] = deque()
        self._rows = 0  # that wait
        self._due = 0.0
        self._is_working = False
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")

    def watched(self, detector: Detector) -> Detector:
        """Return a detector whose rows are offered to the challenger, where there is one."""
        first, key = detector.watch, (detector.name, detector.version)

        def watch(encoded: Encoded, verdicts: Verdicts | None) -> None:
            if first is not None:
                first(encoded, verdicts)
            if verdicts is not None and (shadow := self._now().get(key)) is not None:
                self._offer(shadow, verdicts)

        return replace(detector, watch=watch)

    def of(self, name: str) -> Shadow:
        """Return the comparison of a detector.

        Raises:
            UnknownDetectorError: There is no detector of that name, or it has no challenger beside the active version.
            ConfigError: Nothing is compared: the share is 0.
        """
        entry = self._registry.table.entry(name)
        if not self._share:
            raise ConfigError("Nothing is compared: start the service with a --shadow-share above 0.")
        found = self._now().get((name, entry.active))
        if found is None:
            raise UnknownDetectorError(
                f"The detector {name!r} has no challenger beside version {entry.active}. Set one: "
                f"PUT /detectors/NAME/aliases/{CHALLENGER}."
            )
        return found

    def _now(self) -> dict[tuple[str, str], Shadow]:
        """Return the comparisons, by name and active version."""
        if self._table is not (table := self._registry.table):
            known = {shadow.labels: shadow for shadow in self._shadows.values()}
            found = {}
            for entry in table.entries.values():
                challenger = entry.aliases.get(CHALLENGER)
                if self._share and challenger not in (None, entry.active):
                    labels = (entry.name, entry.active, str(challenger))
                    found[labels[:2]] = known.get(labels) or Shadow(
                        name=entry.name, version=entry.active, challenger=str(challenger)
                    )
            self._shadows, self._table = found, table
        return self._shadows

    def _offer(self, shadow: Shadow, verdicts: Verdicts) -> None:
        """Have some rows compared later; drop them where too many wait."""
        with self._lock:
            self._due += self._share
            if self._due < 1.0 or shadow.problem is not None:
                self._due = min(self._due, 1.0)
                return
            self._due -= 1.0
            rows = min(len(verdicts), _MOST_AT_ONCE)
            if self._rows + rows > _MOST_WAITING:
                shadow.dropped += rows
                self.count(shadow.labels, "dropped", rows)
                return
            columns = verdicts.columns
            if rows < len(verdicts):
                columns = {name: values[:rows].copy() for name, values in columns.items()}
            self._waiting.append((shadow, columns, verdicts.anomaly_score[:rows], verdicts.is_anomaly[:rows]))
            self._rows += rows
            begins, self._is_working = not self._is_working, True
        if begins:
            self._thread.submit(self._work)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_working = False
                    return
                shadow, columns, scores, alerts = self._waiting.popleft()
                self._rows -= len(scores)
            if shadow.problem is not None:
                continue
            try:
                counts = shadow.compare(scores, alerts, self._challenger(shadow).score(columns))
            except Exception as error:  # whatever it is, the answers go on
                shadow.problem = str(error) if isinstance(error, DetectorError) else f"unexpected {error!r}"
                log.warning("version %s of %r is compared no more: %s", shadow.challenger, shadow.name, shadow.problem)
                continue
            for outcome, rows in counts.items():
                self.count(shadow.labels, outcome, rows)

    def _challenger(self, shadow: Shadow) -> Detector:
        """Return the challenger, which reads the columns that the active version has read; nothing counts its rows.

        Raises:
            ConfigError: It has other columns.
            NotServedError: It cannot be loaded.
        """
        if shadow.detector is None:
            found = replace(self._registry.load(shadow.name, shadow.challenger), watch=None)
            active = self._registry.load(shadow.name, shadow.version)
            kinds = {column.name: column.kind for column in active.schema.read}
            for column in found.schema.read:
                if kinds.get(column.name) is not column.kind:
                    raise ConfigError(
                        f"The challenger has other columns than version {shadow.version}: {column.name!r} is "
                        f"{column.kind} in one alone."
                    )
            shadow.detector = found
        return shadow.detector


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return Spearman's rank correlation of two sets of n scores `(n,)`; None where one of them is constant.

    Example:
        >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 25.0]))
        1.0
    """
    a, b = (ranks - ranks.mean() for ranks in (_ranks(first), _ranks(second)))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / scale, 6) if scale else None


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value; equal ones share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: NDArray[np.float64] = (ends - (counts - 1) / 2.0)[inverse]
    return ranks
