"""The operations on rows: one row an operation, with its path, its parameters and its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from models.columns.from_records import Columns
from models.detector import Detector, Verdicts
from service.api.parameters import ReadingQuery, ScoreQuery
from service.api.schemas import EmbedResponse, ReconstructResponse, ScoreResponse
from service.web.problems import RequestError

if TYPE_CHECKING:
    import pyarrow as pa

Check = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation on rows.

    Args:
        summary: What it does, in two words.
        answer: Its answer in JSON.
        list_name: The list of that answer with one item a row.
        items: Yields these items one by one: of detector, columns of a chunk of rows, how many columns are named, and
            what is called before each piece of explaining, which it may end.
        table: Returns the columns of a table, which stand behind the ids; of the same arguments.
        item_name: Name of an item in JSON lines, where it is no object.
        is_scoring: The JSON answer has the threshold, and each item the row's ids.
        lists_columns: Each item has a value of every column, else of the columns that are named.
        remedy: What to do where the answer would hold too many values.
    """

    path: str
    summary: str
    description: str
    query: type[ReadingQuery]
    answer: type[BaseModel]
    list_name: str
    items: Callable[[Detector, Columns, int, Check], Iterator[Any]]
    table: Callable[[Detector, Columns, int, Check], pa.Table]
    item_name: str | None = None
    is_scoring: bool = False
    lists_columns: bool = False
    remedy: str = "Send fewer records a request."


def score_items(verdicts: Verdicts, *, top: int, check: Check = lambda: None) -> Iterator[dict[str, Any]]:
    """Yield the score, the decision and the reasons of each row, as msgspec encodes them."""
    figures = (verdicts.anomaly_score.tolist(), verdicts.p_value.tolist(), verdicts.is_anomaly.tolist())
    segments = (
        repeat(None) if verdicts.segments is None else zip(verdicts.segments, verdicts.threshold.tolist(), strict=True)
    )
    reasons = verdicts.reasoned(top=top, check=check) if top else repeat(None)
    for anomaly_score, p_value, is_anomaly, of_segment, reasoned in zip(*figures, segments, reasons, strict=False):
        item = {"anomaly_score": anomaly_score, "p_value": p_value, "is_anomaly": is_anomaly}
        if of_segment is not None:
            item["segment"], item["threshold"] = of_segment
        if reasoned is not None:
            item["contributions"], item["reason"] = reasoned
        yield item


def _score_items(detector: Detector, columns: Columns, top: int, check: Check) -> Iterator[Any]:
    return score_items(scored(detector, columns), top=top, check=check)


def _embed_items(detector: Detector, columns: Columns, top: int, check: Check) -> Iterator[Any]:
    return (embedding.tolist() for embedding in embedded(detector, columns))


def _reconstruct_items(detector: Detector, columns: Columns, top: int, check: Check) -> Iterator[Any]:
    verdicts = scored(detector, columns)
    return (verdicts.expected(row) for row in range(len(verdicts)))


def _score_table(detector: Detector, columns: Columns, top: int, check: Check) -> pa.Table:
    import pyarrow as pa  # 30 MB: for the first answer that is a table

    from service.files.scored_rows import ScoredRows

    verdicts = scored(detector, columns)
    return ScoredRows(ids=pa.table({}), verdicts=verdicts, top=top, with_reason=top > 0, check=check).table()


def _embed_table(detector: Detector, columns: Columns, top: int, check: Check) -> pa.Table:
    import pyarrow as pa

    units = embedded(detector, columns).T
    return pa.table({f"embedding_{index}": unit for index, unit in enumerate(units, start=1)})


def _reconstruct_table(detector: Detector, columns: Columns, top: int, check: Check) -> pa.Table:
    from service.files.scored_rows import expected_table

    return expected_table(detector.schema, scored(detector, columns))


def scored(detector: Detector, columns: Columns) -> Verdicts:
    """Return the verdicts on rows of columns.

    Raises:
        RequestError: The network gave what is no number.
    """
    verdicts = detector.score(columns)
    _require_numbers(verdicts.anomaly_score)
    return verdicts


def embedded(detector: Detector, columns: Columns) -> NDArray[np.float32]:
    """Return the bottleneck's output `(n, k)` for n rows of columns.

    Raises:
        RequestError: The network gave what is no number.
    """
    embeddings = detector.embed(columns)
    _require_numbers(embeddings)
    return embeddings


def _require_numbers(numbers: NDArray[Any]) -> None:
    """Refuse to answer null, which no threshold would ever flag."""
    if not np.isfinite(numbers).all():
        raise RequestError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "The network gave what is no number: the bundle is not as training wrote it. Check it with python -m "
            "models.bundle verify.",
        )


OPERATIONS: Final = {
    "score": Operation(
        path="/score",
        summary="Score records",
        description="Score a record, a list of records, or columns and rows; say which are anomalies and, on request, "
        "why.",
        query=ScoreQuery,
        answer=ScoreResponse,
        list_name="results",
        items=_score_items,
        table=_score_table,
        is_scoring=True,
        remedy="Ask for fewer columns (explain), or send fewer records a request.",
    ),
    "embed": Operation(
        path="/embed",
        summary="Features of records",
        description="Return the bottleneck's output for each record.",
        query=ReadingQuery,
        answer=EmbedResponse,
        list_name="embeddings",
        items=_embed_items,
        table=_embed_table,
        item_name="embedding",
    ),
    "reconstruct": Operation(
        path="/reconstruct",
        summary="Expected values",
        description="Return what the network expected of each column of each record.",
        query=ReadingQuery,
        answer=ReconstructResponse,
        list_name="reconstructions",
        items=_reconstruct_items,
        table=_reconstruct_table,
        lists_columns=True,
    ),
}
"""The operations by name."""
