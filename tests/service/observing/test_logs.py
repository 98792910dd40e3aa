"""Logs: a line for each request that fails, with its id; nothing that a record or a header held."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcess, in_process
from samples import machine_records, sample_detector, sample_record
from serving import Service, Start

from service.observing.logs import FORMATTERS, JsonFormatter
from service.observing.request_log import RequestLog

MARK = "planted7391"
"""A value of records, headers and addresses, which no log may hold."""


@pytest.fixture
def client(fast_path: bool) -> Iterator[InProcess]:
    with in_process(sample_detector(), fast_path=fast_path) as client:
        yield client


def fields_in(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.fields for record in caplog.records if record.name == "service.requests"]  # type: ignore[attr-defined]


def test_a_request_that_fails_has_one_line_with_its_id(client: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert client.post(json.dumps(sample_record())).status_code == 200
    assert client.post(json.dumps({"number": MARK}), x_request_id="mine").status_code == 422
    assert client.request("GET", f"/{MARK}", headers={"X-Request-ID": "lost"}).status_code == 404
    first, second = fields_in(caplog)
    assert first | {"ms": 0} == {
        "id": "mine",
        "endpoint": "score",
        "detector": "sample",
        "version": "1",
        "status": 422,
        "rows": 0,
        "ms": 0,
    }
    assert (second["id"], second["endpoint"], second["status"]) == ("lost", "unmatched", 404)
    assert [
        record for record in caplog.records if record.name.startswith("service") and MARK in record.getMessage()
    ] == []


def test_an_error_of_our_own_has_a_traceback_and_an_id_but_no_value(
    fast_path: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(Z: Any) -> Any:
        raise ZeroDivisionError(f"{MARK} {Z}")

    with in_process(sample_detector(reconstruct=fail), fast_path=fast_path) as client:
        answer = client.post(json.dumps(sample_record()), x_request_id="broken-1")
    assert answer.status_code == 500
    assert answer.headers.get_list("x-request-id") == ["broken-1"]
    assert "broken-1" in answer.json()["detail"]
    assert MARK not in answer.text
    for formatter in (each("%(message)s") for each in FORMATTERS.values()):
        text = "\n".join(map(formatter.format, caplog.records))
        assert "builtins.ZeroDivisionError" in text
        assert "in fail" in text
        assert "broken-1" in text
        assert f"{MARK} [" not in text  # the line of the code is shown, and not what it said
    assert 500 in [fields["status"] for fields in fields_in(caplog)]


def test_a_flood_of_failing_requests_has_few_lines_but_errors_of_ours_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = RequestLog()
    for number in range(1000):
        log.ended(f"{number}".encode(), "score", 503)
    assert fields_in(caplog)[0]["id"] == "0"
    assert len(caplog.records) <= 4  # where a second passes meanwhile
    for number in range(1000):
        log.ended(f"{number}".encode(), "score", 422)
    for _ in range(200):
        log.ended(b"ours", "score", 500)
    found = [fields["status"] for fields in fields_in(caplog)]
    assert 100 <= found.count(422) <= 200
    assert found.count(500) == 200


def test_json_lines_are_objects_whatever_is_in_a_message() -> None:
    record = logging.LogRecord("a", logging.WARNING, "f", 1, 'a "quote"\nand %s', ("é",), None)
    record.fields = {"id": "x"}
    line = JsonFormatter().format(record)
    assert "\n" not in line
    read = json.loads(line)
    assert (read["message"], read["id"], read["level"]) == ('a "quote"\nand é', "x", "WARNING")


def log_of(service: Service) -> list[str]:
    """End a service and return what it wrote since it was running."""
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(service.process.stderr or ()))
    service.process.terminate()
    reader.start()
    service.process.wait(30)
    reader.join(30)
    return lines


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("flags", [["--access-log"], ["--fast-path"], ["--no-fast-path"]])
def test_no_log_holds_a_value_of_a_record_or_a_secret(
    bundle_path: Path, start: Start, log_format: str, flags: list[str]
) -> None:
    [record] = machine_records(1, seed=1)
    bodies: list[Any] = [record]
    bodies += [record | {name: MARK} for name in record]
    bodies += [[record] * 300 + [record | {name: [MARK]}] for name in record]
    bodies += [{MARK: 1}, MARK, [MARK], {"columns": [MARK], "rows": [[MARK]]}]
    with start(bundle_path, "--log-format", log_format, *flags) as service:
        secrets = {"Authorization": f"Bearer {MARK}", "Cookie": MARK, "X-Request-ID": f"{MARK}!"}
        for body in bodies:
            for path in ("/score", f"/score?explain={MARK}", f"/{MARK}", "/embed", "/score/stream"):
                service.client.post(path, json=body, headers=secrets)
        csv = f"{MARK},b\n{MARK},{MARK}\n".encode()
        for kind in ("text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream", MARK):
            service.client.post("/score", content=csv, headers={"Content-Type": kind})
        lines = log_of(service)
    assert sum("request failed" in line for line in lines) > 50
    assert [
        line for line in lines if MARK in line and f'"id": "{MARK}"' not in line and f"id={MARK} " not in line
    ] == []
    if log_format == "json":
        for line in lines:
            json.loads(line)
    if flags == ["--access-log"]:
        assert any("status=200 rows=1 " in line or '"status": 200, "rows": 1,' in line for line in lines)
