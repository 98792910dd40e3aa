from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import machine_records, sample_detector, sample_record, sample_schema

from models.detector import Detector
from models.errors import DetectorError
from models.schema import Column, FeatureSchema, Kind
from service import small_requests
from service.app import Service, create_app, load_settings
from service.bodies import Records
from service.exact_records import ExactRecords
from service.json_bodies import decode_json
from service.problems import RequestError
from service.registry import Registry

Answered = tuple[int, dict[bytes, bytes], bytes]

NAMES = sample_schema().read_names
WITHOUT_IDS = replace(sample_schema(), ids=())  # so that these records, which have none, go the shortest way
DETECTORS = (sample_detector(), replace(sample_detector(), schema=WITHOUT_IDS))
DAY = {"at": "2024-01-20"}  # no colon in it
CELLS = st.sampled_from(
    [None, True, 0, 1, 2.5, -7, 1e300, 2**70, 10**400, "3.5", "a:b", "x", "", "2024-03-01T10:00:00", [1], {"a": 1}]
)


def request(body: bytes, *, query: bytes = b"", headers: Sequence[tuple[bytes, bytes]] = ()) -> dict[str, Any]:
    given_headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers]
    return {
        "type": "http",
        "method": "POST",
        "path": "/score",
        "raw_path": b"/score",
        "query_string": query,
        "headers": given_headers,
        "scheme": "http",
        "server": ("service", 80),
        "root_path": "",
        "body": body,
    }


@cache
def app_of(number: int) -> Service:
    return create_app(Registry(DETECTORS[number]), load_settings())


async def ask(app: Any, scope: dict[str, Any], *, late: bool = False) -> Answered:
    """Send a request; `late`: its body comes in a later turn of the loop than its head."""
    sent: list[Any] = []
    coming = [{"type": "http.request", "body": scope["body"], "more_body": False}]

    async def receive() -> Any:
        if late:
            await asyncio.sleep(0.001)
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({name: value for name, value in scope.items() if name != "body"}, receive, send)
    head, *bodies = sent
    return head["status"], dict(head["headers"]), b"".join(one["body"] for one in bodies)


def together(app: Any, scopes: Sequence[dict[str, Any]], *, late: bool = False) -> list[Answered]:
    async def all_of_them() -> list[Answered]:
        return list(await asyncio.gather(*(ask(app, scope, late=late) for scope in scopes)))

    return asyncio.run(all_of_them())


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
    twice = plain.map(lambda text: text[:-1] + b', "%s": 1}' % NAMES[0].encode())
    return plain | plain | twice | plain.map(lambda text: text[:-1]) | st.just(b"\xef\xbb\xbf{}") | st.just(b"[]")


@given(
    st.sampled_from(range(len(DETECTORS))),
    st.lists(st.tuples(bodies(), st.sampled_from([b"", b"explain=2", b"explain=x", b"top=1"])), min_size=1, max_size=6),
)
def test_small_requests_are_answered_as_the_routes_answer_them_each_alone(
    number: int, asked: list[tuple[bytes, bytes]]
) -> None:
    app = app_of(number)
    scopes = [request(body, query=query) for body, query in asked]
    expected = [together(app.routes, [scope])[0] for scope in scopes]
    assert together(app, scopes) == expected
    assert together(app, scopes, late=True) == expected


@pytest.mark.parametrize(
    "header",
    [
        (b"accept", b"text/csv"),
        (b"accept", b"image/png"),
        (b"content-encoding", b"gzip"),
        (b"content-encoding", b"br"),
    ],
)
def test_what_a_header_asks_for_is_left_to_the_routes(header: tuple[bytes, bytes]) -> None:
    app = create_app(Registry(sample_detector()), load_settings())
    scope = request(json.dumps(sample_record()).encode(), headers=[header])
    assert together(app, [scope]) == together(app.routes, [scope])


def test_each_of_many_at_once_gets_its_own_answer(detector: Detector) -> None:
    app = create_app(Registry(detector), load_settings())
    records = machine_records(300, seed=3)
    answers = together(app, [request(json.dumps(record).encode()) for record in records])
    assert {status for status, _, _ in answers} == {200}
    scores = [json.loads(body)["results"][0]["anomaly_score"] for _, _, body in answers]
    assert scores == pytest.approx(detector.judge_records(records).anomaly_score.tolist(), rel=1e-5)


def test_a_client_that_leaves_while_its_record_waits_takes_no_other_along() -> None:
    app = create_app(Registry(sample_detector()), load_settings())
    scope = request(json.dumps(sample_record()).encode())

    async def one_leaves() -> Answered:
        leaves, stays = (asyncio.create_task(ask(app, scope)) for _ in range(2))
        await asyncio.sleep(0)
        leaves.cancel()
        return await stays

    assert asyncio.run(one_leaves())[0] == 200


@given(bodies())
def test_what_is_decoded_exactly_is_what_the_slow_way_gives(body: bytes) -> None:
    schema = WITHOUT_IDS
    exact = ExactRecords(schema)
    cells, rows = exact.cells(body), exact.rows(body)
    if cells is None and rows is None:
        return
    assert cells is None or rows is None
    slow = decode_json(body, most=10)
    quick = Records(names=exact.names, rows=rows or [cells], typed=True)
    assert columns_or_error(quick, schema) == columns_or_error(Records(names=slow.names, rows=slow.rows), schema)


def columns_or_error(rows: Records, schema: FeatureSchema) -> dict[str, str] | str:
    try:
        return {name: repr(values.tolist()) for name, values in rows.columns(schema).items()}
    except (DetectorError, RequestError) as error:
        return str(error)


def test_most_records_are_decoded_the_short_way() -> None:
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in ("a", "b")))
    exact = ExactRecords(schema)
    assert exact.cells(b'{"b": 2, "a": null}') == (None, 2.0)
    for refused in (
        b'{"a": 1}',
        b'{"a": 1, "b": 2, "b": 3}',
        b'{"a": 1, "b": 2, "c": 3}',
        b'{"a": 1, "b": "2"}',
        b'{"a": true, "b": 2}',
    ):
        assert exact.cells(refused) is None


def test_most_tables_are_decoded_the_short_way() -> None:
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in ("a", "b")))
    exact = ExactRecords(schema)
    assert exact.rows(b'{"columns": ["a", "b"], "rows": [[2, null], [0.5, -1]]}') == [(2.0, None), (0.5, -1.0)]
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
        assert exact.rows(refused) is None


def test_texts_and_ids_are_decoded_the_short_way_and_colons_in_texts_hide_no_member() -> None:
    columns = (Column(name="at", kind=Kind.DATETIME), Column(name="c", kind=Kind.CATEGORICAL))
    exact = ExactRecords(FeatureSchema(columns=columns, ids=("id",)))
    assert exact.names == ("at", "c", "id")
    assert exact.cells(b'{"id": "a:1", "at": "2024-01-01T00:00:00", "c": 3}') == ("2024-01-01T00:00:00", 3, "a:1")
    for refused in (
        b'{"at": "00:00", "c": "x"}',
        b'{"id": 1, "at": "00:00", "c": "x", "c": "y"}',
        b'{"id": 1, "at": "00:00", "c": "x", "d": "y"}',
        rb'{"id": 1, "at": "00\u003a00", "c": "x", "d": "y"}',
        b'{"id": 1, "at": "00:00", "c": {"x": "y"}}',
        b'{"id": 1, "at": "00:00", "c": ["x:y"]}',
    ):
        assert exact.cells(refused) is None


def test_records_with_ids_get_the_same_answer_both_ways() -> None:
    detector = sample_detector()
    app = create_app(Registry(detector), load_settings())
    body = json.dumps(sample_record() | dict.fromkeys(detector.schema.ids, "7:1")).encode()
    assert ExactRecords(detector.schema).cells(body) is not None
    scope = request(body)
    assert together(app, [scope]) == together(app.routes, [scope])


def test_small_requests_beyond_those_that_may_wait_are_refused_at_once_and_the_others_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(small_requests, "_LONG_SECONDS", -1.0)  # every one has waited for long
    app = create_app(Registry(sample_detector()), load_settings(max_small_waiting=3))
    scope = request(json.dumps(sample_record()).encode())
    answered = together(app, [scope] * 5)
    assert [status for status, _, _ in answered] == [200, 200, 200, 503, 503]
    _, headers, body = answered[-1]
    assert headers[b"retry-after"] == b"1"
    assert headers[b"content-type"] == b"application/problem+json"
    assert "DETECTOR_MAX_SMALL_WAITING" in json.loads(body)["detail"]
    assert together(app, [scope])[0][0] == 200


def test_a_burst_is_answered_however_many_wait_for_a_moment() -> None:
    app = create_app(Registry(sample_detector()), load_settings(max_small_waiting=1))
    scope = request(json.dumps(sample_record()).encode())
    assert {status for status, _, _ in together(app, [scope] * 20)} == {200}
