"""What a request may cost in memory: one of under 1 MB on the wire grows the service by at most 300 MB."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from conftest import train
from serving import Start

from models.tables.table import Table
from service.formats.formats import FORMATS

MOST_MB = 300
MOST_BYTES = 1_000_000
NAMES = [f"c{index}" for index in range(30)]
WIDE = "\N{GRINNING FACE}"  # a text of it takes more memory than one of letters


@pytest.fixture(scope="module")
def wide_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of thirty columns of numbers."""
    X = np.random.default_rng(0).normal(size=(300, 5)) @ np.random.default_rng(1).normal(size=(5, len(NAMES)))
    table = Table(data=pa.table(dict(zip(NAMES, X.T.copy(), strict=True))))
    return train(table, tmp_path_factory.mktemp("wide") / "wide" / "1", epochs=1).bundle


def listed(rows: int, row: Any, start: bytes = b"[", by: bytes = b",", end: bytes = b"]") -> bytes:
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
    return start + by.join([text] * rows) + end


def in_table(rows: int, cell: object) -> bytes:
    return listed(rows, [cell] * len(NAMES), b'{"columns":%b,"rows":[' % json.dumps(NAMES).encode(), end=b"]}")


OTHERS = {f"{WIDE}{index}": 1 for index in range(30)}
MIXED = dict(zip(NAMES, [WIDE] * 10 + [1.5] * 20, strict=True))
Case = tuple[str, str, str, Callable[[], bytes]]

REASONS: dict[str, Case] = {
    f"reasons as {answer}": ("/score?explain=5", "json", answer, lambda: in_table(100_000, 9))
    for answer in ("json", "csv", "arrow_file", "parquet")
}
EMBEDDINGS: dict[str, Case] = {
    f"embeddings of {rows} as {answer}": ("/embed", "json", answer, partial(in_table, rows, cell))
    for answer in ("arrow", "arrow_file")
    for rows, cell in ((100_000, 9), (55_000, "9"))
}
WIDE_NAMES: dict[str, Case] = {
    f"wide names {where}": ("/score", "json", "json", partial(listed, 99_000, row, start, b",", end))
    for where, row, start, end in (
        ("in records", OTHERS, b"[", b"]"),
        ("in another's form", OTHERS, b'{"inputs":[', b"]}"),
        ("before an error", OTHERS, b"[", b",x]"),
        ("in one record", OTHERS, b'[{"x":[', b"]}]"),
        ("in cells", [OTHERS], b'{"columns":["c0"],"rows":[', b"]}"),
    )
}
CASES: dict[str, Case] = {
    **REASONS,
    **EMBEDDINGS,
    **WIDE_NAMES,
    "wide names in lines": ("/score", "jsonl", "json", lambda: listed(99_000, OTHERS, b"", b"\n", b"")),
    "texts in lines": (
        "/score?explain=5",
        "jsonl",
        "csv",
        lambda: listed(55_000, dict.fromkeys(NAMES, "9"), b"", b"\n", b""),
    ),
    "expected values": ("/reconstruct", "json", "arrow", lambda: in_table(16_000, 9)),
    "wide texts": ("/score", "json", "csv", lambda: listed(99_000, MIXED)),
    "numbers that are no records": ("/score", "json", "json", lambda: listed(3_350_000, 1.5)),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_request_of_few_bytes_costs_little_memory(wide_path: Path, start: Start, case: str) -> None:
    path, form, answer, content = CASES[case]
    headers = {"Content-Type": FORMATS[form].types[0], "Accept": FORMATS[answer].types[0], "Content-Encoding": "gzip"}
    sent = gzip.compress(content())
    assert len(sent) < MOST_BYTES
    with start(wide_path) as service:
        before = service.memory_mb()
        assert service.client.post(path, content=sent, headers=headers).status_code in (200, 400, 413, 422)
        assert service.peak_mb() < before + MOST_MB
