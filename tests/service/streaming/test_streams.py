"""Streams: the answers of whole bodies, in parts; what goes wrong early, late, or never."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from bodies import READ, WRITTEN, stream
from hypothesis import given
from hypothesis import strategies as st
from in_process import InProcess, in_process, problem
from samples import arrow_table, sample_detector, sample_record

from models.detector import Detector
from models.tables.read_options import CHUNK_ROWS
from service.formats.formats import FORMATS, STREAMED
from service.formats.rows import BodySpec, Rows
from service.web.negotiation import CODINGS
from service.web.problems import RequestError

RECORDS = [
    sample_record(number=50.0 + row % 37, serial=f"s-{row}", mode=("run", "idle")[row % 2])
    for row in range(2 * CHUNK_ROWS + 700)
]
FEW = [sample_record(number=50.0 + row, serial=f"s, \n {row}", mode='a "b"\n,') for row in range(30)]


@pytest.fixture(scope="module")
def service() -> Iterator[InProcess]:
    with in_process(sample_detector()) as service:
        yield service


@pytest.fixture(scope="module")
def small() -> Iterator[InProcess]:
    """A service that takes few rows and bytes at once."""
    with in_process(sample_detector(), max_body_bytes=3000, max_rows=10) as service:
        yield service


def in_chunks(content: bytes, *, size: int = 50_000) -> AsyncIterator[bytes]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    return chunks()


def send(
    service: InProcess, body: Any, form: str, accept: str = "jsonl", path: str = "/score/stream", **more: str
) -> Any:
    headers = {"Content-Type": FORMATS[form].types[0], "Accept": FORMATS[accept].types[0]} | more
    return service.request("POST", path, content=body, headers=headers)


@pytest.mark.parametrize("accept", STREAMED)
@pytest.mark.parametrize("form", STREAMED)
def test_a_stream_is_answered_as_a_whole_body_is_byte_by_byte(
    service: InProcess, tmp_path: Path, form: str, accept: str
) -> None:
    body = WRITTEN[form](RECORDS, tmp_path)
    whole = send(service, body, form, accept, "/score")
    streamed = send(service, in_chunks(body), form, accept)
    assert (whole.status_code, streamed.status_code) == (200, 200)
    if accept == "arrow":  # texts of ids lie elsewhere in a cut column
        assert pa.ipc.open_stream(streamed.content).read_all() == pa.ipc.open_stream(whole.content).read_all()
    else:
        assert streamed.content == whole.content
    for name in ("content-type", "detector-name", "detector-version", "detector-threshold"):
        assert streamed.headers[name] == whole.headers[name]
    assert "content-length" not in streamed.headers


def test_reasons_come_in_a_stream_too(service: InProcess, tmp_path: Path) -> None:
    body = WRITTEN["jsonl"](RECORDS, tmp_path)
    whole = send(service, body, "jsonl", "jsonl", "/score?explain=2")
    assert send(service, in_chunks(body), "jsonl", "jsonl", "/score/stream?explain=2").content == whole.content


def test_fields_that_are_ignored_are_noted_in_the_head_of_a_streams_answer(service: InProcess, tmp_path: Path) -> None:
    body = WRITTEN["jsonl"]([*RECORDS[:-1], RECORDS[0] | {"room": 1}, RECORDS[1] | {"room": 1}], tmp_path)
    assert "detector-notes" not in send(service, in_chunks(body), "jsonl").headers  # in a part that comes later
    body = WRITTEN["jsonl"]([RECORDS[0] | {"room": 1}, *RECORDS[:5]], tmp_path)
    notes = json.loads(send(service, in_chunks(body), "jsonl").headers["detector-notes"])
    assert notes == ["ignored: 'room' (1 record), which the detector does not know"]


@pytest.mark.parametrize("form", STREAMED)
def test_a_stream_may_be_longer_than_a_body(small: InProcess, tmp_path: Path, form: str) -> None:
    body = small_batches(RECORDS[:300]) if form == "arrow" else WRITTEN[form](RECORDS[:300], tmp_path)
    assert problem(send(small, body, form, path="/score"), 413)
    assert len(READ["jsonl"](send(small, in_chunks(body, size=700), form).content)) == 300


def small_batches(records: list[dict[str, Any]]) -> bytes:
    table = arrow_table(records)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)
    return sink.getvalue().to_pybytes()


def bodies_of(form: str) -> bytes:
    return small_batches(FEW) if form == "arrow" else b"\n\n" + WRITTEN["jsonl"](FEW, Path()) + b"\r\n\n"


def read_in_parts(
    detector: Detector, form: str, parts: list[bytes], *, max_bytes: int = 1 << 25, max_rows: int = 100_000
) -> list[Rows]:
    spec = BodySpec(schema=detector.schema, max_rows=max_rows, max_bytes=max_bytes)
    body = FORMATS[form].open_stream(spec)
    rows: list[Rows] = []
    for index, content in enumerate(parts):
        for part in body.cut(content, last=index == len(parts) - 1):
            rows += body.rows(part)
    return [*rows, *body.rest()]


@pytest.mark.parametrize("form", STREAMED)
@given(st.data())
def test_wherever_a_body_is_cut_on_its_way_the_rows_are_the_same(form: str, data: st.DataObject) -> None:
    content, detector = bodies_of(form), sample_detector()
    places = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=12)))
    parts = [content[start:end] for start, end in pairwise([0, *places, len(content)])]
    with pytest.MonkeyPatch.context() as patch:
        for module in ("service.streaming.bodies", "service.streaming.arrow_body", "service.formats.tables"):
            patch.setattr(f"{module}.CHUNK_ROWS", 8)
        patch.setattr("service.streaming.arrow_body._PART_BYTES", 400)
        chunks = read_in_parts(detector, form, parts)
    sizes = [len(chunk) for chunk in chunks]
    assert sizes == [8, 8, 8, 6]
    assert [chunk.first for chunk in chunks] == [0, 8, 16, 24]
    [whole] = read_in_parts(detector, form, [content])
    for name, values in whole.columns(detector.schema).items():
        found = np.concatenate([chunk.columns(detector.schema)[name] for chunk in chunks])
        np.testing.assert_array_equal(found, values)
    assert [own for chunk in chunks for own in chunk.ids(detector.schema)] == whole.ids(detector.schema)


EARLY: dict[str, tuple[bytes, str, int, str]] = {
    "nothing": (b"", "jsonl", 400, "The body is empty. Send at least one record."),
    "blank lines": (b"\n\n", "jsonl", 400, "The body is empty"),
    "no JSON": (b"{}\n[\n", "jsonl", 400, "Line 2 is not JSON"),
    "a field that is absent": (b"{}\n", "jsonl", 422, "record 0, field 'number': is absent"),
    "a key twice": (b'{"a": 1}\n{"a": 1, "a": 2}', "jsonl", 422, "record 1, field 'a': has the key 'a'"),
    "a long line": (b"x" * 3100, "jsonl", 413, "A line is larger than 3,000 bytes. Send shorter ones, or raise"),
    "no Arrow": (b"number,amount\n1,2\n", "arrow", 400, "The body is no Arrow stream"),
    "Arrow that is cut off": (stream(arrow_table(FEW))[:-50], "arrow", 400, "ends in the middle of a message"),
    "Arrow without rows": (stream(arrow_table(FEW).slice(0, 0)), "arrow", 400, "The body is empty"),
    "a large record batch": (stream(arrow_table(RECORDS[:90])), "arrow", 413, "A record batch is larger than 3,000"),
}


@pytest.mark.parametrize("name", EARLY)
def test_what_is_wrong_before_the_first_rows_are_answered_is_a_problem(small: InProcess, name: str) -> None:
    body, form, status, detail = EARLY[name]
    answer = send(small, in_chunks(body, size=500), form)
    assert detail in problem(answer, status)["detail"]
    assert answer.headers["connection"] == "close"


def test_headers_that_mean_no_stream_are_refused(service: InProcess) -> None:
    refused = problem(send(service, b"[]", "json"), 415)
    assert "application/x-ndjson, application/vnd.apache.arrow.stream" in refused["detail"]
    assert "None of the formats in Accept" in problem(send(service, b"{}", "jsonl", "parquet"), 406)["detail"]
    for coding in CODINGS:
        compressed = send(service, b"{}", "jsonl", **{"Content-Encoding": coding})
        assert "Send it without Content-Encoding." in problem(compressed, 415)["detail"]
    assert problem(send(service, b"{}", "jsonl", path="/score/stream?decimal=,"), 422)


def test_an_answer_of_json_lines_is_the_usual_one(service: InProcess) -> None:
    body = json.dumps(RECORDS[0]).encode()
    answer = service.request("POST", "/score/stream", content=body, headers={"Content-Type": "application/jsonl"})
    assert answer.headers["content-type"] == "application/x-ndjson"


LATE: dict[str, tuple[str, Any, str]] = {
    "a word": ("jsonl", {"number": "x"}, "record 40000, field 'number': got the text 'x'."),
    "an absent field": ("jsonl", {}, "record 40000, field 'number': is absent."),
}


@pytest.mark.parametrize("name", LATE)
def test_what_goes_wrong_later_is_the_last_line_with_its_place_in_the_whole_stream(
    service: InProcess, tmp_path: Path, name: str
) -> None:
    form, change, detail = LATE[name]
    records: list[Any] = [*(RECORDS * 2)[:40_000], {**RECORDS[0], **change} if change else {}, *RECORDS[:5]]
    *lines, last = send(service, in_chunks(WRITTEN[form](records, tmp_path)), form).content.splitlines()
    told = json.loads(last)["problem"]
    assert told["status"] == 422
    assert detail in told["detail"]
    assert told["errors"][0]["record"] == 40_000
    assert len(lines) == 2 * CHUNK_ROWS, "what was scored before is answered"


def test_ids_that_come_in_some_parts_only_make_no_table(service: InProcess) -> None:
    lines = WRITTEN["jsonl"](RECORDS[:CHUNK_ROWS], Path()) + b"\n" + json.dumps(sample_record()).encode()
    assert send(service, in_chunks(lines), "jsonl").status_code == 200
    with pytest.raises(AssertionError):  # of the transport: the answer has no end
        send(service, in_chunks(lines), "jsonl", "arrow")


def test_a_part_of_dictionaries_is_read_with_those_before_it(service: InProcess) -> None:
    table = arrow_table(RECORDS[:60])
    coded = table.set_column(table.column_names.index("mode"), "mode", table["mode"].dictionary_encode())
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, coded.schema, options=options) as writer:
        for start in range(0, 60, 20):
            modes = pa.array(["run", "idle", *["new"] * (start > 0), *["newer"] * (start > 20)])
            own = pa.DictionaryArray.from_arrays(pa.array([row % len(modes) for row in range(20)], pa.int32()), modes)
            rows = coded.slice(start, 20).set_column(coded.column_names.index("mode"), "mode", own)
            writer.write_table(rows)
    body = sink.getvalue().to_pybytes()
    whole = send(service, body, "arrow", path="/score")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.streaming.arrow_body._PART_BYTES", 100)
        assert send(service, in_chunks(body, size=64), "arrow").content == whole.content


def test_dictionaries_are_bounded_all_together() -> None:
    with pytest.raises(RequestError, match="larger than 3,000 bytes"):
        long = [sample_record(mode=f"{row:0500d}") for row in range(5)]
        table = arrow_table(long)
        coded = table.set_column(table.column_names.index("mode"), "mode", table["mode"].dictionary_encode())
        read_in_parts(sample_detector(), "arrow", [stream(coded)], max_bytes=3000)


def test_a_client_that_sends_nothing_more_is_told(bundle_path: Path) -> None:
    import asyncio

    from service.app import create_app, load_settings
    from service.registry import Registry

    app = create_app(Registry(sample_detector()), load_settings(body_seconds=0.05))

    async def slow_body() -> AsyncIterator[bytes]:
        yield json.dumps(RECORDS[0]).encode()
        await asyncio.sleep(0.5)
        yield b"\n"

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            kind = {"Content-Type": FORMATS["jsonl"].types[0]}
            return await client.post("/score/stream", content=slow_body(), headers=kind)

    assert "Nothing of the body came for 0.05 s" in problem(asyncio.run(ask()), 408)["detail"]
