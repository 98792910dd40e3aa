"""Requests of many rows, in every format of a server."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from benchmarks.serving.request import Request

Rows = NDArray[np.float64]

SIZES: Final = (1_000, 10_000)
"""Numbers of rows of a request."""

COLUMNS_AND_ROWS: Final = "JSON, columns and rows"
ARROW: Final = "Arrow stream"


def of_ours(columns: tuple[str, ...]) -> dict[str, Callable[[Rows], Request]]:
    """Return, for each format of our service, a function from rows `(n, d)` to a request that is answered in it."""

    def table(X: Rows) -> pa.Table:
        return pa.table(dict(zip(columns, X.T, strict=True)))

    def records(X: Rows) -> list[dict[str, float]]:
        return [dict(zip(columns, x, strict=True)) for x in X.tolist()]

    def with_type(body: bytes, content_type: str) -> Request:
        return Request(body=body, headers={"Content-Type": content_type, "Accept": content_type})

    def csv(X: Rows) -> Request:
        written = io.BytesIO()
        pa.csv.write_csv(table(X), written)
        return with_type(written.getvalue(), "text/csv")

    def parquet(X: Rows) -> Request:
        written = io.BytesIO()
        pa.parquet.write_table(table(X), written)
        return with_type(written.getvalue(), "application/vnd.apache.parquet")

    def arrow(X: Rows) -> Request:
        written = io.BytesIO()
        rows = table(X)
        with pa.ipc.new_stream(written, rows.schema) as stream:
            stream.write_table(rows)
        return with_type(written.getvalue(), "application/vnd.apache.arrow.stream")

    return {
        "JSON, records": lambda X: Request(body=_json(records(X))),
        COLUMNS_AND_ROWS: lambda X: Request(body=_json({"columns": columns, "rows": X.tolist()})),
        "JSON lines": lambda X: with_type(b"\n".join(map(_json, records(X))), "application/x-ndjson"),
        "CSV": csv,
        "Parquet": parquet,
        ARROW: arrow,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
