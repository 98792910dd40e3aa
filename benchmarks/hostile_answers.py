"""What is wrong with an answer of the service to a hostile request."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from typing import Any, Final

import httpx
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from service.formats.formats import FORMATS

NOT_IMPLEMENTED: Final = "501"
"""The right answer to transfer codings that are not known."""


def fault_of(answer: httpx.Response) -> str | None:
    """Return what is wrong with an answer, or None."""
    if answer.status_code >= 500 and str(answer.status_code) != NOT_IMPLEMENTED:
        return f"status {answer.status_code}"
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.request.method == "HEAD":
        return None if not answer.content else "an answer to HEAD with a body"
    try:
        if answer.status_code >= 400:
            document = _strict(answer.content)
            complete = {"type", "title", "status", "detail"} <= document.keys()
            right = kind == "application/problem+json" and complete and document["status"] == answer.status_code
            return None if right else "a refusal that is no problem document"
        for name in (name for name, row in FORMATS.items() if kind in row.types):
            _READ[name](answer.content)
    except (ValueError, pa.ArrowException, KeyError) as error:
        return f"{kind}: {type(error).__name__}: {error}"
    return None


def _strict(content: bytes) -> Any:
    """Parse JSON, without the NaN and Infinity that Python would let pass."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(content.decode(), parse_constant=refuse)


def _finite(table: pa.Table) -> None:
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_floating(column.type) and not all(map(math.isfinite, column.drop_null().to_pylist())):
            raise ValueError(f"{name} is not finite")
    if "anomaly_score" in table.column_names and table.column("anomaly_score").null_count:
        raise ValueError("a score is null")


def _read_json(content: bytes) -> None:
    answer = _strict(content)
    for item in answer.get("results", ()):
        if not isinstance(item["anomaly_score"], float) or not isinstance(item["p_value"], float):
            raise ValueError(f"a score is {item['anomaly_score']!r}")


def _read_csv(content: bytes) -> None:
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        if "anomaly_score" in cells and not math.isfinite(float(cells["anomaly_score"])):
            raise ValueError("a score is not finite")


_READ: Final[dict[str, Callable[[bytes], object]]] = {
    "json": _read_json,
    "jsonl": lambda content: [_strict(line) for line in content.split(b"\n") if line],
    "csv": _read_csv,
    "arrow": lambda content: _finite(pa.ipc.open_stream(content).read_all()),
    "arrow_file": lambda content: _finite(pa.ipc.open_file(content).read_all()),
    "parquet": lambda content: _finite(pa.parquet.read_table(io.BytesIO(content))),
}
"""Reads an answer of each form, and raises where it is not what it says."""
