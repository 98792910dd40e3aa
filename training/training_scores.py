"""The scores of the rows that a detector was made from: the strangest are shown first, its bundle has them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.bundle.layout import TRAINING_SCORES
from models.detector import Verdicts
from models.languages import spoken
from models.programs.inputs import plain_type
from models.scoring.scorer import CACHED_ROWS
from models.tables.table import Table
from models.tables.writers import PlainRows, new_file
from training.data.prepare import Prepared
from training.fit import FitResult

STRANGEST: Final = 10
"""Rows of the list of the strangest."""

_USUAL: Final = 0.1  # p-value above which a row that is not flagged is usual: there is no reason to give
_WRITTEN_ROWS: Final = 65_536
_OWN: Final = {
    "anomaly_score": pa.float64(),
    "p_value": pa.float64(),
    "is_anomaly": pa.bool_(),
    "reason": pa.string(),
}


def verdicts_on_training_rows(result: FitResult, prepared: Prepared, rows: slice | Sequence[int]) -> Verdicts:
    """Return the verdicts on some rows of the table that was learned from.

    Terminal, report, bundle and estimator have the scores of training rows from here. They are those of the saved
    detector, so that a row scores the same in its own table, in another file and over HTTP.
    """
    return result.detector.score({name: cells[rows] for name, cells in prepared.columns.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingScores:
    """Scores of the n rows of the table, in its order.

    Args:
        anomaly_score: `(n,)`.
        p_value: `(n,)`.
        is_anomaly: `(n,)`.
        reasons: Why, in English, by index of a row: of the strangest, and of all others that are not usual.
    """

    anomaly_score: NDArray[np.float64]
    p_value: NDArray[np.float64]
    is_anomaly: NDArray[np.bool_]
    reasons: Mapping[int, str] = field(repr=False)

    @property
    def strangest(self) -> list[int]:
        """Indices of the strangest rows, the highest score first."""
        strangest: list[int] = np.argsort(-self.anomaly_score, kind="stable")[:STRANGEST].tolist()
        return strangest


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangeRow:
    """A row that is among the strangest.

    Args:
        row: Its number in the table, from 1; that of one file counts the rows that were skipped.
        ids: Its values of the id columns.
        reason: Why, in English.
        shown_reason: The same in the language that was asked for.
        label: Whether its label says that it is an anomaly; None without a label.
    """

    row: int
    ids: Mapping[str, Any]
    anomaly_score: float
    p_value: float
    is_anomaly: bool
    reason: str
    shown_reason: str
    label: bool | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data; other programs rely on its names."""
        return {
            "row": self.row,
            "ids": {name: _plain(value) for name, value in self.ids.items()},
            "anomaly_score": self.anomaly_score,
            "p_value": self.p_value,
            "is_anomaly": self.is_anomaly,
            "reason": self.reason,
        }


def score_training_rows(result: FitResult, prepared: Prepared, *, with_reasons: bool = True) -> TrainingScores:
    """Score all rows of the table that was learned from, in chunks as files are scored, to the same digits."""
    n = len(prepared.table)
    reasons: dict[int, str] = {}
    scores = TrainingScores(
        anomaly_score=np.empty(n), p_value=np.empty(n), is_anomaly=np.empty(n, np.bool_), reasons=reasons
    )
    for start in range(0, n, CACHED_ROWS):
        rows = slice(start, min(start + CACHED_ROWS, n))
        verdicts = verdicts_on_training_rows(result, prepared, rows)
        scores.anomaly_score[rows] = verdicts.anomaly_score
        scores.p_value[rows] = verdicts.p_value
        scores.is_anomaly[rows] = verdicts.is_anomaly
        if with_reasons:
            unusual = np.flatnonzero((verdicts.p_value <= _USUAL) | verdicts.is_anomaly)
            reasons |= zip((start + unusual).tolist(), _reasons(verdicts.take(unusual)), strict=True)
    if with_reasons:
        strangest = scores.strangest
        reasons |= zip(strangest, _reasons(verdicts_on_training_rows(result, prepared, strangest)), strict=True)
    return scores


def _reasons(verdicts: Verdicts) -> list[str]:
    return [reason for _, reason in verdicts.reasoned()]


def strangest_rows(scores: TrainingScores, result: FitResult, prepared: Prepared) -> list[StrangeRow]:
    """Return the strangest rows of the table, the highest score first."""
    strangest = scores.strangest
    verdicts = verdicts_on_training_rows(result, prepared, strangest)
    shown = _reasons(replace(verdicts, writer=replace(result.detector, language=spoken()).writer))
    ids = _id_columns(prepared).take(strangest).to_pylist() or [
        {} for _ in strangest
    ]  # a table of no column has no row
    numbers = row_numbers(prepared.table, strangest)
    return [
        StrangeRow(
            row=numbers[i],
            ids=ids[i],
            anomaly_score=float(scores.anomaly_score[row]),
            p_value=float(scores.p_value[row]),
            is_anomaly=bool(scores.is_anomaly[row]),
            reason=scores.reasons[row],
            shown_reason=shown[i],
            label=None if prepared.is_anomaly is None else bool(prepared.is_anomaly[row]),
        )
        for i, row in enumerate(strangest)
    ]


def write_training_scores(folder: Path, scores: TrainingScores, prepared: Prepared) -> None:
    """Write the scores of all rows of the table into a folder from `new_bundle`.

    The file has a row for each row of the table, in its order: its ids, anomaly_score, p_value, is_anomaly, and the
    reason where there is one. An id column that is called like one of these gets ``_id`` behind its name.

    Raises:
        TableError: The file cannot be written.
    """
    ids = _id_columns(prepared)
    kinds = {name: plain_type(ids.schema.field(name).type) for name in ids.column_names}
    schema = pa.schema({(f"{name}_id" if name in _OWN else name): kind for name, kind in kinds.items()} | _OWN)
    with new_file(folder / TRAINING_SCORES, schema, format_name="parquet") as writer:
        for start in range(0, len(prepared.table), _WRITTEN_ROWS):
            end = min(start + _WRITTEN_ROWS, len(prepared.table))
            part = ids.slice(start, end - start)
            cells = [column.cast(kind) for column, kind in zip(part.columns, kinds.values(), strict=True)]
            for figures in (scores.anomaly_score, scores.p_value, scores.is_anomaly):
                cells.append(pa.chunked_array([pa.array(figures[start:end])]))
            reasons = [scores.reasons.get(row) for row in range(start, end)]
            cells.append(pa.chunked_array([pa.array(reasons, pa.string())]))
            writer.ready(PlainRows(pa.table(cells, schema=schema)))()


def row_numbers(table: Table, indices: Sequence[int]) -> list[int]:
    """Return the numbers of rows of a table, from 1; those of one file count the rows that were skipped."""
    is_counted = table.numbers is not None and len(table.files) <= 1
    return [table.row_number(i) if is_counted else i + 1 for i in indices]


def _id_columns(prepared: Prepared) -> pa.Table:
    return prepared.table.data.select([name for name in prepared.schema.ids if name in prepared.table.names])


def _plain(value: Any) -> str | float | bool | None:
    """Return an id as JSON has it: a time or another value as text."""
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
