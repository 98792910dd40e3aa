"""What a body may cost: bodies of many objects, values, fields, columns, lines or problems are one clear refusal."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import InProcess, in_process, problem
from samples import sample_detector, sample_record
from serving import Service

from models.errors import RecordError
from models.strict_json import structure_of
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.formats.bounds import require_bounded, require_few_fields
from service.formats.formats import FORMATS
from service.formats.json_records import Records
from service.formats.rows import BodySpec, all_problems

DETECTOR = sample_detector()
KNOWN = len(DETECTOR.schema.known)


def spread(count: int, item: bytes) -> bytes:
    return b",".join([item] * count)


COSTLY: dict[str, tuple[str, bytes, int, str]] = {
    "rows of nothing": ("json", b'{"columns":["a"],"rows":[%b]}' % spread(1_000_000, b"[]"), 413, "objects and lists"),
    "members": ("json", b'{"x":[%b]}' % spread(600_000, b'{"a":0}'), 413, "600,002 objects and lists, more than"),
    "members of a line": ("jsonl", b'{"x":[%b]}' % spread(600_000, b'{"a":0}'), 413, "objects and lists, more than"),
    "values": ("json", b'{"x":[%b]}' % spread(5_000_000, b"0"), 413, "5,000,001 values, more than 3,355,443. Send"),
    "values in a list": ("json", b"[%b]" % spread(5_000_000, b"0"), 413, "5,000,000 values, more than 3,355,443"),
    "fields of a record": (
        "json",
        b"{%b}" % b",".join(b'"k%07d":0,"k%07d":0' % (i, i) for i in range(80_000)),
        413,
        f"A record has more than {KNOWN + BUDGET.other_columns:,} fields. Send only those",
    ),
    "fields of one record beside empty ones": (
        "json",
        b"[{%b},%b]" % (b",".join(b'"k%07d":0' % i for i in range(200_000)), spread(50, b"{}")),
        413,
        f"A record has more than {KNOWN + BUDGET.other_columns:,} fields. Send only those",
    ),
    "fields around objects": (
        "jsonl",
        b"{%b}\n{}" % b",".join(b'"k%07d":{}' % i if i % 9_000 == 0 else b'"k%07d":0' % i for i in range(200_000)),
        413,
        f"A record has more than {KNOWN + BUDGET.other_columns:,} fields. Send only those",
    ),
    "a field many times": ("json", b"[{%b},{}]" % spread(3_000_000, b'"a":0'), 413, "A record has more than"),
    "texts": ("json", b"[[%b]]" % spread(2_400_000, b'"ab"'), 413, "2,400,000 texts, more than 1,677,721. Send"),
    "wide texts": (
        "json",
        b"[[%b,%b]]" % (spread(1_600_000, '"中文"'.encode()), spread(1_200_000, b"0")),
        413,
        "4,400,001 values (a text beyond ASCII counts twice), more than 4,194,304. Send",
    ),
    "wide texts with colons, escaped": (
        "json",
        b"[[%b,%b]]" % (spread(1_600_000, rb'"\u4e2d:"'), spread(1_200_000, b"0")),
        413,
        "counts twice)",
    ),
    "columns": (
        "json",
        json.dumps({"columns": [f"c{i}" for i in range(20_000)], "rows": [[1]]}).encode(),
        413,
        "20,000",
    ),
    "blank lines": ("jsonl", b"\n" * 1_000_000, 413, "1,000,000 lines are more than 400,000, for at most 100,000"),
    "absent fields": ("json", b"[%b]" % spread(90_000, b"{}"), 422, "(at least 9,999 more problems: see errors.)"),
    "small ones": ("json", b"[%b]" % spread(5_400, b"{}"), 422, "(at least 9,999 more problems: see errors.)"),
    "names": ("csv", b",".join(b"c%d" % i for i in range(20_000)) + b"\n1", 413, "20,000 columns are more than 10,0"),
    "equal names": ("csv", spread(20_000, b"a") + b"\n1", 413, "20,000 columns are more than"),
    "commas": ("csv", b"," * 3_000_000, 413, "3,000,001 columns are more than"),
    "empty quotes": ("csv", b'"",' * 1_000_000, 413, "1,000,001 columns are more than"),
    "commas below": ("csv", b"a,b\n" + (b"," * 30_000 + b"\n") * 10, 413, "30,001 columns are more than"),
    "empty cells": (
        "csv",
        b",".join(b"c%d" % i for i in range(1000)) + b"\n" + (b"," * 999 + b"\n") * 9000,
        413,
        "cells, more than 8,388,608. Send fewer",
    ),
    "problems of a table": (
        "csv",
        b"number,amount,flag,mode,at\n" + b"x,x,x,x,x\n" * 50_000,
        422,
        "(at least 9,999 more problems: see errors.)",
    ),
}


@pytest.fixture(scope="module")
def served() -> Iterator[InProcess]:
    with in_process(DETECTOR) as served:
        yield served


def send(client: Any, form: str, content: bytes) -> Any:
    headers = {"Content-Type": FORMATS[form].types[0], "Content-Encoding": "gzip"}
    return client.request("POST", "/score", content=gzip.compress(content, 1), headers=headers)


@pytest.mark.parametrize("name", COSTLY)
def test_what_costs_much_is_one_clear_refusal(served: InProcess, name: str) -> None:
    form, content, status, detail = COSTLY[name]
    assert detail in problem(send(served, form, content), status)["detail"]


@pytest.mark.parametrize("name", [name for name, row in COSTLY.items() if len(row[1]) > 3_000_000])
def test_what_costs_much_costs_little_memory(service: Service, name: str) -> None:
    before = service.memory_mb()
    form, content, status, _ = COSTLY[name]
    assert send(service.client, form, content).status_code == status
    assert service.memory_mb() < before + 150


def test_commas_in_quotes_are_no_columns(served: InProcess) -> None:
    content = b'number,amount,flag,mode,at,note\n1,2,true,run,2024-01-20,"%b"\n' % (b"," * 120_000)
    assert send(served, "csv", content).status_code == 200


def test_texts_full_of_commas_and_braces_count_as_texts(served: InProcess) -> None:
    records = [sample_record(serial="{[,:" * 300_000 + '\\"{' * 1000)]
    assert served.request("POST", "/score", json=records).status_code == 200


def test_a_large_body_of_ordinary_records_is_not_too_much() -> None:
    """A hundred thousand records of thirty fields, with names and a third of the texts beyond ASCII."""
    record = {f"列 {index}": "状态" if index % 3 == 0 else index for index in range(30)}
    content = b"[%b]" % spread(100_000, json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())
    spec = BodySpec(schema=DETECTOR.schema, max_rows=100_000, max_bytes=1 << 25)
    require_bounded(content, spec)
    require_few_fields(content, spec.schema)


@given(st.recursive(st.integers() | st.text('ab":{}[]\\,', max_size=9), st.lists, max_leaves=9), st.integers(1, 9))
def test_only_what_is_outside_of_texts_is_structure_wherever_a_slice_ends(value: Any, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.strict_json._SLICE_BYTES", size)
        structure = b"".join(structure_of(json.dumps(value).encode()))
    assert structure == outside_texts(json.dumps(value))


def outside_texts(text: str) -> bytes:
    found, in_text, escaped = bytearray(), False, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            in_text = not in_text
        elif not in_text and character in "{}[,:":
            found += character.encode()
    return bytes(found)


def test_no_more_problems_are_made_than_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    whole = RecordError.__init__

    def counting(self: RecordError, *of_error: Any, **named: Any) -> None:
        nonlocal made
        made += 1
        whole(self, *of_error, **named)

    monkeypatch.setattr(RecordError, "__init__", counting)
    rows = Records(names=None, rows=[{}] * 100_000)
    error = all_problems(
        rows, DETECTOR.schema, RecordError("x", record=0, field=None, remedy="y"), cancellation=Cancellation()
    )
    assert error.total == BUDGET.problems
    assert made <= BUDGET.problems + 1


def test_the_problems_of_a_table_are_named_in_the_order_of_its_rows(served: InProcess) -> None:
    content = b"number,amount,flag,mode,at\n" + b"x,x,true,run,x\n" * 3000
    errors = problem(send(served, "csv", content), 422)["errors"]
    assert [error["record"] for error in errors] == [index // 3 for index in range(100)]


def test_a_small_body_of_many_cells_is_scored_on_a_thread_and_scores_the_same(served: InProcess) -> None:
    record = {**sample_record(), "serial": "s"}
    rows = [list(record.values())] * 250
    small = {"columns": list(record), "rows": rows}
    for path in ("/score", "/score?explain=2"):
        with pytest.MonkeyPatch.context() as patch:
            answer = served.request("POST", path, json=small)
            patch.setattr("service.api.routes.BUDGET", type(BUDGET)(loop_cells=10))
            assert served.request("POST", path, json=small).content == answer.content
    assert answer.status_code == 200
