"""Hostile requests: a steady few here, as many as one likes with `python -m benchmarks.hostile_requests`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.hostile_answers import fault_of
from benchmarks.hostile_requests import Tally, ask_by_document, ask_by_roles, ask_by_socket, ask_in_process, main
from models.detector import Detector

REQUESTS = 300


def check(tally: Tally, requests: int = REQUESTS) -> None:
    assert tally.faults == {}
    assert sum(tally.statuses.values()) == requests
    answered = {status for status in tally.statuses if status.isdecimal()}
    assert answered > {"200", "422"}, "requests that are all refused at the door prove nothing"


def test_any_request_that_can_be_sent_gets_scores_or_a_problem_document(detector: Detector) -> None:
    check(ask_in_process(detector, requests=REQUESTS, seed=1))


def test_requests_made_from_the_openapi_document_get_what_it_promises(service: Any) -> None:
    check(ask_by_document(service.client.base_url.port, requests=REQUESTS // 2, seed=1), REQUESTS // 2)


@pytest.mark.slow
def test_requests_without_a_key_and_with_one_of_each_role_get_no_answer_beyond_it(made: Path, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+b") as log:
        tally = ask_by_roles(made, log, requests=1_000, seed=1)
        log.seek(0)
        assert b"Traceback" not in log.read()
    check(tally, 1_000)
    assert {"401", "403"} < tally.statuses.keys()


def test_bytes_that_are_hardly_http_are_answered_or_the_connection_is_closed(service: Any, detector: Detector) -> None:
    check(ask_by_socket(detector, service.client.base_url.port, requests=REQUESTS, seed=1))
    assert service.client.get("/healthz").status_code == 200


@pytest.mark.slow
def test_thousands_of_hostile_requests_find_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--requests", "2000", "--seed", "7"]) == 0
    assert "2,000 requests, seed 7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "kind", "content", "fault"),
    [
        (500, "application/problem+json", b"{}", "status 500"),
        (422, "application/json", b'{"type":"","title":"","status":422,"detail":""}', "no problem document"),
        (422, "application/problem+json", b'{"type":"","title":"","status":400,"detail":""}', "no problem document"),
        (200, "application/json", b'{"results":[{"anomaly_score":NaN,"p_value":1.0}]}', "NaN is no JSON"),
        (200, "application/json", b'{"results":[{"anomaly_score":null,"p_value":1.0}]}', "a score is None"),
        (200, "application/json", b"{", "JSONDecodeError"),
        (200, "text/csv", b"anomaly_score\ninf\n", "not finite"),
        (200, "application/vnd.apache.arrow.stream", b"x", "Arrow"),
        (200, "application/json", b'{"results":[{"anomaly_score":1.0,"p_value":1.0}]}', None),
    ],
)
def test_the_campaign_sees_what_is_wrong_with_an_answer(
    status: int, kind: str, content: bytes, fault: str | None
) -> None:
    request = httpx.Request("POST", "http://x/score")
    found = fault_of(httpx.Response(status, headers={"content-type": kind}, content=content, request=request))
    assert (found is None) if fault is None else (found is not None and fault in found)
