"""Request ids: taken over or made, on both carriers, and in every answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from in_process import InProcess, in_process
from samples import sample_detector, sample_record

from service.observing.request_ids import request_id

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
FRESH = re.compile("[0-9a-f]{32}").fullmatch


@pytest.fixture(scope="module")
def client(fast_path: bool) -> Iterator[InProcess]:
    with in_process(sample_detector(), fast_path=fast_path) as client:
        yield client


def id_of(client: InProcess, content: object, **headers: str) -> str:
    found: str = client.post(json.dumps(content), **headers).headers["x-request-id"]
    return found


@pytest.mark.parametrize("content", [sample_record(), [sample_record()] * 700, {"number": 1}, []])
def test_an_id_is_taken_over_whatever_is_answered(client: InProcess, content: object) -> None:
    assert id_of(client, content, x_request_id="Order_17.a-b") == "Order_17.a-b"
    assert id_of(client, content, traceparent=PARENT) == TRACE
    assert id_of(client, content, traceparent=PARENT, x_request_id="mine") == "mine"


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\tb", "{}", "id=1", "é"])
def test_an_id_that_could_forge_a_line_of_the_log_is_replaced(client: InProcess, sent: str) -> None:
    headers = {"Content-Type": "application/json", "X-Request-ID": sent.encode()}
    answer = client.request("POST", "/score", content=json.dumps(sample_record()), headers=headers)
    assert answer.status_code == 200
    assert FRESH(answer.headers["x-request-id"])


@pytest.mark.parametrize(
    "parent", ["", TRACE, f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-1-01"]
)
def test_a_trace_that_is_none_is_replaced(client: InProcess, parent: str) -> None:
    assert FRESH(found := id_of(client, sample_record(), traceparent=parent))
    assert found != TRACE


def test_each_answer_has_one_id_of_its_own(client: InProcess) -> None:
    found = {id_of(client, sample_record()) for _ in range(20)}
    assert len(found) == 20
    for path in ("/healthz", "/nowhere", "/docs", "/metrics", "/openapi.json"):
        answer = client.request("GET", path)
        assert len(answer.headers.get_list("x-request-id")) == 1
        assert FRESH(answer.headers["x-request-id"])


def test_what_is_no_request_has_an_id_too() -> None:
    with in_process(sample_detector(), fast_path=True) as client:
        answer = client.request("GET", "/healthz", headers={"X-Long": "x" * 100_000})
        assert answer.status_code == 431
        assert FRESH(answer.headers["x-request-id"])


def test_the_first_valid_id_is_used() -> None:
    assert request_id([(b"x-request-id", b"\n"), (b"x-request-id", b"two")]) == b"two"
