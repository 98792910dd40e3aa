"""The scored rows of a training's report: test rows with scores, labels and ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.detector import Verdicts
from models.tables.table import Table
from training.data.prepare import Prepared
from training.fit import FitResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """n rows that the networks had not seen when they scored them.

    Args:
        name: The name of these rows in sentences.
        verdicts: Their scores and decisions.
        is_anomaly: Their labels `(n,)`; None without labels.
        numbers: Their row numbers in the table, from 1 `(n,)`.
        ids: Values of the id columns, n each.
    """

    name: str
    verdicts: Verdicts
    is_anomaly: NDArray[np.bool_] | None
    numbers: NDArray[np.intp]
    ids: Mapping[str, list[Any]]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The anomaly scores `(n,)`."""
        return self.verdicts.anomaly_score

    def highest(self, most: int) -> list[int]:
        """Return the indices of the rows with the highest scores, highest first."""
        return [int(i) for i in np.argsort(-self.scores, kind="stable")[:most]]


def scored_rows(result: FitResult, prepared: Prepared, test_table: Table | None) -> ScoredRows:
    """Score the test rows, or those of a test table, with the networks that had not seen them.

    Raises:
        TableError: The test table has another shape.
    """
    if test_table is not None and prepared.rule is not None:
        return ScoredRows(
            name="rows of --test-data",
            verdicts=result.evaluated.score_table(test_table),
            is_anomaly=prepared.rule.anomalies(test_table),
            numbers=np.arange(1, len(test_table) + 1),
            ids=_ids(test_table, result, np.arange(len(test_table))),
        )
    test = prepared.split.test
    indices = np.flatnonzero(test)
    return ScoredRows(
        name="test rows",
        verdicts=result.evaluated.score(prepared.part(test)),
        is_anomaly=None if prepared.is_anomaly is None else prepared.is_anomaly[test],
        numbers=indices + 1,
        ids=_ids(prepared.table, result, indices),
    )


def _ids(table: Table, result: FitResult, indices: NDArray[np.intp]) -> dict[str, list[Any]]:
    names = [name for name in result.detector.schema.ids if name in table.names]
    return {name: table.data.column(name).take(pa.array(indices)).to_pylist() for name in names}
