"""The rows that a fit is judged on, with what is known of each."""

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
class JudgedRows:
    """n rows that the networks had not seen when they were judged.

    Args:
        called: What they are.
        verdicts: On them.
        is_anomaly: Their labels `(n,)`; None without labels.
        numbers: Which rows of their table they are, from 1 `(n,)`.
        ids: The columns that name them, n values each.
    """

    called: str
    verdicts: Verdicts
    is_anomaly: NDArray[np.bool_] | None
    numbers: NDArray[np.intp]
    ids: Mapping[str, list[Any]]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The anomaly scores `(n,)`."""
        return self.verdicts.anomaly_score

    def worst(self, most: int) -> list[int]:
        """Return the places of the rows with the highest scores, highest first."""
        return [int(place) for place in np.argsort(-self.scores, kind="stable")[:most]]


def judged_rows(result: FitResult, prepared: Prepared, test_table: Table | None) -> JudgedRows:
    """Judge the test rows, or those of a table of their own, as the detector was judged.

    Raises:
        TableError: The test table has another shape.
    """
    if test_table is not None and prepared.rule is not None:
        return JudgedRows(
            called="rows of --test-data",
            verdicts=result.judged.score_table(test_table),
            is_anomaly=prepared.rule.anomalies(test_table),
            numbers=np.arange(1, len(test_table) + 1),
            ids=_ids(test_table, result, np.arange(len(test_table))),
        )
    test = prepared.split.test
    places = np.flatnonzero(test)
    return JudgedRows(
        called="test rows",
        verdicts=result.judged.score(prepared.part(test)),
        is_anomaly=None if prepared.is_anomaly is None else prepared.is_anomaly[test],
        numbers=places + 1,
        ids=_ids(prepared.table, result, places),
    )


def _ids(table: Table, result: FitResult, places: NDArray[np.intp]) -> dict[str, list[Any]]:
    names = [name for name in result.detector.schema.ids if name in table.names]
    return {name: table.data.column(name).take(pa.array(places)).to_pylist() for name in names}
