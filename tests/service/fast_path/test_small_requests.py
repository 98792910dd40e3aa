from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import machine_records, sample_detector, sample_record, sample_schema
from serving import Start
from wire import Wire, answer_from, request, wired

from models.detector import Detector
from models.errors import DetectorError, RecordError
from models.schema import Column, FeatureSchema, Kind
from service import gate
from service.fast_path import protocol
from service.fast_path.answering import SmallScores
from service.formats.answers import AnswerSpec, answer_headers
from service.formats.exact_json import ExactRecords
from service.formats.json import decode_json, decode_lines, read_lines
from service.formats.json_records import Records
from service.formats.rows import BodySpec
from service.operations import OPERATIONS
from service.web.problems import RequestError

NAMES = sample_schema().read_names
WITHOUT_IDS = replace(sample_schema(), ids=())  # so that these records, which have none, go the shortest way
DETECTORS = (sample_detector(), replace(sample_detector(), schema=WITHOUT_IDS))
BODY = json.dumps(sample_record()).encode()
DAY = {"at": "2024-01-20"}  # no colon in it
CELLS = st.sampled_from(
    [None, True, 0, 1, 2.5, -7, 1e300, 2**70, 10**400, "3.5", "a:b", "x", "", "2024-03-01T10:00:00", [1], {"a": 1}]
)


@pytest.fixture(scope="module")
def both(fast_path: bool) -> Iterator[list[tuple[Wire, Wire]]]:
    """Give a service of each detector, and the same with nothing but FastAPI's routes."""
    with ExitStack() as running:
        yield [
            (
                running.enter_context(wired(one, fast_path=fast_path)),
                running.enter_context(wired(one, fast_path=False, add=without_shortcut)),
            )
            for one in DETECTORS
        ]


def without_shortcut(app: FastAPI) -> None:
    """Leave small requests to FastAPI's routes."""
    app.state.small_scores.explain_of = lambda query, headers: None


@pytest.fixture(scope="module")
def wire(both: list[tuple[Wire, Wire]]) -> Wire:
    return both[0][0]


def bodies() -> st.SearchStrategy[bytes]:
    changed = st.builds(
        lambda changes: sample_record() | DAY | changes, st.dictionaries(st.sampled_from([*NAMES, "other"]), CELLS)
    )
    less = st.builds(
        lambda record, name: {k: v for k, v in record.items() if k != name}, changed, st.sampled_from(NAMES)
    )
    record = changed | less
    table = st.builds(lambda one: {"columns": list(one), "rows": [list(one.values())] * 2}, record)
    plain = (record | st.lists(record, max_size=3) | table).map(lambda value: json.dumps(value).encode())
    twice = plain.map(lambda text: text.replace(b"}", b', "%s": 1}' % NAMES[0].encode(), 1))
    return plain | plain | twice | plain.map(lambda text: text[:-1]) | st.just(b"\xef\xbb\xbf{}") | st.just(b"[]")


QUERIES = st.sampled_from(["", "", "explain=2", "explain=x", "top=1", "explain=1&explain=2"])
HEADERS = st.sampled_from(
    [(), (), ("Accept: text/csv",), ("Accept: image/png",), ("Content-Encoding: gzip",), ("Connection: close",)]
)
LATE = st.sampled_from([None, None, None, 0.0, 0.002])


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 1), st.lists(st.tuples(bodies(), QUERIES, HEADERS), min_size=1, max_size=6), LATE)
def test_small_requests_get_the_same_bytes_as_from_the_routes_one_by_one(
    both: list[tuple[Wire, Wire]],
    number: int,
    asked: list[tuple[bytes, str, tuple[str, ...]]],
    late: float | None,
) -> None:
    ours, routes = both[number]
    requests = [request(body, query=query, headers=headers) for body, query, headers in asked]
    assert ours.together(requests, late=late) == [routes.together([one])[0] for one in requests]


def test_a_late_body_gets_the_same_answer(both: list[tuple[Wire, Wire]]) -> None:
    ours, routes = both[0]
    one = request(BODY, query="explain=2")
    for late in (0.01, 0.3):
        assert ours.together([one], late=late) == routes.together([one])


def test_three_hundred_requests_in_one_tick_get_their_own_answers(detector: Detector) -> None:
    records = machine_records(300, seed=3)
    with wired(detector) as wire:
        answers = wire.together([request(json.dumps(record).encode()) for record in records])
    assert {status for status, _, _ in answers} == {200}
    scores = [json.loads(body)["results"][0]["anomaly_score"] for _, _, body in answers]
    assert scores == pytest.approx(detector.score_records(records).anomaly_score.tolist(), rel=1e-5)


def test_a_client_that_leaves_while_its_record_waits_does_not_disturb_the_others(wire: Wire) -> None:
    with wire.connect() as leaves, wire.connect() as stays:
        with wire.busy():
            leaves.sendall(request(BODY))
            stays.sendall(request(BODY))
            leaves.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            leaves.close()
        assert answer_from(stays)[0] == 200


def test_requests_on_one_connection_are_answered_in_their_order(wire: Wire) -> None:
    health = b"GET /healthz HTTP/1.1\r\nHost: service\r\n\r\n"
    wrong = request(b"[]")
    several = [request(BODY, query="explain=2"), health, request(BODY), wrong, request(BODY), request(BODY), health]
    expected = [wire.together([one])[0] for one in several]
    with wire.connect() as connection:
        connection.sendall(b"".join(several))
        assert [answer_from(connection) for _ in several] == expected
        for one in several:
            connection.sendall(one)
        assert [answer_from(connection) for _ in several] == expected


def test_a_connection_is_closed_if_the_request_says_so(wire: Wire) -> None:
    with wire.connect() as connection:
        connection.sendall(request(BODY) + request(BODY, headers=["Connection: close"]))
        assert [answer_from(connection)[1].get("connection") for _ in range(2)] == [None, "close"]
        assert connection.recv(1) == b""


def test_a_service_that_ends_answers_a_request_that_is_being_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_BODY_SECONDS", 60.0)  # it still waits for the body when it has to end
    whole = request(BODY)
    with wired(sample_detector()) as wire, wire.connect() as connection:
        connection.sendall(whole[:-1])
        time.sleep(0.05)
        wire.server.should_exit = True
        time.sleep(0.3)
        connection.sendall(whole[-1:])
        status, headers, _ = answer_from(connection)
        assert (status, headers["connection"]) == (200, "close")


@pytest.mark.parametrize("trusted", ["127.0.0.1", "10.0.0.1", ""])
def test_the_access_log_has_the_clients_address_from_a_proxy_that_is_trusted(
    bundle_path: Path, start: Start, trusted: str
) -> None:
    with start(bundle_path, "--access-log", "--trusted-proxies", trusted, FORWARDED_ALLOW_IPS="*") as service:
        for address in ("10.1.2.3", "10.1.2.4"):
            answer = service.client.post(
                "/score?explain=1", json=machine_records(1, seed=1), headers={"X-Forwarded-For": address}
            )
            assert answer.status_code == 200
        assert service.process.stderr is not None
        lines = [service.process.stderr.readline() for _ in range(2)]
    for address, line in zip(("10.1.2.3", "10.1.2.4"), lines, strict=True):
        client = f"{address}:0" if trusted == "127.0.0.1" else "127.0.0.1:"
        assert client in line
        assert "endpoint=score detector=machines version=1 status=200 rows=1 ms=" in line


@given(bodies())
def test_the_exact_decoder_gives_the_same_cells_as_the_general_one(body: bytes) -> None:
    schema = WITHOUT_IDS
    exact = ExactRecords(schema)
    rows = exact.rows(body, most=10)
    if rows is None:
        return
    slow = decode_json(body, schema, most=10)
    quick = Records(names=exact.names, rows=rows, typed=True)
    assert columns_or_error(quick, schema) == columns_or_error(Records(names=slow.names, rows=slow.rows), schema)


@given(st.lists(bodies(), min_size=1, max_size=3), st.sampled_from([b"\n", b"\r\n\n", b" "]))
def test_the_exact_decoder_gives_the_same_cells_of_lines_as_the_general_one(
    records: list[bytes], between: bytes
) -> None:
    exact, body = ExactRecords(WITHOUT_IDS), between.join(records)
    rows = exact.lines(body, most=10)
    if rows is None:
        return
    quick, slow = Records(names=exact.names, rows=rows, typed=True), decode_lines(body, WITHOUT_IDS, most=10)
    assert columns_or_error(quick, WITHOUT_IDS) == columns_or_error(Records(names=None, rows=slow.rows), WITHOUT_IDS)


def columns_or_error(rows: Records, schema: FeatureSchema) -> dict[str, str] | str:
    try:
        return {name: repr(values.tolist()) for name, values in rows.columns(schema).items()}
    except (DetectorError, RequestError) as error:
        return str(error)


def test_the_exact_decoder_takes_records_with_the_schemas_columns_alone() -> None:
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in ("a", "b")))
    exact = ExactRecords(schema)
    assert exact.rows(b'{"b": 2, "a": null}', most=1) == [(None, 2.0)]
    assert exact.rows(b' [{"b": 2, "a": null}, {"a": 0.5, "b": -1}]', most=2) == [(None, 2.0), (0.5, -1.0)]
    assert exact.lines(b'{"b": 2, "a": null}\r\n\n{"a": 0.5, "b": -1}', most=2) == [(None, 2.0), (0.5, -1.0)]
    for refused in (
        b'{"a": 1}',
        b'{"a": 1, "b": 2, "b": 3}',
        b'{"a": 1, "b": 2, "c": 3}',
        b'{"a": 1, "b": "2"}',
        b'{"a": true, "b": 2}',
        b'{"a": 1, "b": 2}{"a": 1, "b": 2}',
    ):
        assert exact.rows(refused, most=9) is None
        assert exact.rows(b'[{"a": 1, "b": 2},' + refused + b"]", most=9) is None
        assert exact.lines(b'{"a": 1, "b": 2}\n' + refused, most=9) is None
    assert exact.rows(b"[]", most=9) is None
    assert exact.lines(b"\n", most=9) is None


def test_the_exact_decoder_takes_tables_with_the_schemas_columns_in_order() -> None:
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in ("a", "b")))
    exact = ExactRecords(schema)
    assert exact.rows(b'{"columns": ["a", "b"], "rows": [[2, null], [0.5, -1]]}', most=2) == [(2.0, None), (0.5, -1.0)]
    for refused in (
        b'{"columns": ["b", "a"], "rows": [[1, 2]]}',
        b'{"columns": ["a", "b", "c"], "rows": [[1, 2, 3]]}',
        b'{"columns": ["a", "b"], "rows": [[1, 2], [1]]}',
        b'{"columns": ["a", "b"], "rows": [[1, "2"]]}',
        b'{"columns": ["a", "b"], "rows": [[1, 2]], "rows": [[1, 2]]}',
        b'{"columns": ["a", "b"], "rows": [[1, 2]], "more": 1}',
        b'{"columns": ["a", "b"], "rows": []}',
        b"[[1, 2]]",
    ):
        assert exact.rows(refused, most=9) is None


def test_the_exact_decoder_leaves_bodies_with_too_many_rows_before_it_decodes_them() -> None:
    exact = ExactRecords(FeatureSchema(columns=(Column(name="a", kind=Kind.NUMERIC),)))
    for body in (b'[{"a": 1}, {"a": 2}]', b'{"columns": ["a"], "rows": [[1], [2]]}'):
        assert exact.rows(body, most=2) == [(1.0,), (2.0,)]
        assert exact.rows(body, most=1) is None
    assert exact.lines(b'{"a": 1}\n{"a": 2}', most=2) == [(1.0,), (2.0,)]
    assert exact.lines(b'{"a": 1}\n{"a": 2}', most=1) is None


def test_a_refused_value_in_a_line_has_the_index_of_its_record_in_the_whole_body() -> None:
    schema = FeatureSchema(columns=(Column(name="at", kind=Kind.DATETIME),))
    spec = BodySpec(schema=schema, max_rows=9, max_bytes=1000)
    lines = read_lines(b'{"at": "2024-01-01"}\n{"at": "yesterday"}\n', spec, first_record=100)
    assert lines.typed
    with pytest.raises(RecordError, match=r"record 101, field 'at'"):
        lines.columns(schema)


def test_the_exact_decoder_takes_texts_and_ids_and_colons_in_texts_hide_no_repeated_key() -> None:
    columns = (Column(name="at", kind=Kind.DATETIME), Column(name="c", kind=Kind.CATEGORICAL))
    exact = ExactRecords(FeatureSchema(columns=columns, ids=("id",)))
    assert exact.names == ("at", "c", "id")
    record = b'{"id": "a:1", "at": "2024-01-01T00:00:00", "c": 3}'
    assert exact.rows(record, most=1) == [("2024-01-01T00:00:00", 3, "a:1")]
    for refused in (
        b'{"at": "00:00", "c": "x"}',
        b'{"id": 1, "at": "00:00", "c": "x", "c": "y"}',
        b'{"id": 1, "at": "00:00", "c": "x", "d": "y"}',
        rb'{"id": 1, "at": "00\u003a00", "c": "x", "d": "y"}',
        b'{"id": 1, "at": "00:00", "c": {"x": "y"}}',
        b'{"id": 1, "at": "00:00", "c": ["x:y"]}',
    ):
        assert exact.rows(refused, most=9) is None


def test_records_with_ids_get_the_same_answer_as_from_the_routes(both: list[tuple[Wire, Wire]]) -> None:
    ours, routes = both[0]
    body = json.dumps(sample_record() | dict.fromkeys(DETECTORS[0].schema.ids, "7:1")).encode()
    assert ExactRecords(DETECTORS[0].schema).rows(body, most=1) is not None
    assert ours.together([request(body)]) == routes.together([request(body)])


@pytest.mark.parametrize("form", ["record", "records", "columns and rows", "nested"])
def test_fields_that_are_ignored_are_counted_in_a_note_on_both_ways(both: list[tuple[Wire, Wire]], form: str) -> None:
    ours, routes = both[0]
    record = sample_record() | dict.fromkeys(DETECTORS[0].schema.ids, "7")
    other = record | {"room": 1, "wall": 2}
    body, note = {
        "record": (other, "'room' (1 record), 'wall' (1 record)"),
        "records": ([record, other, record | {"room": 3}], "'room' (2 records), 'wall' (1 record)"),
        "columns and rows": ({"columns": list(other), "rows": [list(other.values())] * 2}, "'room', 'wall'"),
        "nested": (record | {"room": {"x" * 99: 1}, "y" * 99: 2}, f"'room' (1 record), '{'y' * 59}…' (1 record)"),
    }[form]
    one = request(json.dumps(body).encode())
    [answer] = ours.together([one])
    assert [answer] == routes.together([one])
    status, headers, content = answer
    assert status == 200
    assert json.loads(content)["notes"] == [f"ignored: {note}, which the detector does not know"]
    assert json.loads(headers["detector-notes"]) == json.loads(content)["notes"]
    [(_, headers, content)] = ours.together([request(json.dumps(record).encode())])
    assert "detector-notes" not in headers
    assert "notes" not in json.loads(content)


def test_notes_that_are_too_long_for_a_header_are_counted_there() -> None:
    detector = DETECTORS[0]
    answer = AnswerSpec(operation=OPERATIONS["score"], detector=detector)
    listed = json.loads(answer_headers(answer, ["first", "x" * 3000, "third"])["Detector-Notes"])
    assert listed == ["first", "and 2 more notes, too long for a header"]
    assert json.loads(answer_headers(answer, ["y" * 3000])["Detector-Notes"]) == [
        "and 1 more note, too long for a header"
    ]


@pytest.mark.parametrize("fast_path", [True, False])
def test_overloaded_carriers_send_the_same_refusal(fast_path: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate.Tick, "is_overloaded", lambda tick: True)
    with wired(sample_detector(), fast_path=fast_path) as wire:
        [(status, headers, body)] = wire.together([request(BODY)])
    assert (status, headers["retry-after"], headers["content-type"]) == (503, "1", "application/problem+json")
    assert "--max-wait-seconds (DETECTOR_MAX_WAIT_SECONDS)" in json.loads(body)["detail"]


def test_a_burst_of_requests_is_answered() -> None:
    with wired(sample_detector(), max_wait_seconds=1e-9) as wire:
        assert {status for status, _, _ in wire.together([request(BODY)] * 20)} == {200}


def test_a_fault_of_ours_closes_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(SmallScores, "answer", fail)
    with wired(sample_detector()) as wire, wire.connect() as connection:
        connection.sendall(request(BODY))
        assert connection.recv(1000) == b""
    assert "its connection is closed" in caplog.text
